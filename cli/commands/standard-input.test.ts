/** What `backup --stdin` reads, and sources that must be given to it instead of being named. */
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { makeFifo } from "../../fixtures/native.ts"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

function saveStdin(box: Sandbox, path: string): Outcome {
  const fd = openSync(path, "r")
  try {
    return box.runWith(box.environment, ["backup", "--stdin", "--json"], fd)
  } finally {
    closeSync(fd)
  }
}

test("backup --stdin reads a regular file, one of procfs too", (context) => {
  const box = sandbox(context)
  box.must("init")
  writeFileSync(box.path("file"), "content")
  for (const path of [box.path("file"), "/proc/version"]) {
    const { code, err } = saveStdin(box, path)
    assert.equal(code, 0, err)
    assert.equal(box.must("dump", "latest", "stdin").out, readFileSync(path, "utf8"))
  }
})

test("backup --stdin refuses a folder, and prints the command to use", (context) => {
  const box = sandbox(context)
  box.must("init")
  const { code, err } = saveStdin(box, box.folder)
  assert.equal(code, 2, err)
  assert.match(err, /standard input is a folder\..*holdfast backup FOLDER/)
  assert.match(box.run("snapshots").out, /^(?!.*stdin)/)
})

test("backup --stdin refuses a closed standard input, and reads /dev/null as an empty one", (context) => {
  const box = sandbox(context)
  box.must("init")
  const run = (redirection: string): { code: number | null; err: string } => {
    const { status, stderr } = spawnSync(
      "bash",
      ["-c", `exec "$0" "$@" ${redirection}`, process.execPath, ...programWords(), "--stdin"],
      {
        cwd: box.folder,
        env: { ...process.env, ...box.environment },
        encoding: "utf8",
      },
    )
    return { code: status, err: stderr }
  }
  const closed = run("<&-")
  assert.equal(closed.code, 2, closed.err)
  assert.match(closed.err, /standard input is closed/)
  assert.doesNotMatch(box.run("snapshots").out, /stdin/)
  const empty = run("</dev/null")
  assert.equal(empty.code, 0, empty.err)
  assert.match(box.must("snapshots").out, /stdin/)
})

test("backup of a FIFO that is named is refused, and names --stdin; inside a folder it is kept", async (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("folder"))
  makeFifo(box.path("folder", "pipe"))
  symlinkSync("folder/pipe", box.path("link"))
  for (const words of [["folder/pipe"], ["link"], ["folder", "folder/pipe"], ["name=folder/pipe"]]) {
    const { code, err } = box.run("backup", ...words)
    assert.equal(code, 2, err)
    assert.match(err, /is a FIFO.*--stdin/)
  }
  box.must("backup", "folder")
  assert.match(box.must("ls", "latest").out, /^pipe$/m)

  // a shell's <(program) is a link below /dev/fd
  const child = spawn("bash", ["-c", `exec "$0" "$@" <(echo content)`, process.execPath, ...programWords()], {
    cwd: box.folder,
    env: { ...process.env, ...box.environment },
    stdio: ["ignore", "ignore", "pipe"],
  })
  let err = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
  const code = await new Promise((resolve) => child.on("close", resolve))
  assert.equal(code, 2, err)
  assert.match(err, /is a FIFO.*--stdin/)
})

function programWords(): string[] {
  return [new URL("../../dist/cli/main.js", import.meta.url).pathname, "backup"]
}

test("backup reads files of procfs and sysfs to their end, whatever size they report", (context) => {
  const box = sandbox(context)
  box.must("init")
  const paths = ["/proc/version", "/proc/filesystems", "/sys/devices/system/cpu/online"]
  const { last } = box.must("backup", ...paths, "--series", "system", "--json")
  for (const path of paths) {
    assert.equal(box.must("dump", "latest", path.slice(1)).out, readFileSync(path, "utf8"))
  }
  const bytes = paths.reduce((sum, path) => sum + readFileSync(path).length, 0)
  assert.equal(last["total_bytes_processed"], bytes)
  box.must("check", "--read-data")
})

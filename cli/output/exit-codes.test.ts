/** Every exit code that a script can get for a folder, with its message. */
import assert from "node:assert/strict"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"
import { EXIT, exitCodeOf, messageOf, UsageError } from "./exit-codes.ts"
import { ready, sandbox, type JsonLine, type Sandbox } from "../testing/run-cli.ts"

/** The code in the last line of standard error. */
function exitError(err: string): unknown {
  const line = JSON.parse(err.trim().split("\n").at(-1) ?? "") as JsonLine
  return line["message_type"] === "exit_error" ? line["code"] : undefined
}

/** Another home, without a secret unless one is given. */
function stranger(
  box: Sandbox,
  secret: Readonly<Record<string, string>>,
  ...words: string[]
): ReturnType<Sandbox["run"]> {
  return box.runWith(
    { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("stranger"), ...secret },
    words,
  )
}

test("exitCodeOf() knows our own bugs from failures of the machine", () => {
  assert.equal(exitCodeOf(new UsageError("x")), 2)
  assert.equal(exitCodeOf(new Error("bug: x")), 2)
  assert.match(messageOf(new Error("bug: x")), /internal error: bug: x \(HOLDFAST_DEBUG=1 shows where\)/)
  const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write", path: "/x" })
  assert.equal(exitCodeOf(full), 1)
  assert.equal(messageOf(full), "/x: no space left on the disk")
})

test("10: a folder that is no repository, one that is not there, and a file", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("empty"))
  for (const place of [box.path("empty"), box.path("no where"), box.keyFile]) {
    for (const words of [["snapshots"], ["restore", "latest", "--target", box.path("out")], ["check"]]) {
      const { code, err } = box.run(...words, "-r", place)
      assert.equal(code, 10, `${words[0]} ${place}: ${err}`)
      assert.match(err, /^holdfast: .*(no repository here|not a repository)/)
    }
  }
  assert.match(box.run("snapshots", "-r", box.path("no where")).err, /run: holdfast init '[^']*\/no where'/)
  assert.ok(!existsSync(box.path("out")))
})

test("10: an incomplete repository is reported with what to do", (context) => {
  const box = sandbox(context)
  ready(box)
  const record = readFileSync(join(box.repository, "repository"))
  rmSync(join(box.repository, "repository"))
  const gone = stranger(box, { HOLDFAST_KEY_FILE: box.keyFile }, "snapshots")
  assert.equal(gone.code, 10, gone.err)
  const again = stranger(box, { HOLDFAST_KEY_FILE: box.keyFile }, "init", box.repository)
  assert.equal(again.code, 1, again.err)
  assert.match(again.err, /holds parts of a repository .*put that back from a copy/)
  writeFileSync(join(box.repository, "repository"), record)
  box.must("check", "--read-data")
})

/** As they look when they are new: only names and a few first bytes count. */
const OTHERS: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>> = {
  restic: {
    config: Buffer.alloc(155, 3),
    [`keys/${"0a".repeat(32)}`]: "{}",
    "data/00/x": "",
    "snapshots/x": "",
  },
  borg: {
    README: "This is a Borg Backup repository.\n",
    config: "[repository]\nversion = 1\n",
    "data/0/1": "",
  },
  kopia: { "kopia.repository.f": "{}", "kopia.blobcfg.f": "{}", "q00/x": "" },
}

test("10: the repository of another program is named, and nothing is made in it", (context) => {
  const box = sandbox(context)
  for (const [tool, files] of Object.entries(OTHERS)) {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(box.path(tool, name)), { recursive: true })
      writeFileSync(box.path(tool, name), content)
    }
    for (const words of [["snapshots"], ["backup", "key"], ["connect"]]) {
      const { code, err } = box.run(...words, "-r", box.path(tool))
      assert.equal(code, 10, err)
      assert.match(err, new RegExp(`this is a (.* or )?${tool}( or .*)? repository`))
    }
    assert.match(
      box.run("init", box.path(tool)).err,
      new RegExp(`this is a (.* or )?${tool}( or .*)? repository`),
    )
    const names = readdirSync(box.path(tool), { recursive: true, encoding: "utf8" })
    assert.ok(!names.includes("repository"), tool)
  }
})

test("12: a wrong or missing key or passphrase reveals nothing about existing ones", (context) => {
  const box = sandbox(context)
  ready(box)
  const wrongKey = box.path("wrong-key")
  writeFileSync(wrongKey, Buffer.alloc(32, 9).toString("base64"), { mode: 0o600 })
  const byKey = stranger(box, { HOLDFAST_KEY_FILE: wrongKey }, "snapshots")
  const byWord = stranger(box, { HOLDFAST_PASSWORD: "wrong" }, "snapshots")
  assert.deepEqual([byKey.code, byWord.code, byKey.err], [12, 12, byWord.err])
  const none = stranger(box, {}, "snapshots")
  assert.equal(none.code, 12)
  assert.match(none.err, /--password-file|HOLDFAST_PASSWORD/)
  assert.ok(!`${byKey.err}${byWord.err}`.includes("    at "), "no stack trace")
})

test("3: an unreadable file is reported, the rest is saved", (context) => {
  const box = sandbox(context)
  const source = ready(box)
  const { code, last, errorLines, err } = box.run("backup", source, box.path("missing"), "--json")
  assert.equal(code, 3)
  assert.equal(exitError(err), 3)
  assert.equal(last["errors"], 1)
  assert.ok(
    errorLines.some(({ message_type, item }) => message_type === "error" && /missing/.test(String(item))),
  )
})

test("13: a damaged pack is named by check and by restore, and no wrong file appears", (context) => {
  const box = sandbox(context)
  ready(box)
  const pack = findPack(box.repository)
  const bytes = readFileSync(pack)
  bytes[100] = (bytes[100] ?? 0) ^ 1
  chmodSync(pack, 0o600)
  writeFileSync(pack, bytes)
  const name = pack.slice(pack.indexOf("packs/"))
  const checked = box.run("check", "--read-data", "--json")
  assert.equal(checked.code, 13)
  assert.ok(
    checked.errorLines.some(({ item }) => item === name),
    checked.err,
  )
  const restored = box.run("restore", "latest", "--target", box.path("out"), "--json")
  assert.equal(restored.code, 13)
  for (const { errorLines, last, err } of [checked, restored]) {
    assert.ok(errorLines.some(({ item, object }) => [item, object].includes(name)))
    assert.equal(last["message_type"], "summary")
    assert.equal(exitError(err), 13)
  }
  assert.doesNotMatch(box.run("check", "--read-data").err, /exit_error|listed above/)
  assert.ok(!existsSync(box.path("out", "a.md")))
})

test("13: a missing pack is named by check without reading data", (context) => {
  const box = sandbox(context)
  ready(box)
  rmSync(findPack(box.repository))
  assert.equal(box.run("check").code, 13)
})

test("14: a repository that was rolled back is not believed", (context) => {
  const box = sandbox(context)
  const source = ready(box)
  const before = new Set(readdirSync(join(box.repository, "log"), { recursive: true, encoding: "utf8" }))
  writeFileSync(join(source, "a.md"), "second\n")
  box.must("backup", source)
  for (const name of readdirSync(join(box.repository, "log"), { recursive: true, encoding: "utf8" })) {
    if (!before.has(name)) rmSync(join(box.repository, "log", name), { recursive: true })
  }
  writeFileSync(join(source, "a.md"), "third\n")
  const { code, err } = box.run("snapshots")
  assert.equal(code, 14)
  assert.match(err, /holdfast connect --accept-head/)
})

test("connect --accept-head lists what is lost, and only then is the repository believed again", (context) => {
  const box = sandbox(context)
  const source = ready(box)
  cpSync(box.repository, box.path("old"), { recursive: true })
  writeFileSync(join(source, "b.md"), "second\n")
  const lost = box.must("backup", source, "--json").last["snapshot_id"]
  rmSync(box.repository, { recursive: true })
  renameSync(box.path("old"), box.repository)
  assert.equal(box.run("backup", source).code, 14)
  assert.equal(box.run("connect").code, 0, "connecting alone asks the log nothing")
  assert.equal(box.run("snapshots").code, 14)

  const accepted = box.must("connect", box.repository, "--accept-head", "--json").lines
  assert.deepEqual(
    accepted.map(({ message_type, code, id }) => [message_type, code ?? id]),
    [
      ["accepted", "chain-rolled-back"],
      ["snapshot_lost", lost],
      ["connected", accepted.at(-1)?.["id"]],
    ],
  )
  box.must("backup", source)
  box.must("check", "--read-data")
  box.must("restore", "latest", "--target", box.path("out"))
  assert.equal(readFileSync(join(box.path("out"), "b.md"), "utf8"), "second\n")
  assert.equal(box.must("snapshots", "--json").lines.length, 2)
  assert.match(box.must("connect", "--accept-head").out, /no snapshot seen by this device is missing/)
})

test("15: for a repository of a newer format a newer holdfast is suggested", (context) => {
  const box = sandbox(context)
  ready(box)
  const object = join(box.repository, "repository")
  const bytes = readFileSync(object)
  const format = bytes.indexOf("format") + "format".length
  assert.equal(bytes[format], 0)
  bytes[format] = 9
  chmodSync(object, 0o600)
  writeFileSync(object, bytes)
  const { code, err } = stranger(box, { HOLDFAST_KEY_FILE: box.keyFile }, "snapshots")
  assert.equal(code, 15, err)
  assert.match(err, /newer/)
})

test("17: a store that is not reachable", (context) => {
  const box = sandbox(context)
  const aws = {
    AWS_ACCESS_KEY_ID: "x",
    AWS_SECRET_ACCESS_KEY: "y",
    AWS_REGION: "us-east-1",
    HOLDFAST_HOME: box.path("home"),
  }
  const words = [
    "snapshots",
    "-r",
    "s3://bucket/prefix",
    "--endpoint",
    "http://127.0.0.1:9",
    "--key-file",
    box.keyFile,
  ]
  const { code, err } = box.runWith(aws, words)
  assert.equal(code, 17, err)
})

test("1: a snapshot that does not exist, with the verb that lists them", (context) => {
  const box = sandbox(context)
  ready(box)
  const { code, err } = box.run("ls", "0123456789")
  assert.equal(code, 1)
  assert.match(err, /0123456789/)
})

function findPack(repository: string): string {
  const names = readdirSync(join(repository, "packs"), { recursive: true, encoding: "utf8" })
  const pack = names.map((name) => join(repository, "packs", name)).find((path) => statSync(path).isFile())
  if (pack === undefined) throw new Error("the repository has no pack")
  return pack
}

test("README lists every exit code", () => {
  const [, list = ""] = /Exit codes: ([^]*?)\. Shell completion/.exec(readFileSync("README.md", "utf8")) ?? []
  const listed = list.split("·").map((each) => Number(/^\s*(\d+) /.exec(each)?.[1]))
  assert.deepEqual(listed, Object.values(EXIT))
})

/** Usage errors of the built program: one line, advice, exit code 2. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type Outcome } from "../testing/run-cli.ts"

function isUsage(outcome: Outcome, message: RegExp): void {
  assert.equal(outcome.code, 2)
  assert.equal(outcome.out, "")
  assert.match(outcome.err, message)
  assert.equal(outcome.err.trimEnd().split("\n").length, 1, outcome.err)
}

test("holdfast version prints its version, its format and Node's version", (context) => {
  const { code, out } = sandbox(context).run("version")
  assert.equal(code, 0)
  assert.match(out, /^holdfast \d+\.\d+\.\d+ \(format 0, Node \d+/)
  assert.equal(sandbox(context).run("version", "--json").last["message_type"], "version")
  assert.equal(sandbox(context).run("--json", "version").last["message_type"], "version")
})

test("holdfast without words explains itself, and is a mistake for scripts", (context) => {
  const { run } = sandbox(context)
  assert.equal(run().code, 2)
  assert.match(run().out, /holdfast init/)
  assert.equal(run("--help").code, 0)
  assert.equal(run("help").code, 0)
})

test("holdfast VERB --help and help VERB print the same, with examples", (context) => {
  const { run } = sandbox(context)
  const { code, out } = run("restore", "--help")
  assert.equal(code, 0)
  assert.match(out, /Examples:\n {2}holdfast restore/)
  assert.equal(run("help", "restore").out, out)
  assert.equal(run("-h", "restore").out, out)
  assert.match(run("help", "key").out, /key add[\s\S]*key passwd/)
  assert.equal(run("key", "--help").out, run("help", "key").out)
  assert.equal(run("device", "-h").code, 0)
  assert.match(String(run("restore", "--help", "--json").last["text"]), /Examples:/)
  assert.match(String(run("key", "-h", "--json").last["text"]), /key add/)
})

test("help is printed for a group of verbs, and as a JSON line", (context) => {
  const { run } = sandbox(context)
  for (const words of [
    ["key", "--help"],
    ["key", "-h"],
    ["-h", "key"],
  ]) {
    const { code, out } = run(...words)
    assert.equal(code, 0, words.join(" "))
    assert.equal(out, run("help", "key").out)
  }
  assert.match(run("device", "-h").out, /^holdfast device list/)
  for (const words of [["backup", "--help"], ["--help"], ["key", "--help"], ["help", "ls"]]) {
    const { code, last } = run(...words, "--json")
    assert.equal(code, 0, words.join(" "))
    assert.equal(last["message_type"], "help")
    assert.match(String(last["text"]), /holdfast/)
  }
})

test("a missing argument is named with its article", (context) => {
  const { run } = sandbox(context)
  isUsage(run("key", "remove"), /key remove needs an ID; for example/)
  isUsage(run("ls"), /ls needs a snapshot; for example/)
})

test("a mistyped verb gets the nearest one", (context) => {
  const { run } = sandbox(context)
  isUsage(run("bakup", "x"), /unknown verb "bakup"; did you mean `holdfast backup`\?/)
  isUsage(run("key", "ad"), /did you mean `holdfast key add`\?/)
  isUsage(run("key"), /key needs a second word: .*key list/)
  isUsage(run("wibble"), /`holdfast help` lists all verbs/)
  isUsage(run("help", "bakup"), /did you mean `holdfast backup`\?/)
})

test("a mistyped flag gets the nearest one of its verb", (context) => {
  const { run } = sandbox(context)
  isUsage(run("backup", "--exlude", "x", "."), /unknown flag "--exlude" for backup; did you mean --exclude\?/)
  isUsage(run("snapshots", "--wibble"), /unknown flag "--wibble" for snapshots; `holdfast help snapshots`/)
  isUsage(run("restore", "latest", "--target"), /--target needs a value: --target FOLDER/)
  isUsage(run("snapshots", "--json=maybe"), /--json takes no value/)
  isUsage(run("restore", "latest", "-t", "x", "--overwrite", "maybe"), /always, if-changed, if-newer, never/)
})

test("a flag without a verb is reported too, with the nearest one", (context) => {
  const { run } = sandbox(context)
  isUsage(run("--jsno"), /unknown flag "--jsno"; did you mean --json\?/)
  isUsage(run("-r", "place", "--wibble=3"), /unknown flag "--wibble"; `holdfast help` lists all flags/)
  assert.equal(run("-V").out, run("version").out)
  const { code, err } = run("--json")
  assert.equal(code, 2)
  assert.match(err, /^\{"message_type":"exit_error","code":2,/)
})

test("a flag far from every other one gets no suggestion", (context) => {
  const { run } = sandbox(context)
  for (const flag of ["--short", "--list", "--past", "--rest"])
    assert.doesNotMatch(run("snapshots", flag).err, /--host/, flag)
  isUsage(run("snapshots", "--hsot"), /did you mean --host\?/)
  isUsage(run("snapshots", "--serie"), /did you mean --series\?/)
})

test("flags may stand before the verb, also those of the verb that take a value", (context) => {
  const { run, must, path } = sandbox(context)
  mkdirSync(path("backup"))
  writeFileSync(path("backup", "a"), "x")
  must("init")
  const saved = must("--series", "restore", "--tag", "ls", "--json", "backup", path("backup"))
  assert.equal(saved.last["series"], "restore")
  assert.equal(must("-r", path("repository"), "--json", "snapshots").lines.length, 1)
  assert.equal(must("--series=restore", "-v", "--json", "snapshots", "--tag", "ls").lines.length, 1)
  must("-t", path("out"), "restore", "latest")
  assert.equal(readFileSync(path("out", "a"), "utf8"), "x")
  isUsage(run("--target", path("out"), "snapshots"), /unknown flag "--target" for snapshots/)
  isUsage(run("--wibble", "x", "snapshots"), /unknown flag "--wibble"/)
})

test("a switch may be given as =true or =false, and --verbose as a number or several times", (context) => {
  const { must, run, path } = sandbox(context)
  mkdirSync(path("notes"))
  writeFileSync(path("notes", "a"), "x")
  must("init")
  assert.match(must("backup", path("notes"), "--dry-run=true").out, /dry run/)
  assert.match(must("backup", path("notes"), "--verbose=2", "--dry-run=false").out, / a\n/)
  const verbosely = (flag: string): string => {
    writeFileSync(path("notes", "a"), flag)
    return must("backup", path("notes"), flag).out
  }
  for (const flag of ["-vv", "--verbose=1", "--verbose=true"]) assert.match(verbosely(flag), / a\n/, flag)
  for (const flag of ["--verbose=0", "--verbose=false"]) assert.doesNotMatch(verbosely(flag), / a\n/, flag)
  isUsage(run("backup", path("notes"), "--verbose=loud"), /--verbose takes no value/)
  assert.doesNotMatch(verbosely("--list=false"), / a\n/, "a habit's switch can be off, too")
})

test("missing and surplus arguments are reported with an example", (context) => {
  const { run } = sandbox(context)
  isUsage(run("restore"), /restore needs a snapshot; for example: holdfast restore latest --target/)
  isUsage(run("diff", "a", "b", "surplus"), /diff takes at most 2 arguments; unexpected: "surplus"/)
  isUsage(run("key", "remove"), /key remove needs an ID/)
  isUsage(run("backup"), /backup needs a path/)
  isUsage(run("restore", "latest"), /--target FOLDER, or --in-place/)
  isUsage(run("restore", "latest", "--target", "x", "--in-place"), /--in-place: give one destination/)
})

test("values that make no sense are refused before anything is done", (context) => {
  const { run } = sandbox(context)
  isUsage(run("backup", ".", "--exclude-larger-than", "huge"), /--exclude-larger-than needs a size/)
  isUsage(run("backup", ".", "--time", "yesterday"), /--time needs a time/)
  isUsage(run("check", "--read-data-subset", "5"), /needs a part such as 5%/)
  isUsage(run("completion", "tcsh"), /bash, zsh, fish/)
  isUsage(run("snapshots", "--limit-upload", "fast"), /--limit-upload needs a whole number/)
})

test("--json turns the failure into one exit_error line on standard error", (context) => {
  const { code, err, out } = sandbox(context).run("bakup", "--json")
  assert.equal(code, 2)
  assert.equal(out, "")
  const line = JSON.parse(err) as { message_type: string; code: number; message: string }
  assert.deepEqual([line.message_type, line.code], ["exit_error", 2])
  assert.match(line.message, /did you mean/)
})

test("backup before init prints the two lines to type", (context) => {
  const { code, err } = sandbox(context).runWith({ HOLDFAST_HOME: "/nonexistent/home" }, ["backup", "notes"])
  assert.equal(code, 10)
  assert.match(err, /holdfast init \S+\n\s+holdfast backup notes/)
  const spaced = sandbox(context).runWith({ HOLDFAST_HOME: "/nonexistent/home" }, ["backup", "my notes"])
  assert.match(spaced.err, /holdfast backup 'my notes'$/m)
})

test("standard output that is closed early is no failure of its own", (context) => {
  const { path } = sandbox(context)
  const { stderr } = spawnSync("sh", ["-c", `"${process.execPath}" dist/cli/main.js help | head -n 1`], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOLDFAST_HOME: path("home") },
  })
  assert.equal(stderr, "")
})

test("an old Node is refused with a command that works", (context) => {
  const { path, folder } = sandbox(context)
  const pretend = path("old-node.cjs")
  const versions = `{ ...process.versions, node: "20.20.2" }`
  writeFileSync(pretend, `Object.defineProperty(process, "versions", { value: ${versions} })`)
  const words = ["--require", pretend, "dist/cli/main.js", "snapshots"]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" })
  assert.deepEqual([status, stdout], [2, ""])
  assert.match(stderr, /^holdfast needs Node 22\.18 or newer; this is Node 20\.20\.2\.\n/)
  const [, line = ""] = /\n {2}npx --yes node@24 (.*)\n$/.exec(stderr) ?? []
  const shown = spawnSync("sh", ["-c", `'${process.execPath}' ${line}`], { encoding: "utf8", cwd: folder })
  assert.equal(shown.status, 0, shown.stderr)
  assert.match(shown.stdout, /holdfast backup/)
})

/** Every way to write a path, in every verb that takes one. */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

/** Not UTF-8, with control characters, a backslash, and text that a pattern would read as a class. */
const ODD = ["stray\xff.md", "tab\there.md", "back\\x41.md", "a[1].md", "caf\xc3\xa9.md"]

function ready(context: TestContext): { box: Sandbox; source: string } {
  const box = sandbox(context)
  const source = box.path("notes")
  mkdirSync(join(source, "sub"), { recursive: true })
  mkdirSync(join(source, "other"))
  writeFileSync(join(source, "sub", "n.md"), "first\n")
  writeFileSync(join(source, "other", "m.md"), "other\n")
  for (const name of ODD) writeFileSync(Buffer.from(`${source}/sub/${name}`, "latin1"), `${name}\n`)
  box.must("init")
  box.must("backup", source)
  return { box, source }
}

test("ls, dump, log, find, diff and restore take an absolute path, ./ and a slash at the end", (context) => {
  const { box, source } = ready(context)
  const folders = [
    "sub",
    "./sub",
    "sub/",
    "/sub",
    `${source}/sub`,
    `${source}//./sub/`,
    `${source}/other/../sub`,
  ]
  const expected = box.must("ls", "latest:sub").out
  assert.match(expected, /^sub\nsub\/.*n\.md/s)
  for (const folder of folders) {
    assert.equal(box.must("ls", `latest:${folder}`).out, expected, folder)
    assert.equal(box.must("ls", "latest", folder).out, expected, folder)
    const file = `${folder}/n.md`
    assert.equal(box.must("dump", "latest", file).out, "first\n", file)
    assert.match(box.must("log", file).out, /6 B/, file)
    const pattern = folder.startsWith("/") || folder.startsWith("./") ? file : `/${file}`
    assert.match(box.must("find", pattern.replace("other/../", "")).out, /sub\/n\.md/, pattern)
    assert.match(box.must("diff", `latest:${folder}`).out, /^0 added, 0 removed, 0 changed/, folder)
    rmSync(box.path("out"), { recursive: true, force: true })
    box.must("restore", `latest:${folder}`, "--target", box.path("out"))
    assert.equal(readFileSync(box.path("out", "n.md"), "utf8"), "first\n")
  }
  assert.equal(box.must("ls", `latest:${source}`).out, box.must("ls", "latest").out)
  assert.match(box.must("ls", `latest:${source}/sub/n.md`).out, /^sub\/n\.md$/m)
  for (const words of [
    ["ls", "latest:none"],
    ["dump", "latest", `${source}/none`],
    ["log", `${source}/none`],
  ])
    assert.equal(box.run(...words).code, 1, words.join(" "))
})

test("every name is found as ls prints it, by path and by pattern", (context) => {
  const { box } = ready(context)
  const printed = box
    .must("ls", "latest:sub")
    .out.split("\n")
    .filter((line) => line.startsWith("sub/"))
  assert.equal(printed.length, ODD.length + 1)
  for (const path of printed) {
    assert.equal(box.must("ls", `latest:${path}`).out, `${path}\n`)
    const content = box.must("dump", `latest:${path}`).out
    assert.match(content, /\n$/)
    assert.match(box.must("log", path).out, / B /, path)
    assert.ok(box.must("find", path).out.includes(path), path)
    rmSync(box.path("out"), { recursive: true, force: true })
    box.must("restore", "latest", "--target", box.path("out"), "--include", path)
    assert.equal(readdirSync(box.path("out", "sub")).length, 1, path)
    box.must("restore", "latest", "--target", box.path("out"), "--exclude", path)
    assert.equal(readdirSync(box.path("out", "sub")).length, ODD.length + 1)
    rmSync(box.path("out"), { recursive: true, force: true })
    box.must("restore", "latest", "--target", box.path("out"), "--exclude", path)
    assert.equal(readdirSync(box.path("out", "sub")).length, ODD.length, path)
  }
})

test("restore --include and --exclude take absolute paths, and an include without a match is exit code 1", (context) => {
  const { box, source } = ready(context)
  const out = (...words: string[]): { code: number | null; err: string; names: string[] } => {
    rmSync(box.path("out"), { recursive: true, force: true })
    const { code, err } = box.run("restore", "latest", "--target", box.path("out"), ...words)
    return { code, err, names: readdirSync(box.path("out"), { recursive: true, encoding: "utf8" }).sort() }
  }
  const one = { code: 0, err: "", names: ["other", "other/m.md"] }
  assert.deepEqual(out("--include", `${source}/other`), one)
  assert.deepEqual(out("--include", `${source}/other/m.md`), one)
  assert.deepEqual(out("--include", "./other/"), one)
  assert.deepEqual(out("--include", "other", "--include", "m.md"), one)
  assert.deepEqual(out("--exclude", `${source}/sub`), one)
  for (const none of [`${source}/none`, "none", "/other/none", "m.md/"]) {
    const { code, err, names } = out("--include", `${source}/other`, "--include", none)
    assert.equal(code, 1, none)
    assert.match(err, /: this pattern matches nothing in the snapshot/)
    assert.deepEqual(names, one.names)
  }
  const json = box.run("restore", "latest", "--target", box.path("out"), "--include", "none", "--json")
  assert.equal(json.code, 1)
  assert.match(json.err, /"message_type":"error"[^\n]*"item":"none"/)
})

test("backup takes absolute excludes, from flags and files, and warns of one below no source", (context) => {
  const box = sandbox(context)
  const source = box.path("notes")
  mkdirSync(join(source, "keep"), { recursive: true })
  for (const name of ["cache", "build", "tmp"]) {
    mkdirSync(join(source, name))
    writeFileSync(join(source, name, "x"), "x\n")
  }
  writeFileSync(box.path("patterns"), `${source}/tmp\r\n`)
  box.must("init")
  const flags = [
    "--exclude",
    `${source}/cache`,
    "--iexclude",
    `${source}/BUILD/`,
    "--exclude-file",
    box.path("patterns"),
  ]
  const { err } = box.must("backup", source, ...flags)
  assert.equal(err, "")
  assert.equal(box.must("ls", "latest").out, "keep\n")
  assert.match(box.must("diff", "latest").out, /^0 added, 0 removed/)
  const warned = box.must(
    "backup",
    source,
    ...flags,
    "--exclude",
    box.path("elsewhere/x"),
    "--exclude",
    "/keep",
  )
  assert.deepEqual(warned.err.trim().split("\n").length, 1, warned.err)
  assert.match(warned.err, /--exclude \S+elsewhere\/x is not below any source and excludes nothing/)
  const json = box.must("backup", source, "--exclude", box.path("elsewhere/x"), "--dry-run", "--json")
  assert.match(json.err, /"message_type":"warning"[^\n]*elsewhere/)
})

test("--path takes a path below a source, a relative one and one with a slash at the end", (context) => {
  const { box, source } = ready(context)
  const café = box.path("café")
  renameSync(join(source, "other"), café)
  box.must("backup", café)
  const series = (...words: string[]): unknown[] =>
    box.must("snapshots", "--json", ...words).lines.map((line) => line["series"])
  for (const path of [source, `${source}/`, `${source}/sub`, "notes", "./notes/sub/n.md"])
    assert.deepEqual(series("--path", path), ["notes"], path)
  assert.deepEqual(series("--path", café), ["café"])
  assert.deepEqual(series("--path", box.path("none")), [])
  assert.equal(box.must("dump", "latest", `${café}/m.md`, "--path", `${café}/m.md`).out, "other\n")
})

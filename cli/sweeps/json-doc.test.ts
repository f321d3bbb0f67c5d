/**
 * Compares the program with spec/json.md: each printed field is documented with its type, and each documented
 * message is printed.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type JsonLine, type Outcome } from "../testing/run-cli.ts"

/** By field; "…" for all fields of a shape. */
type Fields = readonly (readonly [string, string])[]

/** By "verb message" and by the name of a shape. */
const documented = readPage(readFileSync("spec/json.md", "utf8"))

function readPage(page: string): ReadonlyMap<string, Fields> {
  const found = new Map<string, (readonly [string, string])[]>()
  let verb = ""
  let at = ""
  for (const line of page.split("\n")) {
    const heading = /^(##|###) (.+)$/.exec(line)
    if (heading?.[1] === "##") [verb, at] = [heading[2] ?? "", ""]
    else if (heading !== null) {
      at = verb === "Shapes" ? (heading[2] ?? "") : `${verb}: ${heading[2] ?? ""}`
      assert.ok(!found.has(at), `${at} is there twice`)
      found.set(at, [])
    }
    const row = /^\| (?:`(\w+)`|(…)) \| ([^|]+) \|/.exec(line)
    if (row !== null && at !== "") found.get(at)?.push([row[1] ?? "…", (row[3] ?? "").trim()])
  }
  return found
}

/** Rows with those of shapes in place of "…". */
function fieldsOf(name: string): Fields {
  const fields = documented.get(name)
  assert.ok(fields, `spec/json.md has no ${name}`)
  return fields.flatMap(([field, type]) => (field === "…" ? fieldsOf(type) : [[field, type] as const]))
}

/** All differences, so that one run shows them. */
const problems = new Set<string>()

function expect(holds: boolean, problem: string): void {
  if (!holds) problems.add(problem)
}

const PRIMITIVES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  hex: (value) => typeof value === "string" && /^[0-9a-f]+$/.test(value),
  int: (value) => typeof value === "number" && Number.isInteger(value) && value >= 0,
  number: (value) => typeof value === "number",
  bool: (value) => typeof value === "boolean",
  time: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(value),
}

function checkType(value: unknown, type: string, where: string): void {
  const alternatives = type.replace(/\?$/, "").split(" or ")
  if (value === null) return expect(alternatives.includes("null"), `${where} is null`)
  const [one = ""] = alternatives
  if (one.endsWith("[]")) {
    expect(Array.isArray(value), `${where} is no array`)
    for (const item of value as unknown[]) checkType(item, one.slice(0, -2), where)
    return
  }
  const primitive = PRIMITIVES[one]
  if (primitive === undefined) checkFields(value as JsonLine, one, where)
  else expect(primitive(value), `${where} is ${JSON.stringify(value)}, not ${one}`)
}

function checkFields(found: JsonLine, name: string, where: string): void {
  const fields = new Map(fieldsOf(name))
  for (const [field, value] of Object.entries(found)) {
    if (field === "message_type") continue
    const type = fields.get(field)
    expect(type !== undefined, `${where} has a field that spec/json.md does not have: ${field}`)
    if (type !== undefined) checkType(value, type, `${where}.${field}`)
  }
  for (const [field, type] of fields) expect(field in found || type.endsWith("?"), `${where} lacks ${field}`)
}

const ON_STANDARD_ERROR = ["exit_error", "warning", "requests", "error"]

/** Runs a verb with --json, checks all that it prints, and notes each message in `seen`. */
function runner(context: TestContext) {
  const box = sandbox(context)
  const seen = new Set<string>()
  const run = (verb: string, ...words: string[]): Outcome => {
    const outcome = box.run(...verb.split(" "), ...words, "--json")
    for (const text of [outcome.out, outcome.err])
      for (const line of text.split("\n")) assert.ok(line === "" || line.startsWith("{"), `${verb}: ${line}`)
    const check = (line: JsonLine, isError: boolean): void => {
      const message = String(line["message_type"])
      const own = `${verb}: ${message}`
      const name = documented.has(own) ? own : `Every verb: ${message}`
      if (!documented.has(name)) return expect(false, `spec/json.md has no ${own}`)
      checkFields(line, name, `${verb} ${message}`)
      expect(ON_STANDARD_ERROR.includes(message) === isError, `${own} is on the wrong stream`)
      seen.add(name)
    }
    for (const line of outcome.lines) check(line, false)
    for (const line of outcome.errorLines) check(line, true)
    return outcome
  }
  const must = (verb: string, ...words: string[]): Outcome => {
    const outcome = run(verb, ...words)
    assert.equal(outcome.code, 0, `${verb} ${words.join(" ")}: ${outcome.err}`)
    return outcome
  }
  return { box, seen, run, must }
}

function makeSource(source: string): void {
  mkdirSync(join(source, "folder"), { recursive: true })
  writeFileSync(join(source, "file"), "one\n")
  linkSync(join(source, "file"), join(source, "hard"))
  symlinkSync("file", join(source, "link"))
  execFileSync("mkfifo", [join(source, "fifo")])
  writeFileSync(Buffer.from(`${source}/\xff.md`, "latin1"), "odd")
  for (let at = 0; at < 2000; at++) writeFileSync(join(source, "folder", String(at)), String(at).repeat(5000))
}

test("every field and message that a verb prints is in spec/json.md, and the other way round", (context) => {
  const { box, seen, run, must } = runner(context)
  const source = box.path("notes")
  makeSource(source)
  must("init")
  must("connect")
  must("backup", source, "--verbose", "--tag", "daily")
  cpSync(box.repository, box.path("old"), { recursive: true })
  writeFileSync(join(source, "file"), "two\n")
  rmSync(join(source, "folder", "1"))
  must("backup", source, "--verbose")
  assert.equal(run("backup", source, box.path("missing"), "--series", "notes").code, 3)
  must("backup", source, "--dry-run")
  must("estimate", source, "--provider", "aws")
  must("estimate", source)
  const address = "latest~1"
  must("restore", address, "--target", box.path("out"), "--verbose", "--special")
  must("restore", address, "--target", box.path("out"), "--verbose", "--special")
  must("restore", `${address}:file`, "--target", box.path("part"))
  must("snapshots")
  must("snapshots", "--group-by", "host,series,paths,tags", "--latest", "1")
  must("ls", address)
  must("find", "*")
  must("log", "file")
  must("log", "folder/1")
  must("diff", "latest~2", "latest~1", "--metadata")
  must("diff", address)
  must("stats")
  must("key list")
  writeFileSync(box.path("second"), "a second passphrase\n", { mode: 0o600 })
  writeFileSync(box.path("third"), "a third passphrase\n", { mode: 0o600 })
  const added = must("key add", "--new-password-file", box.path("second")).last
  must("key passwd", "--password-file", box.path("second"), "--new-password-file", box.path("third"))
  must("key add", "--recovery", "--recovery-words-file", box.path("words"))
  const keys = must("key list").lines
  const removed = keys.find(({ id, kind }) => kind === "recovery" && id !== added["id"])
  must("key remove", String(removed?.["id"]), "--dry-run")
  must("key remove", String(removed?.["id"]))
  must("device list")
  must("copy", box.path("mirror"))
  must("copy", "--promote", box.path("mirror"), "--dry-run")
  must("status")
  must("cache", "--clear")
  run("doctor")
  must("completion", "bash")
  must("version")
  must("version", "--quiet")
  must("help", "ls")
  run("ls", "ffffffff")
  writeFileSync(join(box.repository, "stranger"), "")
  must("check", "--read-data")
  must("check", "--store-only")
  damageAll(box.repository)
  run("check", "--read-data")
  run("check", "--store-only")
  run("restore", address, "--target", box.path("damaged"))
  run("copy", box.path("second-mirror"))
  rmSync(box.repository, { recursive: true })
  cpSync(box.path("old"), box.repository, { recursive: true })
  must("connect", "--accept-head")
  run("status")
  const messages = [...documented.keys()].filter((name) => name.includes(": "))
  for (const name of messages) expect(seen.has(name), `no verb printed ${name}`)
  assert.deepEqual([...problems], [])
})

function damageAll(repository: string): void {
  for (const folder of readdirSync(join(repository, "packs"))) {
    for (const name of readdirSync(join(repository, "packs", folder))) {
      const path = join(repository, "packs", folder, name)
      const bytes = readFileSync(path)
      bytes[100] = (bytes[100] ?? 0) ^ 1
      chmodSync(path, 0o600)
      writeFileSync(path, bytes)
    }
  }
}

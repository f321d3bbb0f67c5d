/** Paths that are empty or begin with a `~` that no shell expanded, on every verb and flag of the table. */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { UsageError } from "../output/exit-codes.ts"
import { parse } from "./parse.ts"
import { sandbox } from "../testing/run-cli.ts"
import { checkTypedPaths } from "./typed-paths.ts"
import { flagsOf, VERBS } from "./table.ts"
import type { Verb } from "./verb.ts"

const PLACES = ["FILE", "FOLDER", "PATH", "LOCATION"]

function check(verb: Verb, words: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  checkTypedPaths({ ...parse(verb, words), environment })
}

function message(verb: Verb, words: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    check(verb, words, environment)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return ""
}

test("checkTypedPaths() refuses an empty path after every flag that takes one", () => {
  let flags = 0
  for (const verb of VERBS) {
    for (const { name, value = "" } of flagsOf(verb)) {
      if (!PLACES.includes(value)) continue
      flags++
      assert.match(message(verb, [`--${name}`, ""]), /is empty/, `${verb.name} --${name}`)
      assert.match(message(verb, [`--${name}=`]), /is empty/, `${verb.name} --${name}=`)
      assert.match(message(verb, [`--${name}=~/x`]), /did not expand ~/, `${verb.name} --${name}=~/x`)
      assert.equal(message(verb, [`--${name}`, "./~/x"]), "")
    }
  }
  assert.ok(flags > 50, `${flags} flags`)
})

test("checkTypedPaths() refuses an empty argument of every verb, and an unexpanded ~ where it is a place", () => {
  for (const verb of VERBS) {
    verb.arguments.forEach((argument, position) => {
      const before = verb.arguments.slice(0, position).map(() => "x")
      assert.match(message(verb, [...before, ""]), /is empty/, `${verb.name} ${argument.name}`)
      if (argument.many === true) assert.match(message(verb, [...before, "x", ""]), /is empty/)
      if (argument.completes !== "files") return
      assert.match(message(verb, [...before, "~/x"]), /did not expand ~.*"\$HOME\/x"/)
      assert.match(message(verb, [...before, "~"]), /did not expand ~/)
      assert.equal(message(verb, [...before, "~x"]), "")
    })
  }
  const backup = VERBS.find(({ name }) => name === "backup") as Verb
  assert.match(message(backup, ["a="]), /is empty/)
  assert.match(message(backup, ["a=~/x"]), /did not expand ~/)
  assert.match(message(backup, ["x", "--exclude=~/x"]), /did not expand ~/)
  assert.equal(message(backup, ["--stdin-from-command", "--", "printf", ""]), "", "another program's words")
  const inHome = { HOLDFAST_REPOSITORY: "~/backups" }
  assert.match(message(backup, ["x"], inHome), /HOLDFAST_REPOSITORY=~\/backups: the shell did not expand ~/)
  assert.match(message(backup, ["x"], { HOLDFAST_HOME: "~/x" }), /HOLDFAST_HOME=/)
})

test("an empty --target, source or location changes nothing in the current folder", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a"), "saved\n")
  box.must("init")
  box.must("backup", box.path("notes"))
  writeFileSync(box.path("thesis"), "never saved\n")
  const before = readdirSync(box.folder).toSorted()
  for (const words of [
    ["restore", "latest", "--target", "", "--delete"],
    ["restore", "latest", "--target=~/x"],
    ["backup", ""],
    ["backup", "x="],
    ["estimate", ""],
    ["copy", ""],
    ["init", ""],
    ["connect", ""],
    ["dump", "latest:a", "--target", ""],
    ["diff", "latest", "--with", ""],
    ["backup", box.path("notes"), "-r", ""],
  ]) {
    const { code, err } = box.run(...words)
    assert.equal(code, 2, `${words.join(" ")}: ${err}`)
  }
  assert.deepEqual(readdirSync(box.folder).toSorted(), before)
  assert.equal(readFileSync(box.path("thesis"), "utf8"), "never saved\n")
})

test("an empty HOME is refused if nothing else names a home, and creates nothing in the current folder", (context) => {
  const box = sandbox(context)
  const nowhere = { HOME: "", HOLDFAST_REPOSITORY: box.repository, HOLDFAST_KEY_FILE: box.keyFile }
  const before = readdirSync(box.folder)
  for (const words of [["init"], ["snapshots"], ["cache"], ["doctor"]]) {
    const { code, err } = box.runWith(nowhere, words)
    assert.equal(code, 2, words.join(" "))
    assert.match(err, /HOME is empty\. .*set HOME or HOLDFAST_HOME/)
  }
  assert.equal(box.runWith({ HOME: "somewhere" }, ["cache"]).code, 2)
  assert.deepEqual(readdirSync(box.folder), before)
  const own = { XDG_DATA_HOME: box.path("data"), XDG_CACHE_HOME: box.path("cache") }
  assert.equal(box.runWith({ ...nowhere, ...own }, ["init"]).code, 0)
  assert.equal(box.runWith({ HOME: "" }, ["help"]).code, 0)
})

/** The table of verbs, and the help texts made from it. */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { overview, verbHelp } from "./help-text.ts"
import { flagsOf, ownVerb, VERBS } from "./table.ts"

test("VERBS have the verbs that the README promises", () => {
  const readme = readFileSync("README.md", "utf8")
  const typed = [...readme.matchAll(/(?:^ {4}|`)holdfast ([a-z]+)(?: ([a-z]+))?/gm)]
  assert.ok(typed.length > 20)
  for (const [line, first = "", second] of typed) assert.ok(ownVerb(first, second) !== undefined, line)
})

test("VERBS: no verb has a flag or a letter twice", () => {
  for (const verb of VERBS) {
    const flags = flagsOf(verb)
    const names = flags.map(({ name }) => name.replace(/^no-/, ""))
    const letters = flags.flatMap(({ short }) => (short === undefined ? [] : [short]))
    assert.equal(new Set(names).size, names.length, verb.name)
    assert.equal(new Set(letters).size, letters.length, verb.name)
  }
})

test("VERBS: every example begins with the program or pipes into it", () => {
  for (const { name, examples } of VERBS) {
    for (const { line } of examples) assert.match(line, new RegExp(`holdfast ${name}`), line)
  }
})

test("overview() and verbHelp() fit 80 columns, examples aside", () => {
  const texts = [overview(), ...VERBS.map((verb) => verbHelp(verb))]
  const examples = new Set(VERBS.flatMap((verb) => verb.examples.map(({ line }) => `  ${line}`)))
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    if (!examples.has(line)) assert.ok(line.length <= 80, line)
  }
})

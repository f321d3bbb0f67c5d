import * as assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"
import type { RawPath } from "./ids.ts"
import { comparePaths, isWithin, sharedLength } from "./paths.ts"

/** Two paths with a long or short common start, of up to 3,000 bytes. */
const pairs = fc
  .record({
    shared: fc.nat(2_000),
    a: fc.array(fc.constantFrom("a", "b", "-", "/", "\xff"), { maxLength: 1_000 }),
    b: fc.array(fc.constantFrom("a", "b", "-", "/", "\xff"), { maxLength: 1_000 }),
  })
  .map(({ shared, a, b }): [string, string] => {
    const start = "ab/c".repeat(shared).slice(0, shared)
    return [start + a.join(""), start + b.join("")]
  })

function naiveOrder(a: string, b: string): number {
  const [these, those] = [a.split("/"), b.split("/")]
  for (const [i, name] of these.entries()) {
    const other = those[i]
    if (other === undefined) return 1
    if (name !== other) return name < other ? -1 : 1
  }
  return these.length - those.length
}

test("comparePaths() and sharedLength() agree with naive twins, however long the common start", () => {
  fc.assert(
    fc.property(pairs, ([a, b]) => {
      const differs = a.split("").findIndex((character, i) => character !== b[i])
      assert.equal(sharedLength(a, b), differs < 0 ? a.length : differs)
      if (a.includes("//") || b.includes("//")) return
      assert.equal(Math.sign(comparePaths(a, b)), Math.sign(naiveOrder(a, b)))
    }),
  )
})

test("isWithin() is true of a folder and everything below it, however long its path", () => {
  for (const folder of ["a", "a".repeat(255), "a/".repeat(400) + "a"]) {
    for (const [path, expected] of [
      [folder, true],
      [`${folder}/b`, true],
      [`${folder}b`, false],
      [`${folder}-/b`, false],
      [`b${folder.slice(1)}/b`, false],
      [folder.slice(1), false],
    ] as const)
      assert.equal(isWithin(path as RawPath, folder), expected, path)
    assert.ok(isWithin(folder, ""))
  }
})

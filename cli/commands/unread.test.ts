/** Backups that can read nothing, or not everything. */
import assert from "node:assert/strict"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { alsoAsOrdinaryUser } from "../../engine/testing/ordinary-user.ts"
import { isRoot, setAttribute } from "../../fixtures/native.ts"
import { sandbox } from "../testing/run-cli.ts"

/** Root can read everything: for root the source is a file of procfs whose reading fails. */
test("backup of sources that can't be read writes no snapshot, and ends with 1", (context) => {
  const box = sandbox(context)
  box.must("init")
  for (const name of ["a", "b"]) {
    mkdirSync(box.path(name))
    writeFileSync(box.path(name, "file"), name)
  }
  box.must("backup", "a", "b", "--series", "s")
  const unreadable = isRoot ? ["/proc/self/mem"] : ["a", "b"]
  if (!isRoot) for (const name of ["a", "b"]) chmodSync(box.path(name), 0)
  const sets = isRoot ? [unreadable] : [["a"], ["b/"], unreadable]
  try {
    for (const words of sets) {
      const { code, err } = box.run("backup", ...words, "--series", "s")
      assert.equal(code, 1, err)
      assert.match(err, /none of the sources could be read\. No snapshot was written/)
      const lines = err.split("\n").filter((line) => line.includes("permission denied"))
      assert.equal(new Set(lines).size, lines.length, err)
      if (words[0] === "a" && words.length === 1) assert.deepEqual(lines, ["holdfast: a: permission denied"])
    }
    assert.equal(box.must("snapshots", "--json").lines.length, 1)
    chmodSync(box.path("b"), 0o700)
    const { code, err } = box.run("backup", ...unreadable, "b", "--series", "t")
    assert.equal(code, 3, err)
  } finally {
    for (const name of ["a", "b"]) chmodSync(box.path(name), 0o700)
  }
})

test("backup reports that attributes are not saved when the calls for them are missing", (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("a"))
  writeFileSync(box.path("a", "file"), "content")
  setAttribute(box.path("a", "file"), "user.test", new Uint8Array([1]))
  const hook = box.path("hook.cjs")
  writeFileSync(
    hook,
    `const Module = require("node:module")
const load = Module._load
Module._load = function (name, ...others) {
  const found = load.call(this, name, ...others)
  if (!/koffi/.test(name)) return found
  return { ...found, errno: found.errno, load: (library) => {
    const loaded = found.load(library)
    return { func(prototype) {
      if (/listxattr/.test(prototype)) throw new Error("no such symbol")
      return loaded.func(prototype)
    } }
  } }
}
`,
  )
  const environment = { ...box.environment, NODE_OPTIONS: `--require ${hook}` }
  const { code, err } = box.runWith(environment, ["backup", "a"])
  assert.equal(code, 0, err)
  assert.match(err, /extended attributes.* are not saved/)
  const again = box.must("backup", "a", "--force")
  assert.doesNotMatch(again.err, /not saved/)
})

alsoAsOrdinaryUser(import.meta.url)

/** `copy`, `copy --promote` and `check --store-only`, as a user runs them on folders. */
import assert from "node:assert/strict"
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { sandbox } from "../testing/run-cli.ts"

test("copy makes a mirror, copy --promote makes it the repository, check --store-only needs no key", (context) => {
  const box = sandbox(context)
  const source = box.path("notes")
  mkdirSync(source)
  writeFileSync(join(source, "a.md"), "first\n")
  box.must("init")
  box.must("backup", source)
  const mirror = box.path("mirror")
  const planned = box.must("copy", mirror, "--dry-run", "--json").last
  const done = box.must("copy", mirror, "--json").last
  assert.deepEqual(
    [done["objects_copied"], done["bytes_copied"]],
    [planned["objects_copied"], planned["bytes_copied"]],
  )
  assert.equal(done["num_errors"], 0)
  assert.match(box.must("copy", mirror).out, /copied 0 objects, 0 B to .*; \d+ objects already there/)

  assert.match(
    box.run("backup", source, "--force-snapshot", "-r", mirror).err,
    /is a read-only mirror\. Back up to the original/,
  )
  assert.equal(box.run("backup", source, "--force-snapshot", "-r", mirror).code, 1)
  box.must("restore", "latest", "--target", box.path("out"), "-r", mirror)
  assert.equal(readFileSync(box.path("out", "a.md"), "utf8"), "first\n")

  const scrubbed = box.runWith({}, ["check", "--store-only", "-r", mirror])
  assert.equal(scrubbed.code, 0, scrubbed.err)
  assert.match(scrubbed.out, /no errors were found/)
  const [pack = ""] = readdirSync(join(mirror, "packs"), { recursive: true, encoding: "utf8" })
    .map((name) => join(mirror, "packs", name))
    .filter((name) => statSync(name).isFile())
  const bytes = readFileSync(pack)
  writeFileSync(
    pack,
    Buffer.concat([bytes.subarray(0, 90), Buffer.from([(bytes[90] ?? 0) ^ 1]), bytes.subarray(91)]),
  )
  const damaged = box.runWith({}, ["check", "--store-only", "-r", mirror, "--json"])
  assert.deepEqual([damaged.code, damaged.last["num_errors"]], [13, 1])
  assert.ok(damaged.errorLines.some(({ item }) => pack.endsWith(String(item))))
  writeFileSync(pack, bytes)

  assert.match(box.must("copy", "--promote", mirror, "--dry-run").out, /dry run: .* would be promoted/)
  assert.equal(box.run("backup", source, "--force-snapshot", "-r", mirror).code, 1, "it is still a mirror")
  assert.match(box.must("copy", "--promote", mirror).out, /is no longer a mirror/)
  box.must("backup", source, "--force-snapshot", "-r", mirror)
  assert.equal(box.run("copy", "--promote", mirror).code, 1)
})

test("copy reports where it can't write", (context) => {
  const box = sandbox(context)
  box.must("init")
  assert.equal(box.run("copy").code, 2)
  const itself = box.run("copy", box.repository)
  assert.equal(itself.code, 1)
  assert.match(itself.err, /is a repository and not a mirror\. Choose an empty folder/)
})

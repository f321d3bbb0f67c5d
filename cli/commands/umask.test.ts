/** The folders that a restore makes above its target, by the built program. */
import assert from "node:assert/strict"
import { mkdirSync, statSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox } from "../testing/run-cli.ts"

test("restore makes folders above its target by the user's umask", (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("a"))
  writeFileSync(box.path("a/file"), "content")
  box.must("backup", box.path("a"))
  const before = process.umask()
  context.after(() => process.umask(before))
  for (const umask of [0o022, 0o027]) {
    process.umask(umask)
    box.must("restore", "latest", "--target", box.path(`above ${umask}`, "deep", "target"))
    for (const names of [[`above ${umask}`], [`above ${umask}`, "deep"]])
      assert.equal(statSync(box.path(...names)).mode & 0o777, 0o777 & ~umask)
    assert.equal(statSync(box.path("home")).mode & 0o777, 0o700)
  }
})

/** A folder with 100,000 names, walked and placed. Slow tier. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { test } from "node:test"
import { META, put, raw, targetFolder } from "../testing/target-fixture.ts"
import { openDiskSource } from "../source/disk-source.ts"
import { walk } from "../source/walk.ts"

const COUNT = 100_000
const folder = targetFolder()

test("100,000 names in one folder are placed, walked and removed", () => {
  const target = folder.open()
  target.ensureFolder(raw("many"), { replace: false })
  const names = Array.from({ length: COUNT }, (_, i) => `name \xe9 ${i}`).sort()
  for (const name of names) put(target, `many/${name}`, name)
  target.finishFolder(raw("many"), { ...META, mode: 0o500 })
  const runs = [...walk(openDiskSource(folder.root), undefined, { unreadable: assert.fail })]
  assert.deepEqual(
    runs.map((run) => [run.folder.path, run.to]),
    [
      ["", 1],
      ["many", COUNT],
    ],
  )
  const many = runs[1]?.folder
  assert.deepEqual(many?.names, names)
  assert.ok(many?.stats.every((stat) => stat.mtimeNs === META.mtimeNs && stat.mode === META.mode))
  assert.equal(target.list(raw("many")).length, COUNT)
  assert.equal(target.removeExtra(raw("many")), COUNT + 1)
  assert.deepEqual(fs.readdirSync(folder.root), [])
})

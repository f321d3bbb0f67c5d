/** The lock of a target: the system's, and the home's where that is unavailable. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { isEngineError } from "../base/errors.ts"
import { openNative } from "../system/native.ts"
import { backupPlace, restoreTo, save } from "../testing/backup-place.ts"
import { temporaryRepositoryHome } from "../testing/temporary-home.ts"
import { lockTarget } from "./open-target.ts"

function folder(t: TestContext): string {
  const made = fs.mkdtempSync(join(os.tmpdir(), "holdfast-lock-"))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

const isBusy = (error: unknown): boolean => isEngineError(error, "busy")

const WAYS = {
  "the system's lock": openNative(),
  "the home's lock, without native calls": undefined,
  "the home's lock, on a file system that refuses the other": { lockFolder: () => "EBADF" },
}

for (const [way, native] of Object.entries(WAYS)) {
  test(`lockTarget() admits one holder, by whatever path, and leaves nothing in the folder (${way})`, (t) => {
    const home = temporaryRepositoryHome(t)
    const root = folder(t)
    fs.mkdirSync(join(root, "target"))
    fs.symlinkSync("target", join(root, "link"))
    const lock = (path: string): ReturnType<typeof lockTarget> => lockTarget(join(root, path), home, native)
    const held = lock("target")
    assert.throws(() => lock("target"), isBusy)
    assert.throws(() => lock("link"), isBusy)
    lock(".").release()
    held.release()
    held.release()
    lock("link").release()
    assert.deepEqual(fs.readdirSync(join(root, "target")), [])
  })
}

test("restore() into one target twice at once runs one of them, and the next one runs", async (t) => {
  const { folder: place, repository } = await backupPlace(t)
  const source = join(place, "source")
  fs.mkdirSync(source)
  for (const name of ["a", "b", "c"]) fs.writeFileSync(join(source, name), name)
  const { at } = await save(repository, source)
  const target = join(place, "target")
  const both = await Promise.allSettled([1, 2].map(() => restoreTo(repository, at, target)))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"])
  const refused = both.find((each) => each.status === "rejected")
  assert.ok(isBusy(refused?.reason), String(refused?.reason))
  assert.equal((await restoreTo(repository, at, target)).filesSkipped, 3)
  assert.deepEqual(fs.readdirSync(target).toSorted(), ["a", "b", "c"])
})

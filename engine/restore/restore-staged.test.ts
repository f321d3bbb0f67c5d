/** Restores into a folder that is empty or has only what a killed restore left. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { test, type TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { STAGING_NAME } from "../system/temporary-name.ts"
import { packName } from "../format/names.ts"
import { FRAME_DATA, FRAME_LISTING } from "../format/sealed-header.ts"
import { damageFrames } from "../testing/damage.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import {
  assertPicture,
  backupPlace,
  names,
  restoreTo,
  save,
  type BackupPlace,
} from "../testing/backup-place.ts"

interface Killed extends BackupPlace {
  readonly source: string
  readonly target: string
  readonly id: string
  /** As a killed restore would have left it, under its name in the staging folder. */
  readonly left: (path: string, content: string | Buffer) => void
}

async function killed(t: TestContext): Promise<Killed> {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  const target = join(place.folder, "target")
  const random = seededRandom("staged")
  for (const path of ["a", "b", "folder/c", "folder/deep/d"]) {
    fs.mkdirSync(dirname(join(source, path)), { recursive: true })
    fs.writeFileSync(join(source, path), random.bytes(3000))
  }
  fs.symlinkSync("a", join(source, "link"))
  const { at } = await save(place.repository, source)
  const left: Killed["left"] = (path, content) => {
    const file = join(target, STAGING_NAME, path)
    fs.mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    fs.writeFileSync(file, content)
  }
  return { ...place, source, target, id: at, left }
}

/** Flips a bit in each frame of this kind. */
function damage({ objects, repository: { index } }: BackupPlace, kind: number): void {
  for (const { name } of index.packs()) {
    const bytes = objects.get(packName(name)) ?? assert.fail()
    damageFrames(bytes, index.framesOfPack(name), kind)
  }
}

for (const overwrite of ["always", "never", "if-newer", "if-changed"] as const) {
  test(`restore() with overwrite ${overwrite} publishes nothing that a killed one left incomplete or placed for another snapshot`, async (t) => {
    const { repository, source, target, id, left } = await killed(t)
    left("a", "half of")
    left("folder/c", "half of")
    left("folder/deep/old", "of another snapshot")
    left("other/folder/x", "of another snapshot")
    left("b/x", "a folder where now a file is")
    left("link", "a file where now a link is")
    const { errors, filesDeleted } = await restoreTo(repository, id, target, { overwrite })
    assert.deepEqual([errors, filesDeleted], [[], 0])
    assertPicture(target, pictureOf(source))
  })
}

test("restore() with dryRun keeps what a killed one left, and counts it like the real one", async (t) => {
  const { repository, source, target, id, left } = await killed(t)
  left("a", "half of")
  left("folder/deep/d", fs.readFileSync(join(source, "folder/deep/d")))
  left("folder/other", "of another snapshot")
  const before = pictureOf(target)
  const planned = await restoreTo(repository, id, target, { dryRun: true })
  assertPicture(target, before)
  assert.equal(planned.filesRestored, 5)
  const { filesRestored, filesSkipped, bytesRestored } = await restoreTo(repository, id, target)
  assert.deepEqual(
    { filesRestored, filesSkipped, bytesRestored },
    {
      filesRestored: planned.filesRestored,
      filesSkipped: planned.filesSkipped,
      bytesRestored: planned.bytesRestored,
    },
  )
  assertPicture(target, pictureOf(source))
})

test("restore() of a part publishes no other part left by a killed one", async (t) => {
  const { repository, source, target, id, left } = await killed(t)
  left("a", "half of")
  left("folder/c", "half of")
  const { errors } = await restoreTo(repository, id, target, { include: ["folder/deep"] as never })
  assert.deepEqual(errors, [])
  assert.deepEqual(names(target), ["folder", "folder/deep", "folder/deep/d"])
  const path = "folder/deep/d"
  assert.deepEqual(fs.readFileSync(join(target, path)), fs.readFileSync(join(source, path)))
})

test("restore() skips what it can't restore, even if a killed one left half of it", async (t) => {
  const killedPlace = await killed(t)
  const { repository, source, target, id, left } = killedPlace
  for (const path of ["a", "b", "folder/c"]) left(path, "half of")
  left("folder/deep/d", fs.readFileSync(join(source, "folder/deep/d")))
  damage(killedPlace, FRAME_DATA)
  const { errors } = await restoreTo(repository, id, target)
  assert.deepEqual(new Set<string>(errors.map(({ path }) => path)), new Set(["a", "b", "folder/c"]))
  assert.deepEqual(names(target), ["folder", "folder/deep", "folder/deep/d", "link"])
})

test("restore() with a damaged listing publishes only what it verified or placed", async (t) => {
  const killedPlace = await killed(t)
  const { repository, target, id, left } = killedPlace
  for (const path of ["a", "folder/c", "other/x"]) left(path, "half of")
  damage(killedPlace, FRAME_LISTING)
  const { errors } = await restoreTo(repository, id, target)
  assert.equal(errors.length, 1)
  assert.match(errors[0]?.message ?? "", /^the listing is damaged/)
  assert.deepEqual(fs.readdirSync(target), [])
})

test("restore() of a missing path leaves no staging folder", async (t) => {
  const { repository, target, id } = await killed(t)
  await assert.rejects(restoreTo(repository, id, target, { within: "none" as never }))
  assert.deepEqual(fs.readdirSync(target), [])
})

test("restore() continues within a large file that a killed one left incomplete", async (t) => {
  const { repository, source, target, left } = await killed(t)
  const content = seededRandom("large").bytes(20_000_000)
  fs.writeFileSync(join(source, "large"), content)
  const { at } = await save(repository, source)
  const whole = await restoreTo(repository, at, join(target, "whole"))
  fs.rmSync(target, { recursive: true })
  left("large", content.subarray(0, content.length / 2))
  const rest = await restoreTo(repository, at, target)
  assert.deepEqual(rest.errors, [])
  assertPicture(target, pictureOf(source))
  const figures = `${rest.requests.bytesDown} of ${whole.requests.bytesDown} bytes`
  assert.ok(rest.requests.bytesDown < 0.6 * whole.requests.bytesDown, figures)
})

alsoAsOrdinaryUser(import.meta.url)

import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test, type TestContext } from "node:test"
import { differences, pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { ObjectName } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import { packName } from "../format/names.ts"
import { FRAME_DATA, FRAME_LISTING, HEADER_BYTES } from "../format/sealed-header.ts"
import type { Repository } from "../index.ts"
import { damageFrames } from "../testing/damage.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { backupPlace, restoreTo, save, type BackupPlace, type PlaceOptions } from "../testing/backup-place.ts"

/** Flips a bit in each frame of this kind, in the `number`th pack that was made. */
function damageFrame(
  { objects }: BackupPlace,
  { index }: Repository,
  number: number,
  kind: number,
): ObjectName {
  const record = [...index.packs()][number] ?? assert.fail("there is no such pack")
  const bytes = objects.get(packName(record.name)) ?? assert.fail()
  damageFrames(bytes, index.framesOfPack(record.name), kind)
  return packName(record.name)
}

/** Ten folders of forty files: several leaves of a listing. */
async function largerPlace(t: TestContext): Promise<BackupPlace & { source: string }> {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "source")
  for (let i = 0; i < 400; i++) {
    const file = path.join(source, `folder ${i % 10}`, `file ${i}`)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, `content of ${i}\n`)
  }
  await save(place.repository, source)
  return { ...place, source }
}

test("restore() restores everything around a damaged part of a listing, reports the gaps, and deletes nothing", async (t) => {
  const place = await largerPlace(t)
  const { repository, source, folder } = place
  // The second snapshot's own nodes are whole; those that it shares with the first one are not.
  fs.appendFileSync(path.join(source, "folder 5", "file 105"), "more\n")
  const { at } = await save(repository, source)
  const object = damageFrame(place, repository, 0, FRAME_LISTING)
  const target = path.join(folder, "target")
  fs.mkdirSync(target)
  fs.writeFileSync(path.join(target, "mine"), "not in the snapshot")
  const result = await restoreTo(repository, at, target, { delete: true })
  assert.ok(result.errors.length > 0)
  for (const error of result.errors) {
    assert.deepEqual([error.kind, error.object], ["corrupt", object])
    assert.match(error.message, /^the listing from here on.* is damaged|^the listing.* is damaged/)
  }
  assert.equal(fs.readFileSync(path.join(target, "mine"), "utf8"), "not in the snapshot")
  assert.equal(fs.readFileSync(path.join(target, "folder 5", "file 105"), "utf8"), "content of 105\nmore\n")
  const restored = [...pictureOf(target).keys()].filter((each) => each.includes("file"))
  assert.ok(restored.length >= 1 && restored.length < 400, `${restored.length} files were restored`)
  for (const name of restored)
    assert.deepEqual(fs.readFileSync(path.join(target, name)), fs.readFileSync(path.join(source, name)))
  const starts = result.errors.map(({ path: each }) => each)
  const missing = [...pictureOf(source).keys()].filter(
    (each) => each.includes("file") && !restored.includes(each),
  )
  for (const name of missing)
    assert.ok(
      starts.some((start) => comparePaths(start, name) <= 0),
      `${name} is in no gap that was told`,
    )
})

/** Seven hundred files of one chunk each, in one pack, and the end of each of its frames. */
async function piecesPlace(t: TestContext, options: PlaceOptions) {
  const place = await backupPlace(t, options)
  const source = path.join(place.folder, "source")
  fs.mkdirSync(source)
  const random = seededRandom("pieces")
  for (let i = 0; i < 700; i++) fs.writeFileSync(path.join(source, String(i)), random.bytes(4_000))
  const { at } = await save(place.repository, source)
  const { index } = place.repository
  const record = [...index.packs()][0] ?? assert.fail()
  const frames = index.framesOfPack(record.name)
  let offset = HEADER_BYTES
  const ends = frames.map(({ sealedLength }) => (offset += sealedLength))
  return { ...place, source, at, name: packName(record.name), frames, ends }
}

for (const local of [false, true]) {
  const where = local ? "a folder" : "a store"
  test(`restore() reads what is left of a truncated pack in ${where}`, async (t) => {
    const { repository, folder, objects, source, at, name, frames, ends } = await piecesPlace(t, { local })
    // The listing and the first frame of content are kept.
    const kept = [FRAME_LISTING, FRAME_DATA].map(
      (kind) => ends[frames.findIndex((frame) => frame.kind === kind)] ?? 0,
    )
    const cut = Math.max(...kept)
    if (local) fs.truncateSync(path.join(folder, "repository", name), cut)
    else objects.set(name, (objects.get(name) ?? assert.fail()).slice(0, cut))
    const target = path.join(folder, "target")
    const { errors } = await restoreTo(repository, at, target)
    const lost = frames
      .filter((_, i) => (ends[i] ?? 0) > cut)
      .reduce((sum, { lengths }) => sum + lengths.length, 0)
    assert.equal(errors.length, lost)
    for (const error of errors) assert.deepEqual([error.kind, error.object], ["corrupt", name])
    const missing = differences(pictureOf(source), pictureOf(target))
    const failed = new Set<string>(errors.map(({ path: each }) => each))
    assert.deepEqual(new Set(missing.map(({ path: each }) => each)), failed)
    for (const { path: each, right } of missing) assert.equal(right, undefined, `${each} is wrong`)
  })
}

test("restore() from a folder reports which pack is missing, and restores what is in the others", async (t) => {
  const { repository, folder, source, name } = await piecesPlace(t, { local: true })
  // the second snapshot's listing is all new and is in the second pack
  for (const file of fs.readdirSync(source)) fs.utimesSync(path.join(source, file), 1_000_000, 1_000_000)
  fs.writeFileSync(path.join(source, "late"), "in the second pack")
  const { at } = await save(repository, source)
  fs.rmSync(path.join(folder, "repository", name))
  const target = path.join(folder, "target")
  const { errors } = await restoreTo(repository, at, target)
  assert.equal(fs.readFileSync(path.join(target, "late"), "utf8"), "in the second pack")
  assert.equal(errors.length, 700)
  for (const error of errors) {
    assert.deepEqual([error.kind, error.object], ["corrupt", name])
    assert.match(error.message, /missing from the store/)
  }
  assert.deepEqual(fs.readdirSync(target), ["late"])
})

alsoAsOrdinaryUser(import.meta.url)

import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { Bytes } from "../base/bytes.ts"
import { CHUNK_ID_BYTES, type Digest, type ObjectName } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { FRAME_DATA, HEADER_BYTES } from "../format/sealed-header.ts"
import { findSnapshot, type Repository, type RestoreResult } from "../index.ts"
import { idsOf } from "../listing/chunk-list.ts"
import { walkListing } from "../listing/walk.ts"
import { createChunkReader } from "../packs/chunk-reader.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"
import { STAGING_NAME } from "../system/temporary-name.ts"
import { faultAt, faultyStore, StoreCrash } from "../testing/faulty-store.ts"

const KiB = 1024

interface Sizes {
  readonly files: number
  readonly bytes: number
}

/** Folders with files of noise and of text, one large, one with several links. */
function makeSource({ folder }: BackupPlace, { files, bytes }: Sizes): string {
  const source = join(folder, "source")
  const random = seededRandom("damage")
  for (let i = 0; i < files; i++) {
    fs.mkdirSync(join(source, `folder ${i % 3}`), { recursive: true })
    const content = i % 2 === 0 ? random.bytes(bytes) : Buffer.alloc(bytes, `line ${i} of some text\n`)
    fs.writeFileSync(join(source, `folder ${i % 3}/file ${i}`), content)
  }
  fs.writeFileSync(join(source, "large"), random.bytes(40 * bytes))
  fs.linkSync(join(source, "large"), join(source, "large too"))
  fs.symlinkSync("large", join(source, "link"))
  fs.writeFileSync(join(source, "empty"), "")
  return source
}

/** Every file that exists is right. Every missing file is reported, and so is the damaged object. */
function assertRightOrAbsent(
  result: RestoreResult,
  target: string,
  expected: Picture,
  object?: string,
): void {
  const found = pictureOf(target)
  const reported = new Set<string>(result.errors.map(({ path }) => path))
  assert.equal(reported.size, result.errors.length, "each is reported once")
  // a lost part of the listing is reported as one: the names in it and the folders' modes are unknown
  const isLost = result.errors.some(({ message }) => message.startsWith("the listing"))
  for (const [path, line] of found) {
    // a link that could not be made is missing, so the first name is the only one
    const right = expected.get(path) ?? "nothing"
    if (isLost && line.startsWith("directory")) continue
    if (line !== right) assert.equal(line.replace(/, is .*/, ""), right.replace(/, is .*/, ""), path)
  }
  for (const path of expected.keys()) {
    if (!found.has(path)) assert.ok(isLost || reported.has(path), `${path} is missing, and nobody was told`)
  }
  if (reported.size === 0) assert.equal(found.size, expected.size)
  for (const { kind, object: named } of result.errors) {
    assert.equal(kind, "corrupt")
    if (object !== undefined && named !== undefined) assert.equal(named, object)
  }
}

function packs(objects: Map<ObjectName, Bytes>): [ObjectName, Bytes][] {
  return [...objects].filter(([name]) => name.startsWith("packs/"))
}

async function damagePlace(
  t: Parameters<typeof backupPlace>[0],
  sizes: Sizes,
): Promise<BackupPlace & { id: string; picture: Picture }> {
  const place = await backupPlace(t)
  const source = makeSource(place, sizes)
  const { at } = await save(place.repository, source)
  return { ...place, id: at, picture: pictureOf(source) }
}

/** Restores to a new folder. */
async function restored(repository: Repository, id: string, target: string): Promise<RestoreResult> {
  fs.rmSync(target, { recursive: true, force: true })
  return await restoreTo(repository, id, target, { verify: true })
}

test("restore() from a damaged pack restores every file correctly, or reports it and leaves it out", async (t) => {
  const place = await damagePlace(t, { files: 12, bytes: 3000 })
  const { objects, repository, id, picture } = place
  const target = join(place.folder, "target")
  const random = seededRandom("flips")
  let failed = 0
  for (const [name, bytes] of packs(objects)) {
    for (let i = 0; i < 30; i++) {
      const at = i < 3 ? i * 30 : random.below(bytes.length)
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8))
      objects.set(name, damaged)
      const result = await restored(repository, id, target)
      assertRightOrAbsent(result, target, picture, name)
      if (result.errors.length > 0) failed++
      objects.set(name, bytes)
    }
  }
  assert.ok(failed > 10, `only ${failed} of the flips were noticed`)
})

/** A place inside a block of file content, and the block's chunks. Blocks are in random order; chunk lists serve many files. */
function inDataBlock({ index }: Repository, object: ObjectName): { at: number; ids: Set<string> } {
  let offset = HEADER_BYTES
  for (const { kind, sealedLength, ids } of index.framesOfPack(object.slice(-64) as Digest)) {
    if (kind === FRAME_DATA) return { at: offset + (sealedLength >> 1), ids: hexIds(ids) }
    offset += sealedLength
  }
  return assert.fail("the pack has no block of file content")
}

function hexIds(ids: Uint8Array): Set<string> {
  const each = new Set<string>()
  for (let i = 0; i < ids.length; i += CHUNK_ID_BYTES)
    each.add(Buffer.from(ids.subarray(i, i + CHUNK_ID_BYTES)).toString("hex"))
  return each
}

/** The files of the snapshot that have a chunk among `ids`. */
async function filesWith(repository: Repository, id: string, ids: Set<string>): Promise<string[]> {
  const { snapshot } = await findSnapshot(repository, id)
  const reader = createChunkReader(repository)
  const found: string[] = []
  for await (const entry of walkListing(snapshot.root, (nodes) => reader.read("listing", nodes))) {
    const own = hexIds(await idsOf(entry, (lists) => reader.read("chunk-list", lists)))
    if ([...own].some((each) => ids.has(each))) found.push(entry.path)
  }
  return found
}

test("restore() from a large damaged pack restores everything in its other blocks", async (t) => {
  const place = await damagePlace(t, { files: 30, bytes: 200 * KiB })
  const { objects, repository, id, picture } = place
  const target = join(place.folder, "target")
  const [name, bytes] = packs(objects)[0] as [ObjectName, Bytes]
  const damaged = bytes.slice()
  const { at, ids } = inDataBlock(repository, name)
  const lost = await filesWith(repository, id, ids)
  damaged[at] = (damaged[at] ?? 0) ^ 1
  objects.set(name, damaged)
  const result = await restored(repository, id, target)
  assertRightOrAbsent(result, target, picture, name)
  assert.ok(lost.length >= 1 && lost.length < picture.size)
  assert.deepEqual(new Set(result.errors.map(({ path }) => path)), new Set(lost))
})

test("restore() without a pack, or with a short or a swapped one, fails only for what needs it", async (t) => {
  const place = await damagePlace(t, { files: 20, bytes: 100 * KiB })
  const { objects, repository, id, picture, folder } = place
  fs.writeFileSync(join(folder, "source/later"), seededRandom("later").bytes(50_000))
  const second = await save(repository, join(folder, "source"))
  const later = pictureOf(join(folder, "source"))
  const target = join(folder, "target")
  const all = packs(objects)
  for (const [name, bytes] of all) {
    const [, other] = all.find(([each]) => each !== name) as [ObjectName, Bytes]
    for (const instead of [
      undefined,
      bytes.slice(0, bytes.length >> 1),
      bytes.slice(0, 10),
      new Uint8Array(0),
      other,
    ]) {
      if (instead === undefined) objects.delete(name)
      else objects.set(name, instead)
      assertRightOrAbsent(await restored(repository, id, target), target, picture)
      const result = await restored(repository, second.at, target)
      assertRightOrAbsent(result, target, later)
      assert.ok(result.errors.length > 0)
      objects.set(name, bytes)
    }
  }
  assert.deepEqual((await restored(repository, second.at, target)).errors, [])
  assertPicture(target, later)
})

test("restore() keeps the existing file if the snapshot's is damaged", async (t) => {
  const place = await damagePlace(t, { files: 6, bytes: 20 * KiB })
  const { objects, repository, id, picture, folder } = place
  const target = join(folder, "target")
  await restored(repository, id, target)
  fs.rmSync(join(target, "large too"))
  for (const name of ["large", "folder 0/file 0"]) fs.writeFileSync(join(target, name), "an older version")
  const before = pictureOf(target)
  for (const name of packs(objects).map(([each]) => each)) objects.delete(name)
  // without any pack the listing itself is gone, and restore() may throw instead of reporting paths
  const kinds = await restoreTo(repository, id, target).then(
    ({ errors }) => errors.map(({ kind }) => kind),
    (error: unknown) => [isEngineError(error) ? error.kind : String(error)],
  )
  assert.ok(kinds.length > 0)
  assert.ok(kinds.every((kind) => kind === "corrupt"))
  for (const [path, line] of pictureOf(target)) {
    assert.ok(
      line === before.get(path) || line === picture.get(path) || path === "" || path.startsWith("folder"),
      path,
    )
  }
  assert.ok(!fs.existsSync(join(target, "large too")), "no link to a file of other content")
})

for (const sizes of [
  { files: 6, bytes: 3000 },
  { files: 20, bytes: 200 * KiB },
]) {
  test(`restore() killed at any GET continues when repeated, ${sizes.bytes} bytes a file`, async (t) => {
    const place = await damagePlace(t, sizes)
    const { folder, id, picture } = place
    const target = join(folder, "target")
    for (let k = 0; ; k++) {
      fs.rmSync(target, { recursive: true, force: true })
      const dying = await place.open(
        place.home,
        place.store((store) => faultyStore(store, faultAt(k, "crash-after", "get"))),
      )
      const killed = await restoreTo(dying, id, target).then(
        () => false,
        (error: unknown) => {
          assert.ok(error instanceof StoreCrash, String(error))
          return true
        },
      )
      dying.close()
      if (!killed) {
        assert.ok(k >= 2, `${k} GETs`)
        break
      }
      const again = await place.open()
      assert.deepEqual((await restoreTo(again, id, target)).errors, [])
      assertPicture(target, picture)
      again.close()
    }
  })
}

test("restore() when repeated keeps the files that were placed before", async (t) => {
  const place = await damagePlace(t, { files: 40, bytes: 700 * KiB })
  const { folder, id, picture, repository } = place
  const target = join(folder, "target")
  const first = await restored(repository, id, target)
  fs.rmSync(target, { recursive: true })
  let fetched = 0
  const slowDeath = async (): Promise<void> => {
    await setTimeout(1000) // time to place what was fetched
    throw new StoreCrash("the process died here")
  }
  const dying = await place.open(
    place.home,
    place.store((store) =>
      faultyStore(store, ({ name }) =>
        name.startsWith("packs/") && fetched++ >= 4 ? { delay: slowDeath } : undefined,
      ),
    ),
  )
  await assert.rejects(restoreTo(dying, id, target), StoreCrash)
  const whole = [...pictureOf(join(target, STAGING_NAME))].filter(
    ([path, line]) => line.startsWith("file") && line === picture.get(path),
  )
  dying.close()
  const again = await restoreTo(repository, id, target)
  assertPicture(target, picture)
  const { filesSkipped, requests } = again
  const figures = `${whole.length} whole, ${filesSkipped} skipped, ${requests.bytesDown} of ${first.requests.bytesDown} bytes`
  const isLess = requests.bytesDown < first.requests.bytesDown
  assert.ok(whole.length > 1 && filesSkipped === whole.length && isLess, figures)
})

alsoAsOrdinaryUser(import.meta.url)

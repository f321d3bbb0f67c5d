import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { setMtime } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { CHUNK_SIZES, FILE_CLASS } from "../chunks/classes.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

/** Returns all bytes that one backup puts in the store: packs, entries, everything. */
async function sentBy({ repository }: BackupPlace, source: string): Promise<number> {
  const { requests, snapshotId, errors } = await save(repository, source)
  assert.deepEqual(errors, [])
  assert.notEqual(snapshotId, null)
  return requests.bytesUp
}

function told(t: TestContext, what: string, figures: readonly number[]): void {
  const sorted = figures.toSorted((a, b) => a - b)
  const [least, median, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map(
    (each) => `${Math.round((each ?? 0) / KiB)}`,
  )
  t.diagnostic(`${what}: ${figures.length} runs, least ${least}, median ${median}, most ${most} KiB sent`)
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? 0
}

test("one changed byte in 1 GiB stores two average chunks and 64 KiB, or three of the largest at worst", async (t) => {
  const place = await backupPlace(t, { local: true })
  const source = join(place.folder, "source")
  const random = seededRandom("1 GiB")
  fs.mkdirSync(source)
  const large = fs.openSync(join(source, "image"), "w+")
  for (let i = 0; i < 64; i++) fs.writeSync(large, random.bytes(GiB / 64))
  await sentBy(place, source)
  const figures: number[] = []
  for (let i = 0; i < 100; i++) {
    const at = i === 0 ? 0 : i === 1 ? GiB - 1 : random.below(GiB)
    const byte = Buffer.alloc(1)
    fs.readSync(large, byte, 0, 1, at)
    fs.writeSync(large, Buffer.of((byte[0] ?? 0) ^ 0x55), 0, 1, at)
    figures.push(await sentBy(place, source))
  }
  fs.closeSync(large)
  const { average, max } = CHUNK_SIZES[FILE_CLASS.large]
  told(t, "one byte of 1 GiB", figures)
  assert.ok(median(figures) <= 2 * average + 64 * KiB, `median ${median(figures)}`)
  assert.ok(Math.max(...figures) <= 3 * max + 64 * KiB, `most ${Math.max(...figures)}`)
  const { at } = await save(place.repository, source)
  await restoreTo(place.repository, at, join(place.folder, "target"))
  assertPicture(join(place.folder, "target"), pictureOf(source))
})

test("a line appended to a log of 10 MB sends at most 64 KiB, including all objects", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  const random = seededRandom("log")
  fs.mkdirSync(source)
  for (let i = 0; i < 300; i++) fs.writeFileSync(join(source, `other ${i}`), random.bytes(200))
  const line = (i: number): string =>
    `2026-05-01T12:${String(i % 60).padStart(2, "0")} worker ${random.below(16)} did ${random.bytes(40).toString("hex")} in ${random.below(9000)} ms\n`
  fs.writeFileSync(
    join(source, "log"),
    Array.from({ length: 72_000 }, (_, i) => line(i))
      .join("")
      .slice(0, 10_000_000),
  )
  await sentBy(place, source)
  const figures: number[] = []
  for (let i = 0; i < 40; i++) {
    fs.appendFileSync(join(source, "log"), line(i))
    figures.push(await sentBy(place, source))
  }
  told(t, "a line to a log of 10 MB", figures)
  assert.ok(Math.max(...figures) <= 64 * KiB)
})

/** 5,000 files in 350 folders. One after another is touched and then renamed. */
async function touchAndRename(
  t: TestContext,
  seed: string,
  count: number,
): Promise<{ touches: number[]; renames: number[] }> {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  const random = seededRandom(seed)
  const files = Array.from(
    { length: 5000 },
    (_, i) => `folder ${i % 50}/sub ${i % 7}/notes of day ${random.below(1e9)} ${i}.md`,
  )
  for (const name of files) {
    fs.mkdirSync(join(source, name, ".."), { recursive: true })
    fs.writeFileSync(join(source, name), random.bytes(random.below(3000)))
  }
  await sentBy(place, source)
  const found = { touches: [] as number[], renames: [] as number[] }
  for (let i = 0; i < count; i++) {
    const at = random.below(files.length)
    const path = join(source, files[at] as string)
    setMtime(path, 1_600_000_000_000_000_000n + BigInt(i))
    found.touches.push(await sentBy(place, source))
    files[at] = `${files[at]} renamed`
    fs.renameSync(path, join(source, files[at]))
    found.renames.push(await sentBy(place, source))
  }
  return found
}

test("a rename or a touch sends at most 16 KiB, including all objects", async (t) => {
  const all = { touches: [] as number[], renames: [] as number[] }
  for (let i = 0; i < 8; i++) {
    const { touches, renames } = await touchAndRename(t, `touch ${i}`, 5)
    all.touches.push(...touches)
    all.renames.push(...renames)
  }
  told(t, "a touch of one of 5,000 files", all.touches)
  told(t, "a rename of one of 5,000 files", all.renames)
  assert.ok(Math.max(...all.touches, ...all.renames) <= 16 * KiB)
})

test("100 successive renames and touches send 16 KiB each on average, including entries that gather others", async (t) => {
  const { touches, renames } = await touchAndRename(t, "in a row", 50)
  const all = [...touches, ...renames]
  told(t, "touches and renames in a row", all)
  assert.ok(all.reduce((sum, each) => sum + each, 0) / all.length <= 16 * KiB)
})

test("100,000 files in one folder are saved, changed and restored", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  const target = join(place.folder, "target")
  fs.mkdirSync(source)
  for (let i = 0; i < 100_000; i++)
    fs.writeFileSync(join(source, `${i.toString(36)} of many`), `content ${i % 1000}`)
  const startedMs = performance.now()
  await sentBy(place, source)
  const savedMs = performance.now()
  fs.renameSync(join(source, "0 of many"), join(source, "renamed"))
  const renamed = await sentBy(place, source)
  const changedMs = performance.now()
  const { at } = await save(place.repository, source)
  assert.deepEqual((await restoreTo(place.repository, at, target)).errors, [])
  const seconds = (ms: number): string => (ms / 1000).toFixed(1)
  t.diagnostic(
    `100,000 files in one folder: saved in ${seconds(savedMs - startedMs)} s, with one renamed in ${seconds(changedMs - savedMs)} s (${renamed} bytes sent), restored in ${seconds(performance.now() - changedMs)} s`,
  )
  assertPicture(target, pictureOf(source))
  assert.ok(renamed <= 32 * KiB)
})

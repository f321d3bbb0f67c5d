/** Random valid values of the structures in format/, for round trips with fast-check. */
import fc from "fast-check"
import { CAPTURES } from "../format/listing-entry.ts"

import { type Bytes, toHex } from "../base/bytes.ts"
import type { ChunkId, DeviceId, Digest, RawPath, RepositoryId } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import type {
  Entry as ChainEntry,
  EntryCommon,
  EntryPlace,
  Head,
  NewestSnapshot,
  Numbered,
} from "../format/entry.ts"
import type { Content, Entry, EntryType, Xattr } from "../format/listing-node.ts"
import type { PackWithDirectory } from "../format/pack-record.ts"
import { type DirectoryFrame, encodeDirectory } from "../format/pack.ts"

/** Plain objects: decoded values have a prototype, and tests compare it. */
export const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>

export const bytesOf = (length: number): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => new Uint8Array(bytes))

const hex = (length: number): fc.Arbitrary<string> => bytesOf(length).map(toHex)
const digest = hex(32) as fc.Arbitrary<Digest>
const chunkId = bytesOf(32) as fc.Arbitrary<ChunkId>
const uint = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.nat(Math.min(max, 300)),
    fc.maxSafeNat().map((n) => n % (max + 1)),
    fc.constant(max),
  )
const text = (max: number): fc.Arbitrary<string> =>
  fc.oneof(fc.constantFrom("", "root", "alice"), fc.string({ unit: "grapheme", maxLength: max }))
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

/** Short names of few bytes, so many are equal, and some of any bytes but NUL and "/". */
const component: fc.Arbitrary<string> = fc
  .oneof(
    fc.string({ unit: fc.constantFrom("a", "b", "-", ".", "\xff"), minLength: 1, maxLength: 3 }),
    fc
      .uint8Array({ min: 1, minLength: 1, maxLength: 255 })
      .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll("/", "|")),
  )
  .filter((name) => name !== "." && name !== "..")

export const rawPaths: fc.Arbitrary<RawPath> = fc
  .array(component, { maxLength: 4 })
  .map((names) => names.join("/") as RawPath)

const xattrs: fc.Arbitrary<Xattr[]> = fc
  .uniqueArray(record({ name: component as fc.Arbitrary<RawPath>, value: fc.nat(70).chain(bytesOf) }), {
    selector: ({ name }) => name,
    maxLength: 3,
  })
  .map((list) => list.sort((a, b) => (a.name < b.name ? -1 : 1)))

const contents: fc.Arbitrary<Content> = fc.oneof(
  record({ fileClass: uint(255), chunks: fc.nat(8).chain((count) => bytesOf(32 * count)) }),
  record({ fileClass: uint(255), list: chunkId }),
)

const sized = record({ content: contents, size: uint(Number.MAX_SAFE_INTEGER - 1) }).map((found) => ({
  content: found.content,
  size: found.content.chunks?.length === 0 ? 0 : found.size + 1,
}))

const metadata = record({
  mode: uint(0o7777),
  mtimeNs: time,
  uid: uint(0xffff_ffff),
  gid: uint(0xffff_ffff),
  user: text(40),
  group: text(40),
  xattrs: fc.oneof(fc.constant([]), xattrs),
  hardLink: fc.oneof(fc.constant(null), rawPaths),
})

const device = record({ major: uint(0xffff_ffff), minor: uint(0xffff_ffff) })
const none = {
  size: 0,
  content: null,
  linkTarget: null,
  device: null,
  sparse: false,
  capture: "plain" as const,
}

const typed: fc.Arbitrary<Pick<Entry, keyof typeof none | "type">> = fc.oneof(
  record({ file: sized, sparse: fc.boolean(), capture: fc.constantFrom(...CAPTURES) }).map(
    ({ file, sparse, capture }) => ({
      ...none,
      type: "file" as EntryType,
      ...file,
      sparse,
      capture,
    }),
  ),
  fc.constantFrom("directory" as const, "fifo" as const).map((type) => ({ ...none, type })),
  component.map((linkTarget) => ({ ...none, type: "symlink" as const, linkTarget: linkTarget as RawPath })),
  record({ type: fc.constantFrom("character-device" as const, "block-device" as const), device }).map(
    (found) => ({ ...none, ...found }),
  ),
)

const entry: fc.Arbitrary<Entry> = record({ path: rawPaths, typed, metadata }).map(
  ({ path, typed: own, metadata: common }) => {
    const isLink =
      own.type !== "directory" && common.hardLink !== null && comparePaths(common.hardLink, path) < 0
    return { path, ...own, ...common, hardLink: isLink ? common.hardLink : null }
  },
)

/** Sorted, as in a leaf. */
export const listingEntries: fc.Arbitrary<Entry[]> = fc
  .uniqueArray(entry, { selector: ({ path }) => path, maxLength: 20 })
  .map((entries) => entries.sort((a, b) => comparePaths(a.path, b.path)))

export const directoryFrame: fc.Arbitrary<DirectoryFrame> = record({
  kind: fc.integer({ min: 1, max: 3 }),
  lengths: fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 5 }),
  seed: bytesOf(160),
  saved: fc.option(fc.nat(1000)),
}).map(({ kind, lengths, seed, saved }) => {
  const rawLength = lengths.reduce((sum, length) => sum + length, 0)
  const isStored = saved === null || saved === 0 || saved >= rawLength
  return {
    kind,
    codec: isStored ? 0 : 1,
    sealedLength: rawLength + 16 - (isStored ? 0 : saved),
    rawLength,
    ids: seed.slice(0, 32 * lengths.length),
    lengths: Uint32Array.from(lengths),
  }
})

export const packWithDirectory: fc.Arbitrary<PackWithDirectory & { directory: Bytes }> = record({
  frames: fc.array(directoryFrame, { minLength: 1, maxLength: 3 }),
  name: digest,
  epoch: fc.integer({ min: 1, max: 0xffff_ffff }),
  salt: bytesOf(24),
  padding: fc.nat(10_000),
}).map(({ frames, name, epoch, salt, padding }) => {
  const directory = encodeDirectory(frames)
  const directoryOffset = frames.reduce((sum, frame) => sum + frame.sealedLength, 72)
  const place = { directoryOffset, directorySealedLength: directory.length + 16, directoryCodec: 0 }
  const sizeBytes = directoryOffset + directory.length + 16 + padding + 32
  const record = { name, sizeBytes, epoch, salt, ...place, directoryRawLength: directory.length }
  return { record, directory }
})

export const packs: fc.Arbitrary<(PackWithDirectory & { directory: Bytes })[]> = fc
  .uniqueArray(packWithDirectory, { selector: ({ record }) => record.name, minLength: 1, maxLength: 3 })
  .map((list) => list.sort((a, b) => (a.record.name < b.record.name ? -1 : 1)))

export const digestSet: fc.Arbitrary<Digest[]> = fc
  .uniqueArray(digest, { maxLength: 3 })
  .map((list) => list.sort())

const numbered: fc.Arbitrary<Numbered> = record({
  number: fc.integer({ min: 1, max: 9_999_999_999 }),
  digest,
})

const heads: fc.Arbitrary<Head[]> = fc
  .uniqueArray(
    record({
      device: hex(16) as fc.Arbitrary<DeviceId>,
      sequence: fc.integer({ min: 1, max: 9_999_999_999 }),
      digest,
    }),
    { selector: ({ device: of }) => of, maxLength: 3 },
  )
  .map((list) => list.sort((a, b) => (a.device < b.device ? -1 : 1)))

const place = record({ sequence: fc.integer({ min: 1, max: 9_999_999_999 }), digest })
const series = text(20).map((name) => name || "home")
const newest = record({ series, timeNs: time, sequence: fc.integer({ min: 1, max: 9_999_999_999 }), digest })

const common: fc.Arbitrary<EntryCommon> = record({
  version: fc.constant(0 as const),
  repository: hex(16) as fc.Arbitrary<RepositoryId>,
  device: hex(16) as fc.Arbitrary<DeviceId>,
  sequence: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9_999_999_999 })),
  previous: digest as fc.Arbitrary<Digest | null>,
  heads,
  gcSeen: fc.option(numbered),
  trust: numbered,
  timeNs: time,
  program: text(20),
  packs: packs.chain((list) =>
    fc.constantFrom(
      list,
      [],
      list.map((pack) => ({ ...pack, directory: null })),
    ),
  ),
  rest: fc.uniqueArray(place, { selector: ({ sequence }) => sequence, maxLength: 3 }),
  segments: digestSet,
  newest: fc.option(fc.uniqueArray(newest, { selector: ({ series: of }) => of, maxLength: 3 })),
}).map((fields) => ({
  ...fields,
  previous: fields.sequence === 1 ? null : fields.previous,
  rest: earlier(fields.rest, fields.sequence).sort((a, b) => a.sequence - b.sequence),
  newest: fields.newest === null ? null : earlier(fields.newest, fields.sequence).sort(bySeries),
}))

function earlier<T extends EntryPlace>(places: readonly T[], sequence: number): T[] {
  return places.filter((each) => each.sequence < sequence)
}

function bySeries(a: NewestSnapshot, b: NewestSnapshot): number {
  return Buffer.compare(Buffer.from(a.series), Buffer.from(b.series))
}

const count = fc.oneof(fc.nat(200), fc.maxSafeNat())
const summary = record({
  filesNew: count,
  filesChanged: count,
  filesUnmodified: count,
  dirsNew: count,
  dirsChanged: count,
  dirsUnmodified: count,
  files: count,
  dirs: count,
  bytes: count,
  dataAdded: count,
  dataAddedPacked: count,
})

const snapshot = record({
  series,
  parent: fc.option(digest),
  host: text(20),
  user: text(20),
  paths: fc.array(
    rawPaths.map((path) => `/${path}` as RawPath),
    { maxLength: 3 },
  ),
  tags: fc
    .uniqueArray(text(5), { maxLength: 4 })
    .map((tags) => tags.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))),
  trigger: text(10),
  startedNs: time,
  root: record({ id: chunkId, level: fc.nat(31) }),
  summary,
  skipped: fc.array(record({ path: rawPaths, reason: text(20) }), { maxLength: 3 }),
  skippedCount: count.map((n) => Math.max(n, 3)),
  options: fc.dictionary(fc.string({ maxLength: 5 }), text(10), { maxKeys: 3, noNullPrototype: true }),
  single: fc.boolean(),
  flag: fc.constantFrom("suspected-wipe" as const, "pre-restore" as const, null),
  accepts: fc.option(digest),
}).map((fields) => ({ type: "snapshot" as const, ...fields }))

const own = fc.oneof(
  snapshot,
  series.map((name) => ({ type: "partial" as const, series: name })),
  numbered.map((gc) => ({ type: "fence" as const, gc })),
)

export const chainEntries: fc.Arbitrary<ChainEntry> = record({ common, own }).map((parts): ChainEntry => ({
  ...parts.common,
  ...parts.own,
}))

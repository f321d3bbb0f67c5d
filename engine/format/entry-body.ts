/**
 * The body of a chain entry, to canonical bytes and back. `entry.ts` says what the fields mean; every bound
 * of spec/log-entry.md is here.
 *
 *     body = {v, type, …common, …what its type adds}, one canonical map; no key is optional
 */
import { assert } from "../base/errors.ts"
import { type Bytes, toHex } from "../base/bytes.ts"
import type { ChunkId, DeviceId, RawPath, RepositoryId } from "../base/ids.ts"
import { pathBytes, rawPath } from "../base/paths.ts"
import type {
  Entry,
  EntryCommon,
  EntryPlace,
  Head,
  NewestSnapshot,
  Numbered,
  SkippedPath,
  SnapshotFields,
  SnapshotFlag,
  SnapshotSummary,
} from "./entry.ts"
import { LISTING_LEVEL_MAX, PATH_BYTES_MAX } from "../base/listing-limits.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { NAME_NUMBER_MAX } from "./names.ts"
import {
  checkAscending,
  digestSetValue,
  digestValue,
  hexValue,
  packValue,
  readDigest,
  readDigestSet,
  readPack,
  sortedPacks,
} from "./pack-record.ts"
import { schema, type Schema } from "./schema.ts"

const VERSION = 0
const TEXT_BYTES_MAX = 1024
const HEADS_MAX = 65_535
const PACKS_MAX = 65_535
const REST_MAX = 65_535
/** An entry with more series than this lists none of them, and readers look at all entries. */
export const NEWEST_MAX = 256
const PATHS_MAX = 65_535
const TAGS_MAX = 1024
const SKIPPED_MAX = 100
/** A file system's error may repeat the whole path. */
const REASON_BYTES_MAX = 65_535
const OPTIONS_MAX = 1024
const OPTION_BYTES_MAX = 65_535
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER }
const NUMBER = { min: 1, max: NAME_NUMBER_MAX }

const FLAGS = ["suspected-wipe", "pre-restore"] as const satisfies readonly SnapshotFlag[]

const COMMON_KEYS = [
  ...(["v", "type", "repository", "device", "sequence", "previous", "heads"] as const),
  ...(["gcSeen", "trust", "timeNs", "program", "packs", "rest", "segments", "newest"] as const),
] as const

const SNAPSHOT_KEYS = [
  ...(["series", "parent", "host", "user", "paths", "tags", "trigger"] as const),
  ...(["startedNs", "root", "summary", "skipped", "skippedCount", "options", "single"] as const),
  ...(["flag", "accepts"] as const),
] as const

const SUMMARY_KEYS = [
  "filesNew",
  "filesChanged",
  "filesUnmodified",
  "dirsNew",
  "dirsChanged",
  "dirsUnmodified",
  "files",
  "dirs",
  "bytes",
  "dataAdded",
  "dataAddedPacked",
] as const satisfies readonly (keyof SnapshotSummary)[]

type CommonMap = Readonly<Record<(typeof COMMON_KEYS)[number], Value>>
type SnapshotMap = Readonly<Record<(typeof SNAPSHOT_KEYS)[number], Value>>

const KEYS_MAX: number = COMMON_KEYS.length + SNAPSHOT_KEYS.length

/** Decodes the body again, so a body that `decodeEntryBody` refuses is a bug here. */
export function encodeEntryBody(entry: Entry): Bytes {
  const bytes = encodeCanonical({ ...commonValues(entry), type: entry.type, ...ownValues(entry) })
  decodeEntryBody(bytes, "a new chain entry")
  return bytes
}

function ownValues(entry: Entry): Record<string, Value> {
  switch (entry.type) {
    case "snapshot":
      return snapshotValues(entry)
    case "partial":
      return { series: entry.series }
    case "fence":
      return { gc: numberedValue(entry.gc) }
  }
}

/**
 * @returns an entry with directories and ids that are views of `bytes`
 * @throws corrupt "entry"
 */
export function decodeEntryBody(bytes: Uint8Array, object: string): Entry {
  const s = schema("entry", object)
  const value = decodeCanonical(bytes, object)
  const type = s.oneOf(s.dictionary(value, "entry", KEYS_MAX)["type"] ?? null, "type", [
    "snapshot",
    "partial",
    "fence",
  ])
  switch (type) {
    case "snapshot": {
      const map = s.map(value, "entry", [...COMMON_KEYS, ...SNAPSHOT_KEYS])
      return { type, ...readCommon(s, map), ...readSnapshot(s, map) }
    }
    case "partial": {
      const map = s.map(value, "entry", [...COMMON_KEYS, "series"])
      return { type, ...readCommon(s, map), series: readSeries(s, map.series) }
    }
    case "fence": {
      const map = s.map(value, "entry", [...COMMON_KEYS, "gc"])
      return { type, ...readCommon(s, map), gc: readNumbered(s, map.gc, "gc") }
    }
  }
}

function commonValues(entry: EntryCommon): Record<string, Value> {
  assert(entry.version === VERSION, `entry version ${String(entry.version)}`)
  const heads = entry.heads.toSorted((a, b) => (a.device < b.device ? -1 : 1))
  return {
    v: VERSION,
    repository: hexValue(entry.repository),
    device: hexValue(entry.device),
    sequence: entry.sequence,
    previous: entry.previous === null ? null : digestValue(entry.previous),
    heads: heads.map((head): Value => [hexValue(head.device), head.sequence, digestValue(head.digest)]),
    gcSeen: entry.gcSeen === null ? null : numberedValue(entry.gcSeen),
    trust: numberedValue(entry.trust),
    timeNs: entry.timeNs,
    program: entry.program,
    packs: sortedPacks(entry.packs).map(packValue),
    rest: entry.rest.map(({ sequence, digest }): Value => [sequence, digestValue(digest)]),
    segments: digestSetValue(entry.segments),
    newest: entry.newest === null ? null : newestValue(entry.newest),
  }
}

function newestValue(newest: readonly NewestSnapshot[]): Value {
  const sorted = newest.toSorted((a, b) => (utf8Key(a.series) < utf8Key(b.series) ? -1 : 1))
  return sorted.map(({ series, timeNs, sequence, digest }) => [series, timeNs, sequence, digestValue(digest)])
}

function readCommon(s: Schema, map: CommonMap): EntryCommon {
  s.int(map.v, "v", { min: VERSION, max: VERSION })
  const device = readDevice(s, map.device, "device")
  const sequence = s.int(map.sequence, "sequence", NUMBER)
  const previous = s.optional(map.previous, "previous", (value, field) => readDigest(s, value, field))
  if ((previous === null) !== (sequence === 1)) {
    throw s.refuse("previous", `${previous === null ? "nil" : "a digest"} in entry ${sequence}`)
  }
  const packs = s.array(map.packs, "packs", PACKS_MAX).map((value, i) => readPack(s, value, `pack ${i}`))
  checkAscending(
    s,
    packs.map((pack) => pack.record.name),
    "packs",
  )
  return {
    version: VERSION,
    repository: toHex(s.bytes(map.repository, "repository", 16)) as RepositoryId,
    device,
    sequence,
    previous,
    heads: readHeads(s, map.heads, device),
    gcSeen: s.optional(map.gcSeen, "gcSeen", (value, field) => readNumbered(s, value, field)),
    trust: readNumbered(s, map.trust, "trust"),
    timeNs: s.bigInt(map.timeNs, "timeNs"),
    program: s.text(map.program, "program", TEXT_BYTES_MAX),
    packs,
    rest: readRest(s, map.rest, sequence),
    segments: readDigestSet(s, map.segments, "segments"),
    newest: s.optional(map.newest, "newest", (value) => readNewest(s, value, sequence)),
  }
}

function readRest(s: Schema, value: Value, author: number): EntryPlace[] {
  let last = 0
  return s.array(value, "rest", REST_MAX).map((item, i): EntryPlace => {
    const [sequence, digest] = s.tuple(item, `rest ${i}`, 2) as [Value, Value]
    const place = readPlace(s, { sequence, digest, field: `rest ${i}` }, author)
    if (place.sequence <= last) throw s.refuse("rest", "is not in ascending order")
    last = place.sequence
    return place
  })
}

function readNewest(s: Schema, value: Value, author: number): NewestSnapshot[] {
  const newest = s.array(value, "newest", NEWEST_MAX).map((item, i): NewestSnapshot => {
    const [series, timeNs, sequence, digest] = s.tuple(item, `newest ${i}`, 4) as [Value, Value, Value, Value]
    return {
      series: readSeries(s, series),
      timeNs: s.bigInt(timeNs, `newest ${i} time`),
      ...readPlace(s, { sequence, digest, field: `newest ${i}` }, author),
    }
  })
  checkAscending(
    s,
    newest.map(({ series }) => utf8Key(series)),
    "newest",
  )
  return newest
}

/** Reads a place before `author`. */
function readPlace(
  s: Schema,
  { sequence, digest, field }: { sequence: Value; digest: Value; field: string },
  author: number,
): EntryPlace {
  return {
    sequence: s.int(sequence, `${field} sequence`, { min: 1, max: author - 1 }),
    digest: readDigest(s, digest, `${field} digest`),
  }
}

function readHeads(s: Schema, value: Value, author: DeviceId): Head[] {
  const heads = s.array(value, "heads", HEADS_MAX).map((item, i): Head => {
    const [device, sequence, digest] = s.tuple(item, `head ${i}`, 3) as [Value, Value, Value]
    return {
      device: readDevice(s, device, `head ${i} device`),
      sequence: s.int(sequence, `head ${i} sequence`, NUMBER),
      digest: readDigest(s, digest, `head ${i} digest`),
    }
  })
  const devices = heads.map((head) => head.device)
  checkAscending(s, devices, "heads")
  if (devices.includes(author)) throw s.refuse("heads", "the author's own chain is among them")
  return heads
}

function readDevice(s: Schema, value: Value, field: string): DeviceId {
  return toHex(s.bytes(value, field, 16)) as DeviceId
}

function numberedValue(numbered: Numbered): Value {
  return [numbered.number, digestValue(numbered.digest)]
}

function readNumbered(s: Schema, value: Value, field: string): Numbered {
  const [number, digest] = s.tuple(value, field, 2) as [Value, Value]
  return {
    number: s.int(number, `${field} number`, NUMBER),
    digest: readDigest(s, digest, `${field} digest`),
  }
}

function snapshotValues(entry: SnapshotFields): Record<string, Value> {
  return {
    series: entry.series,
    parent: entry.parent === null ? null : digestValue(entry.parent),
    host: entry.host,
    user: entry.user,
    paths: entry.paths.map(pathBytes),
    tags: entry.tags.toSorted((a, b) => (utf8Key(a) < utf8Key(b) ? -1 : 1)),
    trigger: entry.trigger,
    startedNs: entry.startedNs,
    root: [entry.root.id, entry.root.level],
    summary: Object.fromEntries(SUMMARY_KEYS.map((key) => [key, entry.summary[key]])),
    skipped: entry.skipped.map(({ path, reason }): Value => [pathBytes(path), reason]),
    skippedCount: entry.skippedCount,
    options: entry.options,
    single: entry.single,
    flag: entry.flag,
    accepts: entry.accepts === null ? null : digestValue(entry.accepts),
  }
}

function readSnapshot(s: Schema, map: SnapshotMap): SnapshotFields {
  const text = (value: Value, field: string): string => s.text(value, field, TEXT_BYTES_MAX)
  const path = (value: Value, field: string): RawPath => rawPath(s.bytesUpTo(value, field, PATH_BYTES_MAX))
  const tags = s.array(map.tags, "tags", TAGS_MAX).map((value, i) => text(value, `tag ${i}`))
  checkAscending(s, tags.map(utf8Key), "tags")
  const skipped = s.array(map.skipped, "skipped", SKIPPED_MAX).map((value, i): SkippedPath => {
    const [where, reason] = s.tuple(value, `skipped ${i}`, 2) as [Value, Value]
    return {
      path: path(where, `skipped ${i} path`),
      reason: s.text(reason, `skipped ${i} reason`, REASON_BYTES_MAX),
    }
  })
  const skippedCount = s.int(map.skippedCount, "skippedCount", COUNT)
  if (skippedCount < skipped.length)
    throw s.refuse("skippedCount", `${skippedCount}, and ${skipped.length} are listed`)
  return {
    series: readSeries(s, map.series),
    parent: s.optional(map.parent, "parent", (value, field) => readDigest(s, value, field)),
    host: text(map.host, "host"),
    user: text(map.user, "user"),
    paths: s.array(map.paths, "paths", PATHS_MAX).map((value, i) => path(value, `path ${i}`)),
    tags,
    trigger: text(map.trigger, "trigger"),
    startedNs: s.bigInt(map.startedNs, "startedNs"),
    root: readRoot(s, map.root),
    summary: readSummary(s, map.summary),
    skipped,
    skippedCount,
    options: readOptions(s, map.options),
    single: s.bool(map.single, "single"),
    flag: s.optional(map.flag, "flag", (value, field) => s.oneOf(value, field, FLAGS)),
    accepts: s.optional(map.accepts, "accepts", (value, field) => readDigest(s, value, field)),
  }
}

/** Strings compare by UTF-16, whose order differs from UTF-8. */
function utf8Key(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1")
}

function readSeries(s: Schema, value: Value): string {
  const series = s.text(value, "series", TEXT_BYTES_MAX)
  if (series === "") throw s.refuse("series", "is empty")
  return series
}

function readRoot(s: Schema, value: Value): SnapshotFields["root"] {
  const [id, level] = s.tuple(value, "root", 2) as [Value, Value]
  return {
    id: s.bytes(id, "root id", 32) as ChunkId,
    level: s.int(level, "root level", { min: 0, max: LISTING_LEVEL_MAX }),
  }
}

function readSummary(s: Schema, value: Value): SnapshotSummary {
  const map = s.map(value, "summary", SUMMARY_KEYS)
  const counts = SUMMARY_KEYS.map((key) => [key, s.int(map[key], `summary ${key}`, COUNT)] as const)
  return Object.fromEntries(counts) as unknown as SnapshotSummary
}

function readOptions(s: Schema, value: Value): Record<string, string> {
  const found = Object.entries(s.dictionary(value, "options", OPTIONS_MAX))
  return Object.fromEntries(
    found.map(([key, item]) => [key, s.text(item, `option ${key}`, OPTION_BYTES_MAX)]),
  )
}

/**
 * Record, rule W2: before an entry names packs, their directories are durable where a reader finds
 * them. Small directories ride in the entry. A few large ones are read from their packs by one
 * ranged request each, which saves storing every id twice. Many are merged into index segments.
 */
import { hash } from "node:crypto"
import { release } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import { sealingKeyOfEpoch, sealObject } from "../crypto/sealed-object.ts"
import type { EntryPack, Head } from "../format/entry.ts"
import { parseName, segmentName, SEGMENTS_PREFIX } from "../format/names.ts"
import { encodeDirectory } from "../format/pack.ts"
import { KIND_SEGMENT, SALT_BYTES } from "../format/sealed-header.ts"
import { encodeSegment, type SegmentPack } from "../format/segment.ts"
import type { PendingPack } from "../home/journal.ts"
import { newestOwn, packsToRead } from "../session/carry.ts"
import { readSegment } from "../session/import-packs.ts"
import type { Repository } from "../session/repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"

/** Directories up to this many bytes, all together, ride in the entry. */
const INLINE_BYTES_MAX = 16 * 1024
/** Up to this many packs of a chain are left to ranged reads: each is a request for every empty machine. */
const RANGED_PACKS_MAX = 2
/** Sealing one takes several times as much memory. */
const SEGMENT_BYTES_MAX = 4 * 1024 * 1024
/** A chain with more live segments than this has its small ones merged when another is written. */
const SEGMENTS_FEW = 1

export interface Coverage {
  readonly packs: readonly EntryPack[]
  /** Segments written now. */
  readonly newSegments: readonly Digest[]
  /** Packs that they cover, and older segments that they take the place of. */
  readonly covered: readonly Digest[]
  readonly superseded: readonly Digest[]
}

/** The directories of `pending` are given back when they are in a segment. */
export async function coverPacks(pending: readonly PendingPack[], repository: Repository): Promise<Coverage> {
  const none = { newSegments: [], covered: [], superseded: [] }
  if (directoryBytes(pending) <= INLINE_BYTES_MAX)
    return { packs: pending.map(({ record, directory }) => ({ record, directory })), ...none }
  const head = newestOwn(repository)
  const ranged = await packsToRead(repository, head)
  if (pending.length + ranged.length <= RANGED_PACKS_MAX)
    return { packs: pending.map(({ record }) => ({ record, directory: null })), ...none }
  const packs = [...pending, ...ranged.flatMap((pack) => withDirectory(repository, pack))]
  const merged = await smallSegments(repository, head, directoryBytes(packs))
  const all = uniquePacks([...packs, ...merged.flatMap((segment) => segment.packs)])
  const superseded = merged.map(({ digest }) => digest)
  const newSegments: Digest[] = []
  for (const group of groups(all)) {
    newSegments.push(await putSegment(group, newSegments.length === 0 ? superseded : [], repository))
  }
  return { packs: [], newSegments, covered: all.map(({ record }) => record.name), superseded }
}

/** The directory is in the local index, unless that was lost and the pack is. */
function withDirectory({ index }: Repository, { record }: EntryPack): SegmentPack[] {
  const frames = index.framesOfPack(record.name)
  return frames.length === 0 ? [] : [{ record, directory: encodeDirectory(frames) }]
}

interface LiveSegment {
  readonly digest: Digest
  readonly packs: readonly SegmentPack[]
}

/**
 * Live segments of this chain that are no larger than what is to be written with them, so that their
 * number grows with the logarithm of the runs. One LIST, and a GET for each; only large runs come here.
 */
async function smallSegments(
  repository: Repository,
  head: Head | undefined,
  newBytes: number,
): Promise<LiveSegment[]> {
  const live = new Set((head === undefined ? undefined : repository.log.entry(head.digest))?.segments)
  if (live.size <= SEGMENTS_FEW) return []
  const sizes: { digest: Digest; sizeBytes: number }[] = []
  for await (const { name, sizeBytes } of repository.store.list(SEGMENTS_PREFIX)) {
    const parsed = parseName(name)
    if (parsed?.type === "segment" && live.has(parsed.digest))
      sizes.push({ digest: parsed.digest, sizeBytes })
  }
  const found: LiveSegment[] = []
  let bytes = newBytes
  for (const { digest, sizeBytes } of sizes.toSorted((a, b) => a.sizeBytes - b.sizeBytes)) {
    // An object is up to a quarter larger than its directories: records, padding.
    if (sizeBytes > bytes * 1.25 || bytes + sizeBytes > SEGMENT_BYTES_MAX) break
    try {
      found.push({ digest, packs: await readSegment(repository, digest) })
      bytes += sizeBytes
    } catch (error) {
      if (!isLocalFault(error)) throw error // a damaged one stays named, and is told of by `check`
    }
  }
  return found
}

function uniquePacks(packs: readonly SegmentPack[]): SegmentPack[] {
  return [...new Map(packs.map((pack) => [pack.record.name, pack])).values()]
}

function directoryBytes(packs: readonly { readonly directory: Uint8Array }[]): number {
  return packs.reduce((sum, { directory }) => sum + directory.length, 0)
}

async function putSegment(
  packs: readonly SegmentPack[],
  supersedes: readonly Digest[],
  { store, random, session: { keys } }: Repository,
): Promise<Digest> {
  const body = encodeSegment({
    packs: packs.map(({ record, directory }) => ({ record, directory })),
    supersedes,
  })
  for (const { directory } of packs) release(directory) // sealing the segment takes as much
  const object = sealObject(
    sealingKeyOfEpoch(keys, keys.epoch, "a new segment"),
    KIND_SEGMENT,
    random.bytes(SALT_BYTES),
    body,
  )
  release(body)
  const digest = hash("sha256", object, "hex") as Digest
  await store.put(segmentName(digest), object)
  release(object)
  return digest
}

function groups(packs: readonly SegmentPack[]): SegmentPack[][] {
  const all: SegmentPack[][] = []
  let bytes = Infinity
  for (const pack of packs) {
    if (bytes + pack.directory.length > SEGMENT_BYTES_MAX) {
      all.push([])
      bytes = 0
    }
    all.at(-1)?.push(pack)
    bytes += pack.directory.length
  }
  return all
}

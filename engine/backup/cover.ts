/**
 * Makes pack directories durable before an entry names the packs (rule W2). Small directories go into the
 * entry. A few large ones stay in their packs, where a reader fetches each by one ranged request; this
 * saves storing every ID twice. Many are merged into index segments. Used by commit.ts and uploader.ts.
 * spec/segment.md.
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

/** Directories of up to this many bytes in total go into the entry. */
const INLINE_BYTES_MAX = 16 * 1024
/** At most this many packs of a chain are left to ranged reads: each costs every empty home a request. */
const RANGED_PACKS_MAX = 2
/** Sealing a segment takes several times its size in memory. */
const SEGMENT_BYTES_MAX = 4 * 1024 * 1024
/** With more live segments than this, a chain's small ones are merged into the next one written. */
const SEGMENTS_FEW = 1

export interface Coverage {
  readonly packs: readonly EntryPack[]
  /** Segments written now. */
  readonly newSegments: readonly Digest[]
  /** The packs in the new segments. */
  readonly covered: readonly Digest[]
  /** Older segments that the new ones replace. */
  readonly superseded: readonly Digest[]
}

/** Releases the directories of `pending` when they are in a segment. */
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

/** Encodes a pack's directory from the local index; empty if the index has lost the pack. */
function withDirectory({ index }: Repository, { record }: EntryPack): SegmentPack[] {
  const frames = index.framesOfPack(record.name)
  return frames.length === 0 ? [] : [{ record, directory: encodeDirectory(frames) }]
}

interface LiveSegment {
  readonly digest: Digest
  readonly packs: readonly SegmentPack[]
}

/**
 * Reads the live segments of this chain that are no larger than what is written with them: merging those
 * keeps their number logarithmic in the number of runs. Costs one LIST and one GET for each; only large
 * runs need it.
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
    // Records and padding make an object up to a quarter larger than its directories.
    if (sizeBytes > bytes * 1.25 || bytes + sizeBytes > SEGMENT_BYTES_MAX) break
    try {
      found.push({ digest, packs: await readSegment(repository, digest) })
      bytes += sizeBytes
    } catch (error) {
      if (!isLocalFault(error)) throw error // a damaged one stays named, and `check` reports it
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

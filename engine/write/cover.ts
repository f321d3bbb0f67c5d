/**
 * Record, rule W2: before an entry names packs, their directories are durable where a reader finds
 * them. Small directories ride in the entry. A few large ones are read from their packs by one
 * ranged request each, which saves storing every id twice. Many are merged into index segments.
 */
import { hash } from "node:crypto"
import type { Digest } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { sealingKeyOfEpoch, sealObject } from "../crypto/sealed-object.ts"
import type { EntryPack } from "../format/entry.ts"
import { segmentName } from "../format/names.ts"
import { KIND_SEGMENT, SALT_BYTES } from "../format/sealed-header.ts"
import { encodeSegment, type SegmentPack } from "../format/segment.ts"
import type { PendingPack } from "../home/journal.ts"
import type { Store } from "../store/store.ts"

/** Directories up to this many bytes, all together, ride in the entry. */
const INLINE_BYTES_MAX = 16 * 1024
/** Up to this many packs are left to ranged reads. */
const RANGED_PACKS_MAX = 4
const SEGMENT_BYTES_MAX = 8 * 1024 * 1024

export interface Coverage {
  readonly packs: readonly EntryPack[]
  /** Segments written now. */
  readonly segments: readonly Digest[]
}

export interface CoverPorts {
  readonly store: Store
  readonly keys: RepositoryKeys
  readonly random: Random
}

export async function coverPacks(pending: readonly PendingPack[], ports: CoverPorts): Promise<Coverage> {
  const bytes = pending.reduce((sum, pack) => sum + pack.directory.length, 0)
  if (bytes <= INLINE_BYTES_MAX)
    return { packs: pending.map(({ record, directory }) => ({ record, directory })), segments: [] }
  if (pending.length <= RANGED_PACKS_MAX)
    return { packs: pending.map(({ record }) => ({ record, directory: null })), segments: [] }
  const segments: Digest[] = []
  for (const packs of groups(pending)) segments.push(await putSegment(packs, ports))
  return { packs: [], segments }
}

async function putSegment(
  packs: readonly SegmentPack[],
  { store, keys, random }: CoverPorts,
): Promise<Digest> {
  const body = encodeSegment({
    packs: packs.map(({ record, directory }) => ({ record, directory })),
    supersedes: [],
  })
  const object = sealObject(
    sealingKeyOfEpoch(keys, keys.epoch, "a new segment"),
    KIND_SEGMENT,
    random.bytes(SALT_BYTES),
    body,
  )
  const digest = hash("sha256", object, "hex") as Digest
  await store.put(segmentName(digest), object)
  return digest
}

function groups(pending: readonly PendingPack[]): PendingPack[][] {
  const all: PendingPack[][] = []
  let bytes = Infinity
  for (const pack of pending) {
    if (bytes + pack.directory.length > SEGMENT_BYTES_MAX) {
      all.push([])
      bytes = 0
    }
    all.at(-1)?.push(pack)
    bytes += pack.directory.length
  }
  return all
}

/**
 * Finds the packs that the log names, and their directories in entries and segments. Compares the local index
 * with those directories and corrects rows that are lost or damaged before anything is looked up. The index
 * is a cache; the store is not changed. spec/check.md.
 */
import { equalBytes, type Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId, type Digest, type ObjectName } from "../base/ids.ts"
import { checkDigest } from "../crypto/digest.ts"
import { openObject, sealingKeyOf } from "../crypto/sealed-object.ts"
import { entryName, packName, segmentName } from "../format/names.ts"
import {
  checkDirectory,
  decodeDirectory,
  type DirectoryFrame,
  directoryOffset,
  frameOffsets,
  type PackRecord,
  sameFrames,
  sameRecord,
} from "../format/pack.ts"
import type { PackWithDirectory } from "../format/pack-record.ts"
import { KIND_SEGMENT } from "../format/sealed-header.ts"
import { decodeSegment } from "../format/segment.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import { importPacks } from "../session/import-packs.ts"
import type { Repository } from "../session/repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"
import { newestEntries, type CheckedEntry } from "./check-log.ts"
import { GETS_AT_ONCE } from "./check-trust.ts"
import type { Findings } from "./findings.ts"

export interface NamedPack {
  readonly record: PackRecord
  /** False if only the pack itself has its directory. */
  inLog: boolean
}

export interface NamedPacks {
  readonly packs: ReadonlyMap<Digest, NamedPack>
  /** Referenced segments. */
  readonly segments: ReadonlySet<Digest>
  /** The packs of each segment that could be read. */
  readonly segmentPacks: ReadonlyMap<Digest, readonly Digest[]>
  /**
   * Adds the pack to the index again, once.
   * @returns false if that was done before, or nothing names the pack
   */
  refreshPack(name: Digest): Promise<boolean>
  /** Rebuilds the index from all directories, at most once. */
  refreshAll(): Promise<void>
}

interface Naming {
  readonly repository: Repository
  readonly findings: Findings
  readonly packs: Map<Digest, NamedPack>
  readonly segmentPacks: Map<Digest, readonly Digest[]>
  /** Add every pack again, even if its rows look right. */
  readonly anew: boolean
}

export async function nameThePacks(
  repository: Repository,
  entries: readonly CheckedEntry[],
  findings: Findings,
): Promise<NamedPacks> {
  const packs = new Map<Digest, NamedPack>()
  const segmentPacks = new Map<Digest, readonly Digest[]>()
  const segments = new Set(newestEntries(entries).flatMap((entry) => entry.segments))
  const readAll = async (anew: boolean): Promise<void> => {
    const naming: Naming = { repository, findings, packs, segmentPacks, anew }
    for (const entry of entries) {
      const object = entryName(entry.device, entry.sequence, entry.digest)
      for (const pack of entry.packs) await takePack(naming, pack, object)
    }
    await forEachBounded(segments, GETS_AT_ONCE, async (digest) => await takeSegment(naming, digest))
  }
  await readAll(false)
  let refreshed: Promise<void> | undefined
  const refreshedPacks = new Set<Digest>()
  return {
    packs,
    segments,
    segmentPacks,
    refreshAll: () => (refreshed ??= readAll(true)),
    async refreshPack(name) {
      const pack = packs.get(name)
      if (pack === undefined || refreshedPacks.has(name)) return false
      refreshedPacks.add(name)
      await reimport(repository, pack.record)
      return true
    },
  }
}

async function takeSegment(naming: Naming, digest: Digest): Promise<void> {
  const { repository, findings } = naming
  const object = segmentName(digest)
  try {
    const bytes = await repository.store.get(object)
    checkDigest(bytes, digest, object)
    const key = sealingKeyOf(repository.session.keys, KIND_SEGMENT, bytes, object)
    const { packs } = decodeSegment(openObject(key, KIND_SEGMENT, bytes, object), object)
    for (const pack of packs) await takePack(naming, pack, object)
    const names = packs.map(({ record }) => record.name)
    naming.segmentPacks.set(digest, names)
    repository.log.addSegment(digest)
  } catch (error) {
    if (!isLocalFault(error)) throw error
    if (error.kind === "not-found")
      findings.add(object, "missing: a chain entry refers to it, and it lists the content of many packs")
    else findings.addError(error, object)
  }
}

/** @param object names the pack */
async function takePack(naming: Naming, pack: PackWithDirectory, object: ObjectName): Promise<void> {
  const { record, directory } = pack
  const { repository, findings, packs, anew } = naming
  const { name } = record
  const known = packs.get(name)
  if (known !== undefined && !sameRecord(known.record, record)) {
    findings.add(object, `describes ${packName(name)} differently from another entry`)
    return
  }
  const named = known ?? { record, inLog: false }
  packs.set(name, named)
  try {
    if (directory === null) {
      if (named.inLog || (!anew && isIndexed(repository.index, record))) return
      await reimport(repository, record)
      return
    }
    named.inLog = true
    const frames = decodeDirectory(directory as Bytes, packName(name))
    checkDirectory(frames, record, packName(name))
    holdTo(repository.index, { record, frames, anew })
  } catch (error) {
    if (!isEngineError(error, "pack-directory")) throw error
    findings.add(object, `its directory of ${packName(name)} is wrong`)
  }
}

/** A directory that can't be read is reported when the pack itself is checked. */
async function reimport(repository: Repository, record: PackRecord): Promise<void> {
  const { index } = repository
  const before = { record: index.pack(record.name), frames: index.framesOfPack(record.name) }
  index.removePack(record.name)
  const problems = await importPacks(repository, [{ record, directory: null }], packName(record.name))
  // The rows may be right, and nothing else is left.
  if (problems.length > 0 && before.record !== undefined) index.addPack(before.record, before.frames)
}

interface Truth {
  readonly record: PackRecord
  readonly frames: readonly DirectoryFrame[]
  readonly anew: boolean
}

function holdTo(index: ChunkIndex, { record, frames, anew }: Truth): void {
  const { name } = record
  if (!anew && isIndexed(index, record) && sameFrames(index.framesOfPack(name), frames)) return
  index.removePack(name)
  index.addPack(record, frames)
}

/** Whether the rows match the pack and look-ups find them. */
function isIndexed(index: ChunkIndex, record: PackRecord): boolean {
  const found = index.pack(record.name)
  if (found === undefined || !sameRecord(found, record)) return false
  const frames = index.framesOfPack(record.name)
  const offsets = frameOffsets(frames)
  return (
    frames.length > 0 &&
    directoryOffset(frames) === record.directoryOffset &&
    frames.every((frame, number) => {
      const place = index.locate(frame.ids.subarray(0, CHUNK_ID_BYTES) as ChunkId)
      if (place === undefined) return false
      if (place.pack.name !== record.name || place.frame.number !== number) return true // the chunk is in several packs
      const { pack, frame: row } = place
      const isSamePack =
        pack.sizeBytes === record.sizeBytes &&
        pack.epoch === record.epoch &&
        equalBytes(pack.salt, record.salt)
      return isSamePack && row.offset === offsets[number] && row.sealedLength === frame.sealedLength
    })
  )
}

/**
 * Takes the packs of accepted entries into the chunk index: from directories inside an entry, from
 * directories that are read from their packs with one ranged request each, and from index segments that
 * an entry names. spec/log-entry.md, spec/segment.md.
 */
import type { Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import { createZstd } from "../chunks/zstd.ts"
import { checkDigest } from "../crypto/digest.ts"
import { openObject, sealingKeyOf } from "../crypto/sealed-object.ts"
import type { EntryPack } from "../format/entry.ts"
import { packName, segmentName } from "../format/names.ts"
import { checkDirectory, decodeDirectory, type PackRecord } from "../format/pack.ts"
import { KIND_SEGMENT } from "../format/sealed-header.ts"
import { decodeSegment, type SegmentPack } from "../format/segment.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import { openDirectory, packSealer } from "../packs/open-pack.ts"
import type { Repository } from "./repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"

const GETS_AT_ONCE = 8

type ImportPorts = Pick<Repository, "store" | "index" | "session">

/** Directories that are being fetched: several entries that carry one pack fetch it once. */
export type Fetching = Map<Digest, Promise<Bytes>>

/** Gives the packs that can't be read; they stay out of the index. */
export async function importPacks(
  ports: ImportPorts,
  packs: readonly EntryPack[],
  entry: ObjectName,
  fetching: Fetching = new Map(),
): Promise<EngineError[]> {
  const problems: EngineError[] = []
  const wanted = packs.filter(({ record }) => !ports.index.hasPack(record.name))
  await forEachBounded(wanted, GETS_AT_ONCE, async ({ record, directory }) => {
    await collecting(problems, packName(record.name), entry, async () => {
      addPack(ports.index, record, directory ?? (await fetchOnce(ports, record, fetching)))
    })
  })
  return problems
}

function fetchOnce(ports: ImportPorts, record: PackRecord, fetching: Fetching): Promise<Bytes> {
  const directory = fetching.get(record.name) ?? fetchDirectory(ports, record)
  fetching.set(record.name, directory)
  return directory
}

export async function importSegment(
  ports: ImportPorts,
  digest: Digest,
  entry: ObjectName,
): Promise<EngineError[]> {
  const problems: EngineError[] = []
  const object = segmentName(digest)
  await collecting(problems, object, entry, async () => {
    for (const { record, directory } of await readSegment(ports, digest))
      addPack(ports.index, record, directory)
  })
  return problems
}

/** Throws `corrupt`, and as the store does. */
export async function readSegment(
  { store, session: { keys } }: Pick<ImportPorts, "store" | "session">,
  digest: Digest,
): Promise<readonly SegmentPack[]> {
  const object = segmentName(digest)
  const bytes = await store.get(object)
  checkDigest(bytes, digest, object)
  const key = sealingKeyOf(keys, KIND_SEGMENT, bytes, object)
  return decodeSegment(openObject(key, KIND_SEGMENT, bytes, object), object).packs
}

function addPack(index: ChunkIndex, record: PackRecord, directory: Bytes): void {
  if (index.hasPack(record.name)) return
  const object = packName(record.name)
  const frames = decodeDirectory(directory, object)
  checkDirectory(frames, record, object)
  index.addPack(record, frames)
}

async function fetchDirectory({ store, session: { keys } }: ImportPorts, record: PackRecord): Promise<Bytes> {
  const object = packName(record.name)
  const range = { offset: record.directoryOffset, length: record.directorySealedLength }
  const sealed = await store.get(object, range)
  return openDirectory(packSealer(keys, record, object), record, sealed, { zstd: createZstd(), object })
}

/** Runs. A fault of this object becomes a problem; any other error is thrown. */
async function collecting(
  problems: EngineError[],
  object: ObjectName,
  entry: ObjectName,
  run: () => Promise<void>,
): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!isLocalFault(error)) throw error
    problems.push(
      isEngineError(error, "object-not-found")
        ? corrupt("object-missing", object, `missing from the store; ${entry} needs it`)
        : error,
    )
  }
}

/**
 * From accepted entries to the chunk index: directories that ride in an entry, directories that are
 * read from their packs by one ranged request, and index segments that an accepted entry names.
 * spec/log-entry.md, spec/segment.md.
 */
import type { Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import { createZstd } from "../compression/zstd.ts"
import { checkDigest } from "../crypto/digest.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { openObject, sealingKeyOf } from "../crypto/sealed-object.ts"
import type { EntryPack } from "../format/entry.ts"
import { packName, segmentName } from "../format/names.ts"
import { checkDirectory, decodeDirectory } from "../format/pack.ts"
import type { PackRecord } from "../format/pack.ts"
import { FRAME_DIRECTORY, KIND_SEGMENT, NUMBER_DIRECTORY } from "../format/sealed-header.ts"
import { decodeSegment } from "../format/segment.ts"
import type { ChunkIndex } from "../index/chunk-index.ts"
import { openFrame, packSealer } from "../packs/frame.ts"
import type { Store } from "../store/store.ts"
import { isLocalFault } from "./trust-log.ts"

const GETS_AT_ONCE = 8

export interface ImportPorts {
  readonly store: Store
  readonly keys: RepositoryKeys
  readonly index: ChunkIndex
}

/** Packs that can't be read are left out of the index, and told of. */
export async function importPacks(
  ports: ImportPorts,
  packs: readonly EntryPack[],
  entry: ObjectName,
): Promise<EngineError[]> {
  const problems: EngineError[] = []
  const wanted = packs.filter(({ record }) => !ports.index.hasPack(record.name))
  await forEachBounded(wanted, GETS_AT_ONCE, async ({ record, directory }) => {
    await collecting(problems, packName(record.name), entry, async () => {
      addPack(ports.index, record, directory ?? (await fetchDirectory(ports, record)))
    })
  })
  return problems
}

/** False when the segment can't be read. */
export async function importSegment(
  ports: ImportPorts,
  digest: Digest,
  entry: ObjectName,
): Promise<EngineError[]> {
  const problems: EngineError[] = []
  const object = segmentName(digest)
  await collecting(problems, object, entry, async () => {
    const bytes = await ports.store.get(object)
    checkDigest(bytes, digest, object)
    const body = openObject(
      sealingKeyOf(ports.keys, KIND_SEGMENT, bytes, object),
      KIND_SEGMENT,
      bytes,
      object,
    )
    for (const { record, directory } of decodeSegment(body, object).packs)
      addPack(ports.index, record, directory)
  })
  return problems
}

function addPack(index: ChunkIndex, record: PackRecord, directory: Bytes): void {
  if (index.hasPack(record.name)) return
  const object = packName(record.name)
  const frames = decodeDirectory(directory, object)
  checkDirectory(frames, record, object)
  index.addPack(record, frames)
}

async function fetchDirectory({ store, keys }: ImportPorts, record: PackRecord): Promise<Bytes> {
  const object = packName(record.name)
  const range = { offset: record.directoryOffset, length: record.directorySealedLength }
  const sealed = await store.get(object, range)
  const frame = {
    number: NUMBER_DIRECTORY,
    kind: FRAME_DIRECTORY,
    codec: record.directoryCodec,
    rawLength: record.directoryRawLength,
  }
  return openFrame(packSealer(keys, record, object), frame, sealed, { zstd: createZstd(), object })
}

/** Runs; what is wrong with this one object becomes a problem, anything else goes on up. */
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
        ? corrupt("object-missing", object, `not in the store, and ${entry} needs it`)
        : error,
    )
  }
}

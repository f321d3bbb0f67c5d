/** Keys, ids and blocks for tests of packs, with real sealing keys and seeded randomness. */
import { createHash } from "node:crypto"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName, RepositoryId } from "../base/ids.ts"
import { createZstd, type Zstd } from "../chunks/zstd.ts"
import type { RepositoryKeys, SealingKey } from "../crypto/derive.ts"
import { sealerFromSalt } from "../crypto/seal.ts"
import {
  checkDirectory,
  decodeDirectory,
  decodeLocator,
  LOCATOR_FRAME_BYTES,
  type DirectoryFrame,
} from "../format/pack.ts"
import {
  CODEC_STORED,
  CODEC_ZSTD,
  FRAME_DIRECTORY,
  FRAME_LOCATOR,
  KIND_PACK,
  NUMBER_DIRECTORY,
  NUMBER_LOCATOR,
} from "../format/sealed-header.ts"
import { openFrame, packSealer } from "../packs/open-pack.ts"
import type { SealedPack, SealTools } from "../packs/seal-pack.ts"
import { placedChunks } from "./example-packs.ts"
import { seededRandom } from "./seeded-random.ts"

const REPOSITORY = "0123456789abcdef0123456789abcdef" as RepositoryId
const SEALING: SealingKey = { epoch: 1, repository: REPOSITORY, key: new Uint8Array(32).fill(9) }
export const EXAMPLE_KEYS: RepositoryKeys = {
  repository: REPOSITORY,
  epoch: 1,
  sealing: [SEALING],
  chunkKey: new Uint8Array(32).fill(5),
  chunkerKey: new Uint8Array(32).fill(6),
}

export function sealTools(seed: string, zstd: Zstd = createZstd()): SealTools {
  return { sealing: SEALING, random: seededRandom(seed), zstd }
}

export function idOf(chunk: Uint8Array): Bytes {
  return new Uint8Array(createHash("sha256").update(chunk).digest())
}

export interface OpenedPack {
  readonly directory: DirectoryFrame[]
  readonly chunks: { kind: number; id: string; bytes: Buffer; frame: number }[]
}

/** Reads a pack as a stranger does: the locator at its end, the directory, every frame. */
export function openPack({ bytes, record }: SealedPack): OpenedPack {
  const object = "packs/00/example" as ObjectName
  const zstd = createZstd()
  const sealer = sealerFromSalt(SEALING, KIND_PACK, record.salt, object)
  const end = bytes.subarray(bytes.length - LOCATOR_FRAME_BYTES)
  const locatorInfo = { number: NUMBER_LOCATOR, kind: FRAME_LOCATOR, codec: CODEC_STORED, rawLength: 16 }
  const locator = decodeLocator(sealer.open(locatorInfo, end), bytes.length, object)
  const { directoryOffset, directorySealedLength, directoryRawLength, directoryCodec } = locator
  const sealed = bytes.subarray(directoryOffset, directoryOffset + directorySealedLength)
  const info = {
    number: NUMBER_DIRECTORY,
    kind: FRAME_DIRECTORY,
    codec: directoryCodec,
    rawLength: directoryRawLength,
  }
  const opened = sealer.open(info, sealed)
  const raw = directoryCodec === CODEC_ZSTD ? new Uint8Array(directoryRawLength) : opened
  if (directoryCodec === CODEC_ZSTD) zstd.decompress(raw, opened)
  const directory = decodeDirectory(raw, object)
  checkDirectory(directory, locator, object)
  const frames = new Map<number, Uint8Array>()
  const chunks = [...placedChunks(record, directory)].map(({ id, location }) => {
    const { frame, offset, length } = location
    const sealedFrame = bytes.subarray(frame.offset, frame.offset + frame.sealedLength)
    const block =
      frames.get(frame.number) ??
      openFrame(packSealer(EXAMPLE_KEYS, record, object), frame, sealedFrame, { zstd, object })
    frames.set(frame.number, block)
    const chunk = Buffer.from(block.subarray(offset, offset + length))
    return { kind: frame.kind, id: Buffer.from(id).toString("hex"), bytes: chunk, frame: frame.number }
  })
  return { directory, chunks }
}

/**
 * The pure stages of the write and read paths over one piece of data, each alone on one thread. The only file of
 * the benches that imports the engine's inside: a stage can't be timed through a whole backup.
 */
import { CHUNK_SIZES, FILE_CLASS, type FileClass } from "../../engine/chunks/classes.ts"
import { createCutter, gearTable } from "../../engine/chunks/cutter.ts"
import { createZstd } from "../../engine/chunks/zstd.ts"
import { chunkHasher, HASH_BLOCK_BYTES } from "../../engine/crypto/chunk-id.ts"
import { deriveSealingKey } from "../../engine/crypto/derive.ts"
import { newSealer, openSealer, type FrameInfo } from "../../engine/crypto/seal.ts"
import {
  CODEC_STORED,
  FRAME_DATA,
  KIND_PACK,
  SALT_BYTES,
  TAG_BYTES,
} from "../../engine/format/sealed-header.ts"
import type { RepositoryId } from "../../engine/base/ids.ts"

export interface Stage {
  readonly name: string
  /** Bytes that one call of `run` goes through. */
  readonly bytes: number
  readonly run: () => void
}

const blockBytes = 1_048_576

export function cutStage(data: Uint8Array, fileClass: FileClass): Stage {
  const sizes = CHUNK_SIZES[fileClass]
  const cutter = createCutter(gearTable(new Uint8Array(32)), data.length)
  cutter.memory.set(data, cutter.windowOffset)
  return {
    name: `cut, ${sizes.average / 1_024} KiB chunks`,
    bytes: data.length,
    run: () => void cutter.cut(data.length, sizes, true),
  }
}

export function idStage(data: Uint8Array, chunkBytes: number): Stage {
  const hasher = chunkHasher(new Uint8Array(32))
  const memory = new Uint8Array(HASH_BLOCK_BYTES + data.length)
  memory.set(data, HASH_BLOCK_BYTES)
  return {
    name: `id, ${chunkBytes / 1_024} KiB chunks`,
    bytes: data.length,
    run() {
      for (let offset = 0; offset + chunkBytes <= data.length; offset += chunkBytes) {
        hasher.idInPlace(memory, HASH_BLOCK_BYTES + offset, chunkBytes)
      }
    },
  }
}

/** Compression and decompression of blocks; both count raw bytes. */
export function zstdStages(data: Uint8Array, what: string): [Stage, Stage] {
  const zstd = createZstd()
  const room = new Uint8Array(zstd.bound(blockBytes))
  const raw = new Uint8Array(blockBytes)
  const blocks = blocksOf(data)
  const packed = blocks.map((block) => room.slice(0, zstd.compress(room, block)))
  const compress = {
    name: `${zstd.implementation} compress, ${what}`,
    bytes: data.length,
    run: () => blocks.forEach((block) => void zstd.compress(room, block)),
  }
  const decompress = {
    name: `${zstd.implementation} decompress, ${what}`,
    bytes: data.length,
    run: () =>
      packed.forEach((frame, number) => zstd.decompress(raw.subarray(0, at(blocks, number).length), frame)),
  }
  return [compress, decompress]
}

export function sealStages(data: Uint8Array): [Stage, Stage] {
  const repository = "00".repeat(16) as RepositoryId
  const keys = deriveSealingKey(new Uint8Array(32), repository, 1)
  const blocks = blocksOf(data)
  const out = new Uint8Array(blockBytes + TAG_BYTES)
  const frame = (number: number, block: Uint8Array): FrameInfo => {
    return { number, kind: FRAME_DATA, codec: CODEC_STORED, rawLength: block.length }
  }
  const sealer = newSealer(keys, KIND_PACK, new Uint8Array(SALT_BYTES))
  const sealed = blocks.map((block, number) => {
    const length = sealer.seal(frame(number, block), block, out, 0)
    return out.slice(0, length)
  })
  const opener = openSealer(keys, KIND_PACK, sealer.header, "bench")
  let salts = 0
  return [
    {
      name: "seal, 1 MiB frames",
      bytes: data.length,
      run() {
        const salt = new Uint8Array(SALT_BYTES).fill(++salts)
        const fresh = newSealer(keys, KIND_PACK, salt)
        blocks.forEach((block, number) => void fresh.seal(frame(number, block), block, out, 0))
      },
    },
    {
      name: "open, 1 MiB frames",
      bytes: data.length,
      run: () =>
        blocks.forEach((block, number) => void opener.open(frame(number, block), at(sealed, number))),
    },
  ]
}

export const cutClasses: readonly FileClass[] = [FILE_CLASS.small, FILE_CLASS.medium, FILE_CLASS.large]

function blocksOf(data: Uint8Array): Uint8Array[] {
  const count = Math.ceil(data.length / blockBytes)
  return Array.from({ length: count }, (_, index) =>
    data.subarray(index * blockBytes, (index + 1) * blockBytes),
  )
}

function at(list: readonly Uint8Array[], index: number): Uint8Array {
  const found = list[index]
  if (found === undefined) throw new Error(`no block ${index}`)
  return found
}

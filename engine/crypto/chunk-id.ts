/**
 * Chunk ids: HMAC-SHA-256 (RFC 2104) under one key per kind of chunk. Two one-shot hashes compute
 * it without an object per chunk and without a copy (measurements: spec/decisions/0001). The
 * chunking worker hashes every chunk; the read path verifies each one. spec/keys.md.
 */
import { hash } from "node:crypto"

import { assert } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId, type RepositoryId } from "../base/ids.ts"
import { asBuffer, type Bytes } from "../base/bytes.ts"
import { hkdf, idBytes, purpose } from "./derive.ts"

export type ChunkKind = "data" | "listing" | "chunk-list"

/** SHA-256's block. HMAC pads its key to this size, and `idInPlace` needs this much room. */
export const HASH_BLOCK_BYTES = 64

export interface ChunkHasher {
  id(bytes: Uint8Array): ChunkId
  /**
   * Returns the id of `memory[offset, offset + length)` without copying it. The id is in memory
   * that the next call overwrites. The 64 bytes before `offset` must exist and be writable; they
   * are overwritten with the key and then restored.
   */
  idInPlace(memory: Uint8Array, offset: number, length: number): ChunkId
  /**
   * Whether `id`, one character per byte, is the id of `memory[offset, offset + length)`. Copies
   * the chunk only if there are fewer than 64 bytes before it.
   */
  isId(id: string, memory: Uint8Array, offset: number, length: number): boolean
}

/** Returns the HMAC key of one kind. Separate keys prevent file data from passing as a listing. */
export function chunkIdKey(chunkKey: Uint8Array, repository: RepositoryId, kind: ChunkKind): Bytes {
  return hkdf({ key: chunkKey, salt: idBytes(repository), info: purpose(`chunk-id/${kind}`), length: 32 })
}

export function chunkHasher(key: Uint8Array): ChunkHasher {
  assert(key.length <= HASH_BLOCK_BYTES, "a key longer than a block would have to be hashed first")
  const inner = padKey(key, 0x36)
  const outer = Buffer.alloc(HASH_BLOCK_BYTES + CHUNK_ID_BYTES)
  outer.set(padKey(key, 0x5c))
  const saved = new Uint8Array(HASH_BLOCK_BYTES)
  const inPlace = Buffer.alloc(CHUNK_ID_BYTES)
  const inPlaceId = new Uint8Array(inPlace.buffer, inPlace.byteOffset, CHUNK_ID_BYTES) as ChunkId
  let scratch = new Uint8Array(HASH_BLOCK_BYTES + 64 * 1024)

  // as text, which node:crypto returns a microsecond faster than a buffer
  const digest = (memory: Uint8Array, offset: number, length: number): string => {
    const start = offset - HASH_BLOCK_BYTES
    assert(start >= 0 && offset + length <= memory.length, "no room before or behind the chunk")
    const view = memory.subarray(start, offset + length)
    saved.set(view.subarray(0, HASH_BLOCK_BYTES))
    view.set(inner)
    outer.write(hash("sha256", view, "binary"), HASH_BLOCK_BYTES, "latin1")
    view.set(saved)
    return hash("sha256", outer, "binary")
  }
  const copied = (bytes: Uint8Array): string => {
    const length = bytes.length
    if (HASH_BLOCK_BYTES + length > scratch.length) scratch = new Uint8Array(HASH_BLOCK_BYTES + length)
    scratch.set(bytes, HASH_BLOCK_BYTES)
    return digest(scratch, HASH_BLOCK_BYTES, length)
  }

  return {
    id: (bytes) => toId(copied(bytes)),
    idInPlace(memory, offset, length) {
      inPlace.write(digest(memory, offset, length), 0, "latin1")
      return inPlaceId
    },
    isId(id, memory, offset, length) {
      const found =
        offset < HASH_BLOCK_BYTES
          ? copied(memory.subarray(offset, offset + length))
          : digest(memory, offset, length)
      return found === id
    },
  }
}

function toId(digest: string): ChunkId {
  const id = new Uint8Array(CHUNK_ID_BYTES)
  asBuffer(id).write(digest, 0, "latin1")
  return id as ChunkId
}

function padKey(key: Uint8Array, pad: number): Bytes {
  const block = new Uint8Array(HASH_BLOCK_BYTES).fill(pad)
  for (let i = 0; i < key.length; i++) block[i] = pad ^ (key[i] ?? 0)
  return block
}

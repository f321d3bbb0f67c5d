/**
 * Chunk ids: HMAC-SHA-256 under a key for each kind of chunk, made of two one-shot hashes: no object
 * is made for a chunk and nothing is copied (spec/decisions/0001 has the figures). Used in the chunking
 * worker for every chunk, and by the read path to verify each one. spec/keys.md.
 */
import { hash } from "node:crypto"

import { assert } from "../base/assert.ts"
import { CHUNK_ID_BYTES, type ChunkId, type RepositoryId } from "../base/ids.ts"
import { asBuffer, type Bytes } from "../base/bytes.ts"
import { hkdf, idBytes, purpose } from "./derive.ts"

export type ChunkKind = "data" | "listing" | "chunk-list"

/** SHA-256's block: what an HMAC key is padded to, and the room that `idInPlace` needs. */
export const HASH_BLOCK_BYTES = 64

export interface ChunkHasher {
  id(bytes: Uint8Array): ChunkId
  /**
   * The id of `memory[offset, offset + length)` without copying it, itself in memory that the next call
   * overwrites. The 64 bytes before `offset` must be there and writable; they hold the key for a moment and
   * are then put back as they were.
   */
  idInPlace(memory: Uint8Array, offset: number, length: number): ChunkId
  /**
   * Whether `id`, a character a byte, is the id of `memory[offset, offset + length)`. No room is needed before
   * it; where it is there, nothing is copied, as above.
   */
  isId(id: string, memory: Uint8Array, offset: number, length: number): boolean
}

/** The HMAC key for one kind, so that file data can never pass for a listing. */
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

  // as text, which node:crypto hands over a microsecond cheaper than as a buffer
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

/** Whether a file on the disk has the content that a snapshot says, chunk by chunk, without the store. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { equalBytes } from "../base/bytes.ts"
import { CHUNK_ID_BYTES, type ChunkId } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import { chunkHasher, chunkIdKey, type ChunkHasher } from "../crypto/chunk-id.ts"
import type { Entry } from "../format/listing-entry.ts"
import { walkChunkList } from "../listing/chunk-list.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import type { Repository } from "../session/repository.ts"

export type CompareContent = (file: string, entry: Entry) => Promise<boolean>

const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** The first difference ends it. Rejects with what node:fs throws. */
export function contentComparer({ session, index }: Repository, loadLists: LoadNodes): CompareContent {
  const { keys } = session
  const hasher = chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "data"))
  return async (file, { content, size }) => {
    if (content === null) return false
    const fd = openSync(fsPath(file), OPEN_FLAGS)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile() || stat.size !== size) return false // it was replaced since it was looked at
      let offset = 0
      const isSame = (ids: Uint8Array): boolean => {
        for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
          const id = ids.subarray(at, at + CHUNK_ID_BYTES) as ChunkId
          const length = index.locate(id)?.length
          if (
            length === undefined ||
            offset + length > size ||
            !chunkStands(fd, { offset, length }, id, hasher)
          )
            return false
          offset += length
        }
        return true
      }
      if (content.chunks !== undefined) return isSame(content.chunks) && offset === size
      for await (const { ids } of walkChunkList(content.list, loadLists)) if (!isSame(ids)) return false
      return offset === size
    } finally {
      closeSync(fd)
    }
  }
}

let buffer = new Uint8Array(64 * 1024)

function chunkStands(
  fd: number,
  { offset, length }: { offset: number; length: number },
  id: ChunkId,
  hasher: ChunkHasher,
): boolean {
  if (length > buffer.length) buffer = new Uint8Array(length)
  let read = 0
  while (read < length) {
    const count = readSync(fd, buffer, read, length - read, offset + read)
    if (count === 0) return false
    read += count
  }
  return equalBytes(hasher.id(buffer.subarray(0, length)), id)
}

/**
 * The stages split → dedupe → block → pack for one thread, without messages: the worker thread and
 * the inline pool drive the same code. A file is opened, cut, identified and deduplicated here; its
 * new chunks go into this thread's packs. Files that change while they are read are read again.
 */
import { release, type Bytes } from "../../base/bytes.ts"
import { CHUNK_ID_BYTES, type ChunkId } from "../../base/ids.ts"
import type { Random } from "../../base/ports.ts"
import { createCutter, gearTable } from "../../chunks/cutter.ts"
import { createZstd } from "../../chunks/zstd.ts"
import { chunkHasher, chunkIdKey } from "../../crypto/chunk-id.ts"
import { openFolderChain } from "../../system/folder-chain.ts"
import { FRAME_CHUNK_LIST, FRAME_DATA } from "../../format/sealed-header.ts"
import { buildChunkList } from "../../listing/chunk-list.ts"
import { openClaims, type SharedClaims } from "./claims.ts"
import type { ClosedBlock, FullBlock } from "../../packs/block.ts"
import { createPackFiller, type OnBlock, type OnFull } from "../../packs/pack-filler.ts"
import { sealPack, type SealedPack } from "../../packs/seal-pack.ts"
import { splitFile, splitStream, type OnChunk } from "./split-file.ts"
import type { MadeChunk, SplitJob, SplitRead, SplitResult, SplitterKeys } from "./split-messages.ts"
import { readSteady, type ReadOnce } from "./steady-read.ts"

/** Ids up to this many stand in the listing entry itself; more make a chunk list. */
export const INLINE_CHUNKS_MAX = 8
const WINDOW_BYTES = 4 * 1024 * 1024
/** A longer file is told of while it is read, and other threads close blocks of it. */
const LONG_BYTES = 4 * WINDOW_BYTES

export interface SplitterPorts {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly random: Random
  /** Whether the repository has the chunk already; false for all when it is empty. */
  readonly isStored: (id: ChunkId) => boolean
  readonly onFull: OnFull
  /** So many more bytes of a long file were read; all of it comes off again when its result is there. */
  readonly onRead: (bytes: number) => void
  /** Asked with each full block of such a file; absent: this thread closes all. */
  readonly onBlock?: OnBlock
}

export interface Splitter {
  split(job: SplitJob): SplitResult
  /** The same for a stream; no other call until it has ended. */
  splitStream(stream: AsyncIterable<Uint8Array>): Promise<SplitRead>
  /** Stores chunks made elsewhere, which the caller has claimed. */
  add(chunks: readonly MadeChunk[]): void
  /** Closes a block that another thread has filled. */
  close(block: FullBlock): void
  /** Blocks that fill no pack of this thread. No file is read after this. */
  drain(): ClosedBlock[]
  /** Closes the folders that it holds open, if there was no `drain`. */
  end(): void
  seal(blocks: readonly ClosedBlock[], full: boolean, room?: Uint8Array): SealedPack
  readonly rawBytes: number
}

export function createSplitter(ports: SplitterPorts): Splitter {
  const { keys } = ports
  const cutter = createCutter(gearTable(keys.chunkerKey), WINDOW_BYTES)
  const hashers = {
    data: chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "data")),
    list: chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "chunk-list")),
  }
  const claims = openClaims(ports.claims)
  const tools = { sealing: keys.sealing, random: ports.random, zstd: createZstd() }
  /** The file that is being read takes long, and this thread alone reads it. */
  let isLong = false
  const filler = createPackFiller(tools, ports.onFull, (take) => isLong && ports.onBlock?.(take) === true)
  const isNew = (id: ChunkId): boolean => claims.claim(id) && !ports.isStored(id)

  const idRoom = growingRoom()
  const folders = openFolderChain()

  /** Collects what one file's chunks come to; one file after the other. */
  const collector = (): { onChunk: OnChunk; content(): { chunks: Bytes | null; list: Bytes | null } } => {
    const sizes: number[] = []
    return {
      onChunk(memory, offset, length, lane) {
        const id = hashers.data.idInPlace(memory, offset, length)
        const used = sizes.length * CHUNK_ID_BYTES
        idRoom(used + CHUNK_ID_BYTES).set(id, used)
        sizes.push(length)
        if (isNew(id)) filler.add(FRAME_DATA, lane, id, memory.subarray(offset, offset + length))
      },
      content() {
        const length = sizes.length * CHUNK_ID_BYTES
        const ids = idRoom(length).subarray(0, length)
        if (sizes.length <= INLINE_CHUNKS_MAX) return { chunks: ids.slice(), list: null }
        return { chunks: null, list: storeChunkList(ids, sizes) }
      },
    }
  }
  const storeChunkList = (ids: Bytes, sizes: number[]): Bytes =>
    buildChunkList(ids, sizes, {
      identify: (node) => hashers.list.id(node),
      emit: (id, node) => {
        if (isNew(id)) filler.add(FRAME_CHUNK_LIST, 0, id, node)
        release(node)
      },
    })
  const readOnce: ReadOnce = (fd, expectedBytes, previousClass) => {
    const file = collector()
    isLong = expectedBytes > LONG_BYTES
    const told = isLong ? toldWhileRead(file.onChunk, ports.onRead) : undefined
    try {
      const outcome = splitFile(fd, cutter, { expectedBytes, previousClass }, told?.onChunk ?? file.onChunk)
      return { ...outcome, ...file.content() }
    } finally {
      isLong = false
      told?.end()
    }
  }

  return {
    get rawBytes() {
      return filler.rawBytes
    },
    split: (job) => readSteady(job, folders, readOnce),
    async splitStream(stream) {
      const file = collector()
      const outcome = await splitStream(stream, cutter, file.onChunk)
      return { outcome: "read", ...outcome, ...file.content(), stat: null, xattrs: [] }
    },
    add(chunks) {
      for (const chunk of chunks) filler.add(chunk.kind, 0, chunk.id, chunk.bytes)
    },
    close: (block) => filler.close(block),
    drain() {
      folders.close()
      return filler.drain()
    },
    end: () => folders.close(),
    seal: (blocks, full, room) => sealPack(blocks, full, tools, room),
  }
}

/** Tells of a file's bytes, a window's worth at a time, and in the end that none of it is under way any more. */
function toldWhileRead(onChunk: OnChunk, onRead: (bytes: number) => void): { onChunk: OnChunk; end(): void } {
  let read = 0
  let told = 0
  return {
    onChunk(memory, offset, length, fileClass) {
      onChunk(memory, offset, length, fileClass)
      read += length
      if (read - told < WINDOW_BYTES) return
      onRead(read - told)
      told = read
    },
    end: () => onRead(-told),
  }
}

/** Memory of at least the length asked, which keeps what is in it. */
function growingRoom(): (lengthBytes: number) => Bytes {
  let memory: Bytes = new Uint8Array(1024)
  return (lengthBytes) => {
    if (lengthBytes <= memory.length) return memory
    const larger = new Uint8Array(Math.max(lengthBytes, memory.length * 2))
    larger.set(memory)
    memory = larger
    return memory
  }
}

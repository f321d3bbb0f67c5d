/**
 * The stages split → dedupe → block → pack for one thread, without messages: the worker thread and the
 * inline pool run the same code. Opens a file, cuts it, identifies each chunk and skips known ones; new
 * chunks go into this thread's packs. A file that changes while it is read is read again.
 */
import { release, type Bytes } from "../../base/bytes.ts"
import { CHUNK_ID_BYTES, type ChunkId } from "../../base/ids.ts"
import type { Random } from "../../base/ports.ts"
import { createCutter, gearTable } from "../../chunks/cutter.ts"
import { createZstd } from "../../chunks/zstd.ts"
import { type ChunkHasher, chunkHasher, chunkIdKey } from "../../crypto/chunk-id.ts"
import { INLINE_CHUNKS_MAX } from "../../base/listing-limits.ts"
import { FRAME_CHUNK_LIST, FRAME_DATA } from "../../format/sealed-header.ts"
import { buildChunkList } from "../../listing/chunk-list.ts"
import type { ClosedBlock, FullBlock } from "../../packs/block.ts"
import { createPackFiller, type OnBlock, type OnFull, type PackFiller } from "../../packs/pack-filler.ts"
import { sealPack, type SealedPack } from "../../packs/seal-pack.ts"
import { openFolderChain } from "../../system/folder-chain.ts"
import { openClaims, type SharedClaims } from "./claims.ts"
import { splitFile, splitStream, type OnChunk } from "./split-file.ts"
import type { MadeChunk, SplitJob, SplitRead, SplitResult, SplitterKeys } from "./split-messages.ts"
import { readSteady, type ReadOnce } from "./steady-read.ts"

const WINDOW_BYTES = 4 * 1024 * 1024
/** Longer files report progress while they are read, and idle threads may close their blocks. */
const LONG_BYTES = 4 * WINDOW_BYTES

export interface SplitterPorts {
  readonly keys: SplitterKeys
  readonly claims: SharedClaims
  readonly random: Random
  /** Whether the repository has the chunk already. */
  readonly isStored: (id: ChunkId) => boolean
  readonly onFull: OnFull
  /** Called with the bytes of a long file as they are read, and with their negative sum when its result is there. */
  readonly onRead: (bytes: number) => void
  /** Called with each full block of a long file; without it, this thread closes all blocks. */
  readonly onBlock?: OnBlock
}

export interface Splitter {
  split(job: SplitJob): SplitResult
  /** Splits a stream. Call nothing else until it has ended. */
  splitStream(stream: AsyncIterable<Uint8Array>): Promise<SplitRead>
  /** Stores chunks made elsewhere, which the caller has claimed. */
  add(chunks: readonly MadeChunk[]): void
  /** Closes a block that another thread has filled. */
  close(block: FullBlock): void
  /** Returns the blocks that are in no pack yet, and closes open folders. No file is read after this. */
  drain(): ClosedBlock[]
  /** Closes open folders, if `drain` was not called. */
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
  /** Whether the current file is long: this thread alone reads it, which takes a while. */
  let isLong = false
  const filler = createPackFiller(tools, ports.onFull, (take) => isLong && ports.onBlock?.(take) === true)
  const isNew = (id: ChunkId): boolean => claims.claim(id) && !ports.isStored(id)

  const collector = createCollector(hashers, isNew, filler)
  const folders = openFolderChain()

  const readOnce: ReadOnce = (fd, { expectedBytes, bytesMax }, previousClass) => {
    const file = collector()
    isLong = expectedBytes > LONG_BYTES
    const reported = isLong ? reportedWhileRead(file.onChunk, ports.onRead) : undefined
    try {
      const outcome = splitFile(
        fd,
        cutter,
        { expectedBytes, bytesMax, previousClass },
        reported?.onChunk ?? file.onChunk,
      )
      return { ...outcome, ...file.content() }
    } finally {
      isLong = false
      reported?.end()
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

/** Collects the IDs of one file's chunks, which are stored when they are new. */
interface Collector {
  readonly onChunk: OnChunk
  content(): Pick<SplitRead, "chunks" | "list">
}

/** Returns what makes a collector for each file. Files follow one another: they share memory for their IDs. */
function createCollector(
  hashers: { readonly data: ChunkHasher; readonly list: ChunkHasher },
  isNew: (id: ChunkId) => boolean,
  filler: PackFiller,
): () => Collector {
  const idRoom = growingRoom()
  const storeChunkList = (ids: Bytes, sizes: number[]): Bytes =>
    buildChunkList(ids, sizes, {
      identify: (node) => hashers.list.id(node),
      emit: (id, node) => {
        if (isNew(id)) filler.add(FRAME_CHUNK_LIST, 0, id, node)
        release(node)
      },
    })
  return () => {
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
}

/** Reports a file's bytes a window at a time, and takes all of them back at the end. */
function reportedWhileRead(
  onChunk: OnChunk,
  onRead: (bytes: number) => void,
): { onChunk: OnChunk; end(): void } {
  let read = 0
  let reported = 0
  return {
    onChunk(memory, offset, length, fileClass) {
      onChunk(memory, offset, length, fileClass)
      read += length
      if (read - reported < WINDOW_BYTES) return
      onRead(read - reported)
      reported = read
    },
    end: () => onRead(-reported),
  }
}

/** Returns memory of at least the given length, with its content kept when it grows. */
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

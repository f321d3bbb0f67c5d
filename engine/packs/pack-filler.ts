/**
 * Fills packs with chunks, in one thread: chunks go into blocks by kind, class and noise; closed blocks
 * collect in one staging buffer; a full staging buffer becomes a sealed pack. `drain` returns the
 * remaining blocks, so that the run's last packs are filled from all threads. Stands between
 * backup/split and seal-pack.ts.
 */
import { release } from "../base/bytes.ts"
import { FRAME_DATA } from "../format/sealed-header.ts"
import { PACK_BYTES } from "../format/pack.ts"
import {
  addChunk,
  BLOCK_BYTES,
  closeBlock,
  fits,
  isNoise,
  openBlock,
  openFull,
  takeFull,
  type ClosedBlock,
  type FullBlock,
  type OpenBlock,
} from "./block.ts"
import { emptyFill, sealPack, takesBlock, type SealedPack, type SealTools } from "./seal-pack.ts"

export interface PackFiller {
  /** Stores a chunk that the caller has claimed. `lane` keeps chunks of one file class together. */
  add(kind: number, lane: number, id: Uint8Array, chunk: Uint8Array): void
  /** Closes a block that another thread has filled. */
  close(block: FullBlock): void
  /** Closes the open blocks and returns all blocks that are in no pack yet, in shared memory. */
  drain(): ClosedBlock[]
  /** Raw bytes of all chunks added. */
  readonly rawBytes: number
}

/** Called with a full pack, which `seal` seals. May block first, to bound the memory of packs in flight. */
export type OnFull = (seal: (room?: Uint8Array) => SealedPack) => void

/** Called with a full block that may compress. Returns true when another thread closes the block that `take` moves out. */
export type OnBlock = (take: () => FullBlock) => boolean

/** Below this, closing a block here costs less than handing it over. */
const HANDED_BYTES_MIN = BLOCK_BYTES / 2

export function createPackFiller(
  tools: SealTools,
  onFull: OnFull,
  onBlock: OnBlock = () => false,
): PackFiller {
  const open = new Map<number, OpenBlock>()
  const scratch = new Uint8Array(BLOCK_BYTES)
  let staging: Uint8Array | undefined
  let used = 0
  let waiting: ClosedBlock[] = []
  let fill = emptyFill()
  let rawBytes = 0

  const empty = (): void => {
    waiting = []
    used = 0
    fill = emptyFill()
  }
  const close = (block: OpenBlock): void => {
    if (block.chunkCount === 0) return
    staging ??= new Uint8Array(new SharedArrayBuffer(PACK_BYTES + tools.zstd.bound(BLOCK_BYTES)))
    const closed = closeBlock(block, tools.zstd, staging.subarray(used), scratch)
    if (!takesBlock(fill, closed)) {
      onFull((room) => sealPack(waiting, true, tools, room))
      staging.copyWithin(0, used, used + closed.bytes.length)
      empty()
      takesBlock(fill, closed)
    }
    waiting.push({ ...closed, bytes: staging.subarray(used, used + closed.bytes.length) })
    used += closed.bytes.length
  }
  const handOver = (block: OpenBlock): boolean =>
    block.follows === "compressed" && block.rawLength >= HANDED_BYTES_MIN && onBlock(() => takeFull(block))

  return {
    get rawBytes() {
      return rawBytes
    },
    close(full) {
      close(openFull(full))
      release(full.raw)
    },
    add(kind, lane, id, chunk) {
      const noise = kind === FRAME_DATA && isNoise(chunk)
      const key = kind === FRAME_DATA ? 2 * lane + Number(noise) : -kind
      let block = open.get(key)
      if (block === undefined) {
        block = openBlock(kind, noise ? "stored" : "compressed")
        open.set(key, block)
      }
      if (!fits(block, chunk.length) && !handOver(block)) close(block)
      addChunk(block, id, chunk)
      rawBytes += chunk.length
    },
    drain() {
      for (const block of open.values()) {
        close(block)
        release(block.raw)
      }
      open.clear()
      const left = waiting
      staging = undefined
      empty()
      return left
    },
  }
}

/**
 * From chunks to packs, inside one thread: chunks fill blocks by kind and class, noise apart, closed blocks wait
 * in one staging buffer, and a full staging buffer becomes a sealed pack. What is left at the end
 * is handed over as closed blocks, so that the run's last packs are filled from all threads.
 */
import { release } from "../base/bytes.ts"
import { FRAME_DATA } from "../format/sealed-header.ts"
import { PACK_BYTES } from "../format/pack.ts"
import {
  addChunk,
  BLOCK_BYTES,
  closeBlock,
  fits,
  openBlock,
  openFull,
  takeFull,
  type ClosedBlock,
  type FullBlock,
  type OpenBlock,
} from "./block.ts"
import { isNoise } from "./noise.ts"
import { emptyFill, sealPack, takesBlock, type SealedPack, type SealTools } from "./seal-pack.ts"

export interface PackFiller {
  /** Stores a chunk that nobody else stores. `lane` keeps chunks of one file class together. */
  add(kind: number, lane: number, id: Uint8Array, chunk: Uint8Array): void
  /** Closes a block that another thread has filled. */
  close(block: FullBlock): void
  /** Closes the open blocks and hands over all that waits, in memory that any thread can read. */
  drain(): ClosedBlock[]
  /** Raw bytes of all chunks added. */
  readonly rawBytes: number
}

/** Asked to seal a pack: whoever bounds the memory of packs under way waits before it does. */
export type OnFull = (seal: (room?: Uint8Array) => SealedPack) => void

/** Asked with a block that may well compress: true when another thread is going to close what `take` takes out of it. */
export type OnBlock = (take: () => FullBlock) => boolean

/** Less is closed sooner than handed over. */
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

/** Groups blocks into packs, in order: all but the last are as full as their blocks allow. */
export function groupIntoPacks(blocks: readonly ClosedBlock[]): ClosedBlock[][] {
  const groups: ClosedBlock[][] = []
  let fill = emptyFill()
  for (const block of blocks) {
    const group = groups.at(-1)
    if (group !== undefined && takesBlock(fill, block)) {
      group.push(block)
      continue
    }
    fill = emptyFill()
    takesBlock(fill, block)
    groups.push([block])
  }
  return groups
}

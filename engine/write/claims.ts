/**
 * Which chunks this run has already met, shared by all worker threads: an open-addressing set of
 * ids in shared memory. Whoever claims an id first stores the chunk; everybody else refers to it.
 * It grows by segments of doubling size, so that a small run touches little memory. Two threads
 * that race over the edge of a segment may both claim one id: the chunk is then stored twice, which
 * costs its bytes and nothing else.
 */
import { CHUNK_ID_BYTES } from "../base/ids.ts"

const WORDS_PER_SLOT = 8 // state, then 28 bytes of the id: 224 bits of a keyed hash
const ID_WORDS = WORDS_PER_SLOT - 1
const EMPTY = 0
const BUSY = 1
const READY = 2

const FIRST_SEGMENT_BITS = 13
const SEGMENTS_MAX = 14 // 2^13 … 2^26 slots: more chunks than a run may have before it commits

export interface SharedClaims {
  /** One buffer a segment; all are reserved, and the system gives memory only to those touched. */
  readonly segments: SharedArrayBuffer[]
  /** Int32 count of used slots for each segment. */
  readonly counts: SharedArrayBuffer
}

export interface Claims {
  /** True the first time that anybody in this run shows this id. */
  claim(id: Uint8Array): boolean
}

export function shareClaims(): SharedClaims {
  const segments: SharedArrayBuffer[] = []
  for (let i = 0; i < SEGMENTS_MAX; i++) {
    segments.push(new SharedArrayBuffer(0, { maxByteLength: slotsOf(i) * WORDS_PER_SLOT * 4 }))
  }
  return { segments, counts: new SharedArrayBuffer(SEGMENTS_MAX * 4) }
}

const slotsOf = (segment: number): number => 2 ** (FIRST_SEGMENT_BITS + segment)

export function openClaims(shared: SharedClaims): Claims {
  const counts = new Int32Array(shared.counts)
  const views: Int32Array[] = []
  /** The whole id; its last word is not compared. */
  const key = new Int32Array(CHUNK_ID_BYTES / 4)
  const keyBytes = new Uint8Array(key.buffer)
  let current = 0

  const view = (segment: number): Int32Array => {
    let words = views[segment]
    if (words === undefined) {
      const buffer = shared.segments[segment] as SharedArrayBuffer // segment < SEGMENTS_MAX
      if (buffer.byteLength === 0) buffer.grow(buffer.maxByteLength)
      words = new Int32Array(buffer, 0, slotsOf(segment) * WORDS_PER_SLOT)
      views[segment] = words
    }
    return words
  }

  return {
    claim(id) {
      keyBytes.set(id)
      while (current < SEGMENTS_MAX - 1 && Atomics.load(counts, current) > slotsOf(current) * 0.6) current++
      for (let segment = 0; segment < current; segment++) {
        if (visit(view(segment), key, false)) return false
      }
      if (visit(view(current), key, true)) return false
      Atomics.add(counts, current, 1)
      return true
    },
  }
}

/** True when the key is there. With `take`, an absent key is put in. */
function visit(words: Int32Array, key: Int32Array, take: boolean): boolean {
  const slots = words.length / WORDS_PER_SLOT
  let slot = (key[0] as number) & (slots - 1)
  for (;;) {
    const at = slot * WORDS_PER_SLOT
    let state = Atomics.load(words, at)
    if (state === EMPTY) {
      if (!take) return false
      state = Atomics.compareExchange(words, at, EMPTY, BUSY)
      if (state === EMPTY) {
        for (let i = 0; i < ID_WORDS; i++) words[at + 1 + i] = key[i] as number
        Atomics.store(words, at, READY)
        return false
      }
    }
    while (state === BUSY) state = Atomics.load(words, at) // the other thread is writing 28 bytes
    if (sameKey(words, at + 1, key)) return true
    slot = (slot + 1) & (slots - 1)
  }
}

function sameKey(words: Int32Array, at: number, key: Int32Array): boolean {
  for (let i = 0; i < ID_WORDS; i++) if (words[at + i] !== key[i]) return false
  return true
}

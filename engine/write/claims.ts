/**
 * Which chunks this run has already met, shared by all worker threads: an open-addressing set of
 * ids in shared memory. Whoever claims an id first stores the chunk; everybody else refers to it.
 * It grows by segments of doubling size, so that a small run touches little memory. Two threads
 * that race over the edge of a segment may both claim one id: the chunk is then stored twice, which
 * costs its bytes and nothing else. So does an id that comes again after 160 million others.
 */
import { CHUNK_ID_BYTES } from "../base/ids.ts"

const WORDS_PER_SLOT = 4 // 16 bytes of the id, less the bit below: 127 bits of a keyed hash
/** States of a slot, in its first word. Every id has the bit TAKEN there, so that none is mistaken for another state. */
const EMPTY = 0
const BUSY = 1
const TAKEN = 2

const FIRST_SEGMENT_BITS = 13
const SEGMENTS_MAX = 15 // 2^13 … 2^27 slots, 4 GiB
const FULL = 0.6

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

export function shareClaims(segmentsMax: number = SEGMENTS_MAX): SharedClaims {
  const segments: SharedArrayBuffer[] = []
  for (let i = 0; i < segmentsMax; i++) {
    segments.push(new SharedArrayBuffer(0, { maxByteLength: slotsOf(i) * WORDS_PER_SLOT * 4 }))
  }
  return { segments, counts: new SharedArrayBuffer(segmentsMax * 4) }
}

const slotsOf = (segment: number): number => 2 ** (FIRST_SEGMENT_BITS + segment)

export function openClaims(shared: SharedClaims): Claims {
  const counts = new Int32Array(shared.counts)
  const segmentsMax = counts.length
  const views: Int32Array[] = []
  /** The whole id; what a slot has no room for is not compared. */
  const key = new Int32Array(CHUNK_ID_BYTES / 4)
  const keyBytes = new Uint8Array(key.buffer)
  let current = 0

  const view = (segment: number): Int32Array => {
    let words = views[segment]
    if (words === undefined) {
      const buffer = shared.segments[segment] as SharedArrayBuffer // below segmentsMax
      if (buffer.byteLength === 0) buffer.grow(buffer.maxByteLength)
      words = new Int32Array(buffer, 0, slotsOf(segment) * WORDS_PER_SLOT)
      views[segment] = words
    }
    return words
  }

  return {
    claim(id) {
      keyBytes.set(id)
      key[0] = (key[0] as number) | TAKEN
      while (current < segmentsMax && Atomics.load(counts, current) > slotsOf(current) * FULL) current++
      for (let segment = 0; segment < current; segment++) {
        if (visit(view(segment), key, false)) return false
      }
      if (current === segmentsMax) return true
      if (visit(view(current), key, true)) return false
      Atomics.add(counts, current, 1)
      return true
    },
  }
}

/** True when the key is there. With `take`, an absent key is put in. */
function visit(words: Int32Array, key: Int32Array, take: boolean): boolean {
  const slots = words.length / WORDS_PER_SLOT
  const first = key[0] as number
  // not of the word with the bit that all ids have
  let slot = (key[1] as number) & (slots - 1)
  for (;;) {
    const at = slot * WORDS_PER_SLOT
    let found = Atomics.load(words, at)
    if (found === EMPTY) {
      if (!take) return false
      found = Atomics.compareExchange(words, at, EMPTY, BUSY)
      if (found === EMPTY) {
        for (let i = 1; i < WORDS_PER_SLOT; i++) words[at + i] = key[i] as number
        Atomics.store(words, at, first)
        return false
      }
    }
    while (found === BUSY) found = Atomics.load(words, at) // the other thread is writing 12 bytes
    if (found === first && sameRest(words, at, key)) return true
    slot = (slot + 1) & (slots - 1)
  }
}

function sameRest(words: Int32Array, at: number, key: Int32Array): boolean {
  for (let i = 1; i < WORDS_PER_SLOT; i++) if (words[at + i] !== key[i]) return false
  return true
}

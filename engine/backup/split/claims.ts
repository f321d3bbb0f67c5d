/**
 * The chunks that this run has met, for dedupe within the run: a set of chunk IDs in memory that all
 * splitting threads share. The first thread to claim an ID stores the chunk; all others refer to it. The set
 * grows by segments, each four times as large, so a small run touches little memory. A segment has a list of
 * IDs in order of their claims and a hash table of positions in that list (open addressing, linear probing).
 * Two threads that race at the end of a segment may both claim an ID, and so may an ID that returns after
 * 100 million others: the chunk is then stored twice, which costs only its bytes.
 */
import { CHUNK_ID_BYTES } from "../../base/ids.ts"

/** The set keeps 16 bytes of each ID, 128 bits of a keyed hash. */
const ID_WORDS = 4
/** A slot has 4 bits of the ID, which saves most comparisons, and the ID's position in the list, counted from one. */
const TAG = 0xf0000000
const POSITION = 0x0fffffff
const EMPTY = 0

const FIRST_SEGMENT_BITS = 13
/** Each segment has four times the slots of the one before. A look-up searches all of them, so there are few. */
const GROWTH_BITS = 2
const SEGMENTS_MAX = 8 // 2^13 … 2^27 slots, 2.3 GiB
const FULL = 0.6
/** Room for threads that find a segment not quite full at the same time, and for lost races for a slot. */
const SPARE_IDS = 1024

export interface SharedClaims {
  /** The slots and IDs of each segment. All are reserved; only touched ones take memory. */
  readonly segments: SharedArrayBuffer[]
  /** The number of IDs in each segment, as Int32. */
  readonly counts: SharedArrayBuffer
}

export interface Claims {
  /** True for the first claim of this ID in the run. */
  claim(id: Uint8Array): boolean
}

export function shareClaims(segmentsMax: number = SEGMENTS_MAX): SharedClaims {
  const segments: SharedArrayBuffer[] = []
  for (let i = 0; i < segmentsMax; i++) {
    segments.push(new SharedArrayBuffer(0, { maxByteLength: (slotsOf(i) + idsMaxOf(i) * ID_WORDS) * 4 }))
  }
  return { segments, counts: new SharedArrayBuffer(segmentsMax * 4) }
}

const slotsOf = (segment: number): number => 2 ** (FIRST_SEGMENT_BITS + segment * GROWTH_BITS)
const fullAt = (segment: number): number => Math.floor(slotsOf(segment) * FULL)
const idsMaxOf = (segment: number): number => fullAt(segment) + SPARE_IDS

interface Segment {
  readonly slots: Int32Array
  readonly ids: Int32Array
}

export function openClaims(shared: SharedClaims): Claims {
  const counts = new Int32Array(shared.counts)
  const opened: Segment[] = []
  /** The whole ID; only its first 16 bytes are compared. */
  const key = new Int32Array(CHUNK_ID_BYTES / 4)
  const keyBytes = new Uint8Array(key.buffer)
  let current = 0

  const open = (number: number): Segment => {
    let segment = opened[number]
    if (segment === undefined) {
      const buffer = shared.segments[number] as SharedArrayBuffer // below the count of segments
      if (buffer.byteLength === 0) buffer.grow(buffer.maxByteLength)
      const slots = slotsOf(number)
      segment = {
        slots: new Int32Array(buffer, 0, slots),
        ids: new Int32Array(buffer, slots * 4, idsMaxOf(number) * ID_WORDS),
      }
      opened[number] = segment
    }
    return segment
  }
  /** Returns the ID's slot, or -1 - slot for the free slot where it belongs. */
  const find = ({ slots, ids }: Segment): number => {
    const tag = (key[0] as number) & TAG
    let slot = (key[1] as number) & (slots.length - 1)
    for (;;) {
      const found = Atomics.load(slots, slot)
      if (found === EMPTY) return -1 - slot
      if ((found & TAG) === tag && isKey(ids, ((found & POSITION) - 1) * ID_WORDS)) return slot
      slot = (slot + 1) & (slots.length - 1)
    }
  }
  const isKey = (ids: Int32Array, at: number): boolean => {
    for (let i = 0; i < ID_WORDS; i++) if (ids[at + i] !== key[i]) return false
    return true
  }

  return {
    claim(id) {
      keyBytes.set(id)
      while (current < counts.length && Atomics.load(counts, current) >= fullAt(current)) current++
      for (let number = 0; number < current; number++) if (find(open(number)) >= 0) return false
      if (current === counts.length) return true
      const segment = open(current)
      let slot = find(segment)
      if (slot >= 0) return false
      // the ID is in the list before a slot names it
      const position = Atomics.add(counts, current, 1)
      if (position >= idsMaxOf(current)) return true
      for (let i = 0; i < ID_WORDS; i++) segment.ids[position * ID_WORDS + i] = key[i] as number
      const named = ((key[0] as number) & TAG) | (position + 1)
      while (slot < 0) {
        if (Atomics.compareExchange(segment.slots, -1 - slot, EMPTY, named) === EMPTY) return true
        slot = find(segment) // another thread took it, for this id or another
      }
      return false
    },
  }
}

/**
 * Sorted runs of chunk keys, 8 bytes per chunk: they say which frames may have a chunk. Pure.
 * `key-table.ts` stores them in SQLite and searches them in memory. spec/decisions/0004-sqlite-index.md.
 *
 *     run   = entry … in rising order, in the machine's byte order
 *     entry = u64: first 36 bits of the chunk id ‖ frame reference, 28 bits
 *
 * Ids are keyed hashes, so keys are uniform and a search starts by interpolation. A key proves nothing:
 * several entries may match, and the caller compares all 32 bytes with the frame's ids.
 */
import { assert } from "../base/errors.ts"
import { release } from "../base/bytes.ts"
import { CHUNK_ID_BYTES } from "../base/ids.ts"

/**
 * Two words per entry: low (4 bits of the id, 28 of the frame), high (the id's first 32 bits).
 * Threads may share one.
 */
export type KeyRun = Uint32Array

export const FRAME_REFERENCE_MAX: number = 2 ** 28 - 1

const LOW_KEY_MASK = 0xf0000000
/** In entries: 64 bytes, one cache line. */
const FIRST_STEP = 8
const FRAME_MASK = 0x0fffffff
const TWO_32 = 2 ** 32

assert(new Uint8Array(new Uint32Array([1]).buffer)[0] === 1, "a little-endian machine")

export function runLength(run: KeyRun): number {
  return run.length / 2
}

/** Returns the run of one pack. Frame i of `frameIds` has the reference `firstReference + i`. */
export function runOfFrames(frameIds: readonly Uint8Array[], firstReference: number): KeyRun {
  assert(firstReference + frameIds.length - 1 <= FRAME_REFERENCE_MAX, "frame references fit 28 bits")
  const chunks = frameIds.reduce((sum, ids) => sum + ids.length / CHUNK_ID_BYTES, 0)
  const run: KeyRun = new Uint32Array(chunks * 2)
  let word = 0
  for (const [i, ids] of frameIds.entries()) {
    const view = new DataView(ids.buffer, ids.byteOffset, ids.length)
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      run[word++] = (((ids[at + 4] as number) << 24) & LOW_KEY_MASK) | (firstReference + i)
      run[word++] = view.getUint32(at)
    }
  }
  new BigUint64Array(run.buffer).sort()
  return run
}

/** Entries of one stored part, 512 KiB. Runs are stored and merged in parts. */
export const PART_ENTRIES: number = 64 * 1024

/**
 * Merges two runs part by part, with one part of each in memory. Drops the entries of frames that
 * `keep` refuses. A part is valid until the next one is read.
 */
export function* mergeRuns(
  a: Iterable<KeyRun>,
  b: Iterable<KeyRun>,
  keep?: (reference: number) => boolean,
): Generator<KeyRun, void, undefined> {
  const [nextOfA, nextOfB] = [partsOf(a), partsOf(b)]
  const merged: KeyRun = new Uint32Array(PART_ENTRIES * 2)
  let [left, right] = [nextOfA(), nextOfB()]
  let i = 0
  let j = 0
  let to = 0
  while (left.length > 0 || right.length > 0) {
    const fromA = right.length === 0 || (left.length > 0 && isBefore(left, i, right, j))
    const low = fromA ? (left[i] as number) : (right[j] as number)
    const high = fromA ? (left[i + 1] as number) : (right[j + 1] as number)
    if (fromA) {
      i += 2
      if (i === left.length) [left, i] = [nextOfA(), 0]
    } else {
      j += 2
      if (j === right.length) [right, j] = [nextOfB(), 0]
    }
    if (keep !== undefined && !keep(low & FRAME_MASK)) continue
    merged[to++] = low
    merged[to++] = high
    if (to < merged.length) continue
    yield merged
    to = 0
  }
  if (to > 0) yield merged.subarray(0, to)
  release(merged) // a long run merges thousands of times
}

const ENDED: KeyRun = new Uint32Array(0)

/** Returns a function that returns the next non-empty part, and an empty one at the end. */
function partsOf(run: Iterable<KeyRun>): () => KeyRun {
  const parts = run[Symbol.iterator]()
  return () => {
    for (;;) {
      const next = parts.next()
      if (next.done === true) return ENDED
      if (next.value.length > 0) return next.value
    }
  }
}

function isBefore(a: KeyRun, i: number, b: KeyRun, j: number): boolean {
  const highA = a[i + 1] as number
  const highB = b[j + 1] as number
  return highA !== highB ? highA < highB : (a[i] as number) <= (b[j] as number)
}

/**
 * Returns the position of the first entry with the id's key, or -1. `nextCandidate` finds the
 * entries that follow.
 */
function firstCandidate(run: KeyRun, id: Uint8Array): number {
  const entries = run.length / 2
  if (entries === 0) return -1
  const high =
    (((id[0] as number) << 24) | ((id[1] as number) << 16) | ((id[2] as number) << 8) | (id[3] as number)) >>>
    0
  const low = (((id[4] as number) << 24) & LOW_KEY_MASK) >>> 0
  const first = Math.floor((high / TWO_32) * entries)
  const guess = closer(run, high, first)
  let left = stepDown(run, high, guess)
  let right = stepUp(run, high, guess)
  while (left < right) {
    const middle = (left + right) >>> 1
    const found = run[middle * 2 + 1] as number
    if (found < high || (found === high && (run[middle * 2] as number) < low)) left = middle + 1
    else right = middle
  }
  if (left >= entries || run[left * 2 + 1] !== high) return -1
  return ((run[left * 2] as number) & LOW_KEY_MASK) >>> 0 === low ? left : -1
}

/** Returns a position at or below `guess` with no entry of this high word before it. */
function stepDown(run: KeyRun, high: number, guess: number): number {
  let step = FIRST_STEP
  let at = guess
  while (at > 0 && (run[at * 2 + 1] as number) >= high) {
    at = Math.max(0, at - step)
    step *= 2
  }
  return at
}

/** Returns a position at or above `guess` with no entry of this high word at or after it. */
function stepUp(run: KeyRun, high: number, guess: number): number {
  const entries = run.length / 2
  let step = FIRST_STEP
  let at = guess
  while (at < entries && (run[at * 2 + 1] as number) <= high) {
    at = Math.min(entries, at + step)
    step *= 2
  }
  return at
}

/**
 * Improves a guess. Uniform keys deviate from their interpolated position by about half the square
 * root of the count, hundreds in a large run. A second guess from the entry at the first one
 * deviates by the square root of that.
 */
function closer(run: KeyRun, high: number, guess: number): number {
  const entries = run.length / 2
  const missing = (high - (run[guess * 2 + 1] as number)) / TWO_32
  return Math.min(entries - 1, Math.max(0, guess + Math.round(missing * entries)))
}

/** Returns the next position with the same key, or -1. */
function nextCandidate(run: KeyRun, position: number): number {
  const at = position * 2
  if (at + 3 >= run.length || run[at + 3] !== run[at + 1]) return -1
  return (((run[at + 2] as number) ^ (run[at] as number)) & LOW_KEY_MASK) === 0 ? position + 1 : -1
}

function referenceAt(run: KeyRun, position: number): number {
  return (run[position * 2] as number) & FRAME_MASK
}

/**
 * Searches several runs. Returns references of frames that may have the chunk, oldest first, in an
 * array that is reused.
 */
export function candidateSearch(): (runs: Iterable<KeyRun>, id: Uint8Array) => readonly number[] {
  const found: number[] = []
  return (runs, id) => {
    found.length = 0
    for (const run of runs) {
      for (let at = firstCandidate(run, id); at >= 0; at = nextCandidate(run, at))
        found.push(referenceAt(run, at))
    }
    return found.length < 2 ? found : found.sort((a, b) => a - b)
  }
}

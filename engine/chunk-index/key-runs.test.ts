import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { test } from "node:test"
import * as fc from "fast-check"
import {
  candidateSearch,
  FRAME_REFERENCE_MAX,
  type KeyRun,
  mergeRuns,
  PART_ENTRIES,
  runLength,
  runOfFrames,
} from "./key-runs.ts"

function candidates(run: KeyRun, id: Uint8Array): number[] {
  return [...candidateSearch()([run], id)]
}

/** The naive twin: same first 36 bits. */
function expected(frames: readonly Uint8Array[], id: Uint8Array, first = 0): number[] {
  return frames.flatMap((ids, frame) => {
    const matches: number[] = []
    for (let at = 0; at < ids.length; at += 32) {
      const same = ids.subarray(at, at + 4).every((byte, i) => byte === id[i])
      if (same && (ids[at + 4] as number) >> 4 === (id[4] as number) >> 4) matches.push(frame + first)
    }
    return matches
  })
}

const clusteredId = fc
  .tuple(fc.constantFrom(0, 1, 127, 128, 255), fc.constantFrom(0, 255), fc.nat(1), fc.nat(2), fc.nat(40))
  .map((head) => new Uint8Array([...head, ...new Uint8Array(27)]))

test("candidateSearch() finds what a scan finds, for clustered keys", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(clusteredId, { maxLength: 12 }), { maxLength: 12 }),
      clusteredId,
      (lists, id) => {
        const frames = lists.map((ids) => new Uint8Array(Buffer.concat(ids)))
        const run = runOfFrames(frames, 0)
        assert.deepEqual(candidates(run, id), expected(frames, id))
        for (const ids of lists.flat()) assert.deepEqual(candidates(run, ids), expected(frames, ids))
      },
    ),
  )
})

test("candidateSearch() finds every one of many uniform keys", () => {
  const ids = randomBytes(32 * 20_000)
  const run = runOfFrames([ids], FRAME_REFERENCE_MAX)
  for (let at = 0; at < ids.length; at += 32) {
    assert.ok(candidates(run, ids.subarray(at, at + 32)).includes(FRAME_REFERENCE_MAX))
  }
})

function whole(parts: Iterable<KeyRun>): KeyRun {
  return new Uint32Array(Array.from(parts, (part) => [...part]).flat())
}

/** In three parts, one of them empty. */
function cut(run: KeyRun): KeyRun[] {
  const middle = 2 * Math.floor(run.length / 4)
  return [run.subarray(0, middle), new Uint32Array(0), run.subarray(middle)]
}

test("mergeRuns() yields full parts of large runs, except the last", () => {
  const ids = [randomBytes(32 * 70_000), randomBytes(32 * 90_000)] as const
  const merged: number[][] = []
  const lengths: number[] = []
  for (const part of mergeRuns([runOfFrames([ids[0]], 0)], [runOfFrames([ids[1]], 1)])) {
    lengths.push(runLength(part))
    merged.push([...part])
  }
  assert.deepEqual(lengths, [PART_ENTRIES, PART_ENTRIES, 160_000 - 2 * PART_ENTRIES])
  assert.deepEqual(new Uint32Array(merged.flat()), runOfFrames([...ids], 0))
})

test("mergeRuns() yields the run of all frames together", () => {
  fc.assert(
    fc.property(
      fc.array(clusteredId, { maxLength: 30 }),
      fc.array(clusteredId, { maxLength: 30 }),
      (left, right) => {
        const a = new Uint8Array(Buffer.concat(left))
        const b = new Uint8Array(Buffer.concat(right))
        const merged = whole(mergeRuns([runOfFrames([a], 0)], cut(runOfFrames([b], 1))))
        assert.deepEqual(merged, runOfFrames([a, b], 0))
      },
    ),
  )
})

test("mergeRuns() drops the entries of frames that aren't kept", () => {
  const frames = [randomBytes(320), randomBytes(320), randomBytes(320)]
  const kept = whole(mergeRuns([runOfFrames(frames, 0)], [], (reference) => reference !== 1))
  assert.equal(runLength(kept), 20)
  assert.deepEqual(candidates(kept, frames[1] as Uint8Array), [])
  assert.deepEqual(candidates(kept, frames[2] as Uint8Array), [2])
})

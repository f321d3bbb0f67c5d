import assert from "node:assert/strict"
import { test } from "node:test"
import { anyFailed } from "./failures.ts"
import type { BenchResult } from "./sample.ts"

/** By peer, the result of its restore in each repetition. */
function resultOf(restored: Readonly<Record<string, readonly string[]>>): BenchResult {
  const kept = { bytes: 1, objects: 1, newBytes: 0, newObjects: 0, restoredDiskBytes: 1, requests: {} }
  const stored = Object.entries(restored).flatMap(([peer, runs]) =>
    runs.map((found, run) => ({ peer, run, restored: found, ...kept })),
  )
  const about = {
    title: "",
    about: "",
    sourceBytes: 1,
    sourceFiles: 1,
    cold: false,
    states: 1,
    statesWhole: 1,
  }
  const machine = {
    date: "",
    commit: "",
    cpu: "",
    cores: 2,
    memoryBytes: 0,
    kernel: "",
    node: "",
    loadBefore: 0,
  }
  return { machine, peers: {}, scenarios: [{ scenario: "one", ...about, samples: [], stored }] }
}

const aborted = "FAILED with exit code 134"

test("anyFailed() is true for an own restore that isn't the source, in any repetition", () => {
  assert.equal(anyFailed(resultOf({ holdfast: ["exact", "exact"], restic: ["16 mtime", "exact"] })), false)
  assert.equal(anyFailed(resultOf({ holdfast: ["exact", "1 missing"] })), true)
  assert.equal(anyFailed(resultOf({ holdfast: ["exact", aborted] })), true)
})

test("anyFailed() is true for a peer that came through no repetition, not for one that once failed", () => {
  assert.equal(anyFailed(resultOf({ holdfast: ["exact", "exact"], rustic: ["exact", aborted] })), false)
  assert.equal(anyFailed(resultOf({ holdfast: ["exact", "exact"], rustic: [aborted, aborted] })), true)
})

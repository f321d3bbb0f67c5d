import assert from "node:assert/strict"
import { test } from "node:test"
import { bestPeer, median, pairedRatio, rowsOf, type Row } from "./rows.ts"
import type { BenchResult, Sample, ScenarioResult, Stored } from "./sample.ts"
import { format, scenarioTable } from "./table.ts"
import { judge, type Target } from "./targets.ts"

function sample(peer: string, run: number, seconds: number): Sample {
  return { peer, run, work: "first", seconds, cpuSeconds: seconds / 2, peakBytes: 2 ** 20 * run }
}

function stored(peer: string, run: number, bytes: number): Stored {
  return {
    peer,
    run,
    bytes,
    objects: 3,
    newBytes: 0,
    newObjects: 0,
    restored: "exact",
    restoredDiskBytes: 0,
    requests: {},
  }
}

const result: ScenarioResult = {
  scenario: "small",
  title: "Small",
  about: "a few files",
  sourceBytes: 1e6,
  sourceFiles: 10,
  cold: false,
  states: 1,
  statesWhole: 1,
  samples: [
    ...[1, 2, 9].map((seconds, run) => sample("holdfast", run, seconds)),
    ...[2, 5, 10].map((seconds, run) => sample("kopia", run, seconds)),
    ...[3, 4, 20].map((seconds, run) => sample("restic", run, seconds)),
  ],
  stored: [
    { ...stored("holdfast", 0, 5e6), requests: { put: 3, list: 4, bytesUp: 1e6 } },
    stored("kopia", 0, 1e7),
    stored("restic", 0, 9e6),
  ],
}

const bench: BenchResult = {
  machine: {
    date: "2026-01-01",
    commit: "none",
    cpu: "x",
    cores: 2,
    memoryBytes: 0,
    kernel: "Linux",
    node: "24",
    loadBefore: 0,
  },
  peers: { holdfast: "1", kopia: "2", restic: "3" },
  scenarios: [result],
}

function row(key: string): Row {
  const found = rowsOf(result).find((each) => each.key === key)
  assert.ok(found)
  return found
}

test("median() takes the middle, or the mean of the two middle ones", () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.ok(Number.isNaN(median([])))
})

test("bestPeer() never is the project itself", () => {
  assert.equal(bestPeer(row("first.seconds")), "restic")
})

test("rowsOf() adds up the requests of peers that report them, without the bytes", () => {
  assert.deepEqual([...row("requests").values], [["holdfast", [7]]])
})

test("pairedRatio() is the median of the ratios, not the ratio of the medians", () => {
  assert.equal(pairedRatio(row("first.seconds"), "holdfast", "kopia"), 0.5)
  assert.equal(pairedRatio(row("first.seconds"), "holdfast", "restic"), 0.45)
})

test("scenarioTable() marks the best rival and prints every other cell's ratio to it", () => {
  const table = scenarioTable(result, ["holdfast", "kopia", "restic"])
  assert.match(table, /\| first, s \| 2\.00 \(0\.45\) \| 5\.00 \(0\.67\) \| \*\*4\.00\*\* \|/)
  assert.match(table, /\| stored, MB \| 5\.00 \(0\.56\) \| 10\.0 \(1\.11\) \| \*\*9\.00\*\* \|/)
  assert.match(table, /\| restored \| exact \| exact \| exact \|/)
})

test("scenarioTable() leaves the cell of a peer that did not run empty", () => {
  assert.match(scenarioTable(result, ["holdfast", "borg"]), /\| first, s \| 2\.00 \(0\.45\) \| – \|/)
})

test("format() keeps three digits", () => {
  assert.deepEqual(
    [0.123, 12.34, 123.4].map((value) => format(value, "seconds")),
    ["0.12", "12.3", "123"],
  )
  assert.equal(format(59.7e6, "bytes"), "59.7")
})

test("judge() distinguishes met, missed and unmeasured targets", () => {
  const target = (row: string, against: string, ratioMax: number): Target => {
    return { scenario: "small", row, against, ratioMax, held: true }
  }
  const targets = [
    target("first.seconds", "best", 0.46),
    target("first.seconds", "kopia", 0.4),
    target("restore.seconds", "best", 1),
    target("first.seconds", "borg", 1),
  ]
  assert.deepEqual(
    judge(targets, bench).map(({ met, ratio, rival }) => [met, ratio, rival]),
    [
      [true, 0.45, "restic"],
      [false, 0.5, "kopia"],
      [false, undefined, "best"],
      [false, undefined, "borg"],
    ],
  )
})

test("judge() compares the cost a file of a larger scenario with a smaller one", () => {
  const larger = {
    ...result,
    scenario: "large",
    sourceFiles: 100,
    samples: result.samples.map((each) => ({ ...each, seconds: each.seconds * 15 })),
  }
  const growsFrom = { scenario: "small", per: "file" } as const
  const [verdict] = judge(
    [{ scenario: "large", row: "first.seconds", growsFrom, ratioMax: 1.2, held: true }],
    { ...bench, scenarios: [result, larger] },
  )
  assert.equal(verdict?.ratio?.toFixed(6), "1.500000")
  assert.equal(verdict?.met, false)
})

/** The time of `holdfast version`, compared with Node itself; medians of alternating runs. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"

const RUNS = 41
const FACTOR_MAX = 1.6

function timeMs(...words: string[]): number {
  const started = performance.now()
  assert.equal(spawnSync(process.execPath, words, { stdio: "ignore" }).status, 0)
  return performance.now() - started
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

test(`holdfast version starts within ${FACTOR_MAX} times the time of node -e 0`, () => {
  const ours: number[] = []
  const nodes: number[] = []
  for (let run = 0; run < RUNS; run++) {
    ours.push(timeMs("dist/cli/main.js", "version"))
    nodes.push(timeMs("-e", "0"))
  }
  const [our, node] = [median(ours), median(nodes)]
  assert.ok(our <= FACTOR_MAX * node, `${our.toFixed(1)} ms, Node alone ${node.toFixed(1)} ms`)
})

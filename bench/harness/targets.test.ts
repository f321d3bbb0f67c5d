import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { scenarios } from "../scenarios/all.ts"
import { readTargets } from "./targets.ts"

const targets = readTargets(join(import.meta.dirname, "..", "targets.json"))

test("targets.json names scenarios, rows and rivals that exist", () => {
  for (const { scenario, row, against, growsFrom, max } of targets) {
    if (max !== undefined) {
      assert.match(`${scenario} ${row}`, /^agent-live month-(48|96)\.dollars$/) // bench/agent/main.ts judges it
      continue
    }
    const found = scenarios.find(({ name }) => name === scenario)
    assert.ok(found, `${scenario} is no scenario`)
    const works = new Set([...found.corpus.states, "restore", ...(found.noChange ? ["no-change"] : [])])
    const rows = [...works].flatMap((work) => [`${work}.seconds`, `${work}.cpu`])
    const sizes = ["peak", "stored.bytes", "stored.objects", "new.bytes", "new.objects"]
    assert.ok([...rows, ...sizes].includes(row), `${scenario} has no row ${row}`)
    assert.ok(["best", "restic", "kopia", undefined].includes(against))
    if (growsFrom !== undefined) assert.ok(scenarios.some(({ name }) => name === growsFrom.scenario))
  }
})

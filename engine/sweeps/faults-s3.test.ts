/** A sample of the fault sweep, with other cells in each run. The slow tier runs the whole sweep. */
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { test } from "node:test"
import { seededRandom } from "../../fixtures/random.ts"
import { faultSweep, SWEEP_FAULTS } from "../testing/s3-sweep.ts"

const SAMPLES = 12

test("backup() over a failing S3 server saves everything, or reports the error and loses nothing (sample)", async (t) => {
  const sweep = await faultSweep(t)
  const seed = process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex")
  t.diagnostic(`${sweep.requests} requests; HOLDFAST_SEED=${seed} repeats them`)
  const start = seededRandom(seed).below(1_000_000)
  let saved = 0
  for (let i = 0; i < SAMPLES; i++) {
    const fault = SWEEP_FAULTS[(start + i) % SWEEP_FAULTS.length]
    const k = (start * 7 + i * 5) % sweep.requests
    assert.ok(fault !== undefined)
    if ((await sweep.run(k, fault)) === "saved") saved++
  }
  assert.ok(saved > SAMPLES / 2, `only ${saved} of ${SAMPLES} went on in spite of one fault`)
})

test("backup() on a permanently failing server ends as unavailable, and the next run loses nothing", async (t) => {
  const sweep = await faultSweep(t)
  for (const [k, fault] of [
    [0, "500"],
    [sweep.requests - 3, "reset"],
    [sweep.requests - 2, "503"],
  ] as const) {
    const outcome = await sweep.run(k, fault, true)
    assert.ok(
      outcome !== "saved" && outcome.kind === "unavailable",
      `${fault} from request ${k} on: ${String(outcome)}`,
    )
  }
})

import * as assert from "node:assert/strict"
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { describe, test } from "node:test"
import { Worker } from "node:worker_threads"
import * as fc from "fast-check"
import type { ClaimsWork } from "../../testing/claims-worker.ts"
import { openClaims, shareClaims } from "./claims.ts"

describe("claim()", () => {
  test("agrees with a set of ids", () => {
    const id = fc.integer({ min: 0, max: 50 }).map((n) => new Uint8Array(32).fill(n))
    fc.assert(
      fc.property(fc.array(id, { maxLength: 200 }), (ids) => {
        const claims = openClaims(shareClaims())
        const seen = new Set<number>()
        for (const each of ids) {
          assert.equal(claims.claim(each), !seen.has(each[0] ?? 0))
          seen.add(each[0] ?? 0)
        }
      }),
    )
  })

  test("distinguishes ids that differ in one bit, or fall into one slot", () => {
    const claims = openClaims(shareClaims())
    assert.equal(claims.claim(new Uint8Array(32)), true)
    for (let byte = 0; byte < 16; byte++) {
      for (let bit = 0; bit < 8; bit++) {
        const id = new Uint8Array(32)
        id[byte] = 1 << bit
        assert.equal(claims.claim(id), true)
        assert.equal(claims.claim(id), false)
      }
    }
  })

  test("forgets new ids when it is full, and stores their chunks twice", () => {
    const claims = openClaims(shareClaims(2))
    const idOf = (i: number): Buffer => createHash("sha256").update(`${i}`).digest()
    const count = 40_000
    let known = 0
    for (let i = 0; i < count; i++) assert.equal(claims.claim(idOf(i)), true)
    for (let i = 0; i < count; i++) known += Number(!claims.claim(idOf(i)))
    assert.ok(known > 0.59 * 5 * 8192 && known < 0.61 * 5 * 8192, `${known}`)
  })

  test("grows over several segments without forgetting", () => {
    const shared = shareClaims()
    const claims = openClaims(shared)
    const count = 60_000
    const ids = randomBytes(count * 32)
    const at = (i: number): Buffer => ids.subarray(i * 32, (i + 1) * 32)
    for (let i = 0; i < count; i++) assert.equal(claims.claim(at(i)), true)
    const later = openClaims(shared)
    for (let i = 0; i < count; i++) assert.equal(later.claim(at(i)), false)
    assert.ok(new Int32Array(shared.counts).filter((each) => each > 0).length >= 3)
  })

  test("assigns each id to one of two threads, and at most at the edge of a segment to both", async () => {
    const shared = shareClaims()
    const count = 40_000
    const ids = randomBytes(count * 32)
    const work: ClaimsWork = { shared, ids, start: new SharedArrayBuffer(4) }
    const workers = [0, 1].map(
      () => new Worker(new URL("../../testing/claims-worker.ts", import.meta.url), { workerData: work }),
    )
    await Promise.all(workers.map(async (worker) => await once(worker, "message")))
    const answers = workers.map(async (worker) => (await once(worker, "message"))[0] as Uint8Array)
    const start = new Int32Array(work.start)
    Atomics.store(start, 0, 1)
    Atomics.notify(start, 0)
    const [first, second] = await Promise.all(answers)
    let twice = 0
    for (let i = 0; i < count; i++) {
      const claimed = (first?.[i] ?? 0) + (second?.[i] ?? 0)
      assert.ok(claimed >= 1, "an id that nobody has claimed is never stored")
      if (claimed === 2) twice++
    }
    assert.ok(twice <= count / 1000, `${twice} ids were claimed twice`)
  })
})

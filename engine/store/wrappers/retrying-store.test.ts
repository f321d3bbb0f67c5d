import * as assert from "node:assert/strict"
import { test } from "node:test"
import { EngineError } from "../../base/errors.ts"
import { faultAt, faultyStore } from "../../testing/faulty-store.ts"
import { collect, isFailure, named, pattern } from "../../testing/store-contract.ts"
import { memoryStore } from "../../testing/memory-store.ts"
import { backOff, RETRY_POLICY, retryingStore } from "./retrying-store.ts"

function recordingPorts(): { waits: number[]; sleep(ms: number): Promise<void>; random(): number } {
  const waits: number[] = []
  return { waits, random: () => 1, sleep: async (ms) => void waits.push(ms) }
}

test("retryingStore() retries after unavailable, and only then", async () => {
  const ports = recordingPorts()
  const faulty = faultyStore(memoryStore(), faultAt(0, "refused"))
  await retryingStore(faulty, ports).put(named("a"), pattern(5))
  assert.equal(faulty.calls.length, 2)
  assert.deepEqual(ports.waits, [250])

  const denied = faultyStore(memoryStore(), faultAt(0, "denied"))
  await assert.rejects(retryingStore(denied, ports).put(named("a"), pattern(5)), isFailure("denied"))
  assert.equal(denied.calls.length, 1)
})

test("retryingStore() succeeds if the put was done and its reply lost", async () => {
  const faulty = faultyStore(memoryStore(), faultAt(0, "lost-reply"))
  const store = retryingStore(faulty, recordingPorts())
  await store.put(named("a"), pattern(5))
  assert.deepEqual(await store.get(named("a")), pattern(5))
})

test("retryingStore() gives up with the last error, and reports the number of attempts", async () => {
  const ports = recordingPorts()
  const store = retryingStore(
    faultyStore(memoryStore(), ({ number }) => (number === 0 ? undefined : "refused")),
    ports,
  )
  await store.put(named("a"), pattern(5))
  await assert.rejects(store.get(named("a")), (error) => {
    assert.ok(error instanceof EngineError)
    assert.deepEqual([error.kind, error.code, error.detail["attempts"]], ["unavailable", "test-fault", 10])
    assert.match(error.message, /gave up after 10 attempts/)
    return true
  })
  assert.deepEqual(ports.waits, [250, 500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000])
})

test("retryingStore() gives up sooner on a store that has never answered", async () => {
  const faulty = faultyStore(memoryStore(), () => "refused")
  const store = retryingStore(faulty, recordingPorts())
  await assert.rejects(collect(store, ""), /gave up after 4 attempts/)
  assert.equal(faulty.calls.length, 4)
})

test("retryingStore() continues a broken listing after the last name, without repeating one", async () => {
  const memory = memoryStore()
  const names = Array.from({ length: 9 }, (_, i) => `log/${i}`)
  for (const name of names) await memory.put(named(name), pattern(1))
  const faulty = faultyStore(memory, ({ number }) => (number < 3 ? "lost-reply" : undefined))
  const found = await collect(retryingStore(faulty, recordingPorts()), "log/")
  assert.deepEqual(
    found.map(({ name }) => name),
    names,
  )
  assert.equal(faulty.calls.length, 4)
})

test("retryingStore() passes on an error of the listing's reader, and does not list again", async () => {
  const memory = memoryStore()
  await memory.put(named("a"), pattern(1))
  const faulty = faultyStore(memory, () => undefined)
  const readers = (async () => {
    for await (const { name } of retryingStore(faulty, recordingPorts()).list("")) {
      throw new EngineError("unavailable", "reader", name)
    }
  })()
  await assert.rejects(readers, isFailure("unavailable", "reader"))
  assert.equal(faulty.calls.length, 1)
})

test("backOff() doubles up to its cap, varies down to half, and obeys a server's Retry-After", () => {
  assert.equal(backOff(RETRY_POLICY, 1, 0, 0), 125)
  assert.equal(backOff(RETRY_POLICY, 3, 0.5, 0), 750)
  assert.equal(backOff(RETRY_POLICY, 30, 1, 0), 20_000)
  assert.equal(backOff(RETRY_POLICY, 1, 1, 5000), 5000)
  assert.equal(backOff(RETRY_POLICY, 1, 1, 9_000_000), 60_000)
})

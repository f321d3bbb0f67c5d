import * as assert from "node:assert/strict"
import { test } from "node:test"
import { memoryStore } from "./memory-store.ts"
import { faultAt, faultyStore, StoreCrash } from "./faulty-store.ts"
import { collect, isFailure, named, pattern } from "./store-contract.ts"

test("faultyStore() refuses before any effect, or loses the reply after it", async () => {
  for (const [fault, size] of [
    ["refused", 0],
    ["lost-reply", 1],
    ["truncated", 0],
    ["denied", 0],
  ] as const) {
    const memory = memoryStore()
    const store = faultyStore(memory, faultAt(0, fault))
    await assert.rejects(
      store.put(named("a"), pattern(8)),
      isFailure(fault === "denied" ? "denied" : "unavailable"),
    )
    assert.equal(memory.objects.size, size, fault)
  }
})

test("faultyStore() returns wrong bytes from get, and leaves the object unchanged", async () => {
  const memory = memoryStore()
  await memory.put(named("a"), pattern(8))
  const store = faultyStore(memory, ({ number }) => (["truncated", "corrupted"] as const)[number])
  assert.deepEqual(await store.get(named("a")), pattern(8).slice(0, 4))
  const corrupted = await store.get(named("a"))
  assert.equal(corrupted.filter((byte, i) => byte !== pattern(8)[i]).length, 1)
  assert.deepEqual(await store.get(named("a")), pattern(8))
})

test("faultyStore() returns a stale listing", async () => {
  const memory = memoryStore()
  await memory.put(named("log/a"), pattern(1))
  await memory.put(named("log/b"), pattern(2))
  const store = faultyStore(memory, faultAt(0, "stale-list", "list"))
  await store.put(named("log/c"), pattern(3))
  await store.remove(named("log/a"))
  assert.deepEqual(
    (await collect(store, "log/")).map(({ name }) => name),
    ["log/a", "log/b"],
  )
  assert.deepEqual(
    (await collect(store, "log/")).map(({ name }) => name),
    ["log/b", "log/c"],
  )
})

test("faultyStore() is dead after a crash, whether the call took effect or not", async () => {
  for (const [fault, size] of [
    ["crash-before", 1],
    ["crash-after", 2],
  ] as const) {
    const memory = memoryStore()
    const store = faultyStore(memory, faultAt(1, fault))
    await store.put(named("a"), pattern(1))
    await assert.rejects(store.put(named("b"), pattern(1)), StoreCrash)
    await assert.rejects(store.get(named("a")), StoreCrash)
    await assert.rejects(collect(store, ""), StoreCrash)
    assert.equal(memory.objects.size, size, fault)
  }
})

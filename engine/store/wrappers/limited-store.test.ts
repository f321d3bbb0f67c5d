import * as assert from "node:assert/strict"
import { test } from "node:test"
import { named, pattern } from "../../testing/store-contract.ts"
import { limitedStore } from "./limited-store.ts"
import { memoryStore } from "../../testing/memory-store.ts"

test("limitedStore() keeps each direction below its limit", async () => {
  let nowMs = 0
  const ports = { now: () => nowMs, sleep: async (ms: number) => void (nowMs += ms) }
  const store = limitedStore(memoryStore(), { uploadKib: 100, downloadKib: 50 }, ports)
  for (let i = 0; i < 5; i++) await store.put(named(`a/${i}`), pattern(50 * 1024))
  assert.equal(nowMs, 2000) // the fifth starts after the four before it had half a second each
  await store.get(named("a/0"))
  assert.equal(nowMs, 2000) // the other direction is unlimited
  await store.get(named("a/1"), { offset: 0, length: 25 * 1024 })
  assert.equal(nowMs, 3000)
  await store.get(named("a/1"))
  assert.equal(nowMs, 3500)
})

test("limitedStore() without limits is the store itself", () => {
  const store = memoryStore()
  assert.equal(limitedStore(store, {}), store)
})

test("limitedStore() lends no file if downloads are limited", () => {
  const store = { ...memoryStore(), lend: (name: string) => `/${name}` }
  assert.equal(limitedStore(store, { uploadKib: 1 }).lend?.(named("a"), 5), "/a")
  assert.equal(limitedStore(store, { downloadKib: 1 }).lend, undefined)
})

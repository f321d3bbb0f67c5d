import * as assert from "node:assert/strict"
import { test } from "node:test"
import { EngineError } from "../../base/errors.ts"
import { collect, named } from "../../testing/store-contract.ts"
import { memoryStore } from "../../testing/memory-store.ts"
import { meteredStore, noTraffic } from "./metered-store.ts"

test("meteredStore() counts requests and bytes", async () => {
  const store = meteredStore(memoryStore())
  assert.deepEqual(store.traffic(), noTraffic())
  await store.put(named("a"), new Uint8Array(100))
  await store.get(named("a"))
  await store.get(named("a"), { offset: 10, length: 5 })
  await assert.rejects(store.get(named("b")))
  const before = store.traffic()
  await collect(store, "")
  await store.remove(named("a"))
  assert.deepEqual(before, {
    requests: { put: 1, get: 3, head: 0, list: 0, delete: 0 },
    bytesUp: 100,
    bytesDown: 105,
  })
  const requests = { ...before.requests, list: 1, delete: 1 }
  assert.deepEqual(store.traffic(), { ...before, requests })
})

test("meteredStore() does not count what reached no server, but counts what a server refused", async () => {
  for (const [code, count] of [
    ["connection-refused", 0],
    ["no-network", 0],
    ["server-error", 1],
  ] as const) {
    const fail = (): never => {
      throw new EngineError("unavailable", code, "said by the test")
    }
    // eslint-disable-next-line require-yield
    async function* list(): AsyncGenerator<never> {
      fail()
    }
    const store = meteredStore({
      location: "",
      folder: undefined,
      put: async () => fail(),
      get: async () => fail(),
      remove: async () => fail(),
      list,
    })
    await assert.rejects(store.put(named("a"), new Uint8Array(100)))
    await assert.rejects(store.get(named("a")))
    await assert.rejects(store.remove(named("a")))
    await assert.rejects(collect(store, ""))
    const requests = { put: count, get: count, head: 0, list: count, delete: count }
    assert.deepEqual(store.traffic(), { requests, bytesUp: 100 * count, bytesDown: 0 })
  }
})

test("meteredStore() counts a list request per page of 1,000 names", async () => {
  for (const [names, pages] of [
    [0, 1],
    [1, 1],
    [1000, 1],
    [1001, 2],
    [2000, 2],
    [2001, 3],
  ] as const) {
    const memory = memoryStore()
    for (let i = 0; i < names; i++) memory.objects.set(named(`log/${i}`), new Uint8Array(0))
    const store = meteredStore(memory)
    await collect(store, "log/")
    assert.equal(store.traffic().requests.list, pages, `${names} names`)
  }
})

test("meteredStore() counts a lent file like a get", () => {
  const store = meteredStore({ ...memoryStore(), lend: (name: string) => `/${name}` })
  assert.equal(store.lend?.(named("a"), 500), "/a")
  const { requests, bytesDown } = store.traffic()
  assert.deepEqual([requests.get, bytesDown], [1, 500])
  assert.equal(meteredStore(memoryStore()).lend, undefined)
})

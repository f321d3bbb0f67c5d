/**
 * The contract of the `Store` port as tests for every implementation and wrapper: one test per sentence of
 * `store/store.ts`. `storeReadContract` is the part that also applies to stores without write permission.
 */
import * as assert from "node:assert/strict"
import { hash } from "node:crypto"
import { describe, test } from "node:test"
import type { Store } from "../store/store.ts"
import { collect, isFailure, named, OUTSIDE_NAMES, pattern, type OpenEmptyStore } from "./store-objects.ts"
import { storeReadContract } from "./store-read-contract.ts"

export { storeReadContract }
export { collect, isFailure, named, pattern } from "./store-objects.ts"
export type { OpenedStore, OpenEmptyStore } from "./store-objects.ts"

export function storeContract(label: string, open: OpenEmptyStore): void {
  storeReadContract(label, open)
  storeWriteContract(label, open)
}

function storeWriteContract(label: string, open: OpenEmptyStore): void {
  const withStore = (test: (store: Store) => Promise<void>) => async () => {
    const { store, close } = await open()
    try {
      await test(store)
    } finally {
      await close?.()
    }
  }

  describe(`${label} writes as the port says`, () => {
    test(
      "put() is visible to every later get and list",
      withStore(async (store) => {
        for (let i = 0; i < 5; i++) {
          await store.put(named(`log/d/${i}`), pattern(i + 1))
          assert.deepEqual(await store.get(named(`log/d/${i}`)), pattern(i + 1))
          assert.equal((await collect(store, "log/d/")).length, i + 1)
        }
      }),
    )
    test(
      "put() stores the bytes as they were, also from a part of a larger buffer",
      withStore(async (store) => {
        const memory = pattern(5000)
        const part = memory.subarray(100, 4100)
        await store.put(named("a"), part)
        memory.fill(0)
        assert.deepEqual(await store.get(named("a")), pattern(5000).slice(100, 4100))
      }),
    )
    test(
      "put() of the same bytes again succeeds, concurrently and later",
      withStore(async (store) => {
        const bytes = pattern(70_000)
        await Promise.all([1, 2, 3, 4].map(() => store.put(named("packs/ab/x"), bytes)))
        await store.put(named("packs/ab/x"), bytes)
        assert.deepEqual(await store.get(named("packs/ab/x")), bytes)
        assert.equal((await collect(store, "")).length, 1)
      }),
    )
    test(
      "put() of other bytes is refused or replaces the whole object",
      withStore(async (store) => {
        await store.put(named("a"), pattern(100))
        const other = new Uint8Array(50).fill(7)
        const refused = await store
          .put(named("a"), other)
          .then(() => false, isFailure("conflict", "object-exists"))
        assert.deepEqual(await store.get(named("a")), refused ? pattern(100) : other)
      }),
    )
    test(
      "put() replaces an object that doesn't match its name by one that does",
      withStore(async (store) => {
        const whole = pattern(100_000)
        const name = named(`log/d/0000000001-${hash("sha256", whole, "hex")}`)
        for (const torn of [pattern(40_000), new Uint8Array(0), new Uint8Array(100_000)]) {
          await store.remove(name)
          const isRefused = await store.put(name, torn).then(
            () => false,
            () => true,
          )
          if (!isRefused) assert.deepEqual(await store.get(name), torn)
          await store.put(name, whole)
          assert.deepEqual(await store.get(name), whole)
          await store.put(name, torn).catch(() => {})
          assert.deepEqual(await store.get(name), whole)
        }
      }),
    )
    test(
      "put() and remove() refuse names outside the alphabet",
      withStore(async (store) => {
        for (const name of OUTSIDE_NAMES) {
          await assert.rejects(store.put(named(name), pattern(1)), isFailure("invalid", "object-name"))
          await assert.rejects(store.remove(named(name)), isFailure("invalid", "object-name"))
        }
        assert.deepEqual(await collect(store, ""), [])
      }),
    )
    test(
      "remove() removes, and succeeds for a missing object",
      withStore(async (store) => {
        await store.put(named("keys/a"), pattern(10))
        await store.put(named("keys/b"), pattern(10))
        await store.remove(named("keys/a"))
        await store.remove(named("keys/a"))
        await store.remove(named("none/a"))
        await assert.rejects(store.get(named("keys/a")), isFailure("not-found", "object-not-found"))
        assert.deepEqual(
          (await collect(store, "")).map(({ name }) => name),
          ["keys/b"],
        )
      }),
    )
    test(
      "put() after remove() stores a new object",
      withStore(async (store) => {
        await store.put(named("keys/a"), pattern(10))
        await store.remove(named("keys/a"))
        await store.put(named("keys/a"), pattern(20))
        assert.deepEqual(await store.get(named("keys/a")), pattern(20))
      }),
    )
  })
}

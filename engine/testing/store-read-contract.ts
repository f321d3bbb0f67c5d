/** The reading half of the contract of the `Store` port; see `store-contract.ts`. */
import * as assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Store } from "../store/store.ts"
import { collect, isFailure, named, OUTSIDE_NAMES, pattern, type OpenEmptyStore } from "./store-objects.ts"

export function storeReadContract(label: string, open: OpenEmptyStore): void {
  const withSeeded = (test: (store: Store, seed: Store) => Promise<void>) => async () => {
    const { store, seed = store, close } = await open()
    try {
      await test(store, seed)
    } finally {
      await close?.()
    }
  }

  describe(`${label} reads as the port says`, () => {
    test(
      "get() returns the whole object, in its own memory",
      withSeeded(async (store, seed) => {
        const bytes = pattern(3000)
        await seed.put(named("packs/ab/one"), bytes)
        const first = await store.get(named("packs/ab/one"))
        assert.deepEqual(first, bytes)
        assert.equal(first.buffer.byteLength, 3000)
        first.fill(0)
        structuredClone(first, { transfer: [first.buffer] })
        assert.deepEqual(await store.get(named("packs/ab/one")), bytes)
      }),
    )
    test(
      "get() returns empty and large objects",
      withSeeded(async (store, seed) => {
        const large = pattern(1_300_001)
        await seed.put(named("empty"), new Uint8Array(0))
        await seed.put(named("large"), large)
        assert.equal((await store.get(named("empty"))).length, 0)
        assert.ok(Buffer.from(large).equals(await store.get(named("large"))))
        assert.deepEqual(
          await store.get(named("large"), { offset: 300_000, length: 900_000 }),
          large.slice(300_000, 1_200_000),
        )
      }),
    )
    test(
      "get() returns exactly the requested range",
      withSeeded(async (store, seed) => {
        const bytes = pattern(1000)
        await seed.put(named("a"), bytes)
        for (const [offset, length] of [
          [0, 1],
          [0, 1000],
          [10, 90],
          [999, 1],
          [0, 0],
          [1000, 0],
        ] as const) {
          const part = await store.get(named("a"), { offset, length })
          assert.deepEqual(part, bytes.slice(offset, offset + length))
          assert.equal(part.buffer.byteLength, length)
        }
      }),
    )
    test(
      "get() refuses a range beyond the end",
      withSeeded(async (store, seed) => {
        await seed.put(named("a"), pattern(1000))
        for (const [offset, length] of [
          [0, 1001],
          [999, 2],
          [1000, 1],
          [5000, 10],
          [1001, 0],
        ] as const) {
          await assert.rejects(
            store.get(named("a"), { offset, length }),
            isFailure("corrupt", "short-object"),
          )
        }
      }),
    )
    test(
      "get() of a missing object is not-found",
      withSeeded(async (store, seed) => {
        await seed.put(named("keys/a"), pattern(10))
        await assert.rejects(store.get(named("keys/b")), isFailure("not-found", "object-not-found"))
        await assert.rejects(store.get(named("none/b")), isFailure("not-found", "object-not-found"))
        await assert.rejects(store.get(named("b"), { offset: 0, length: 1 }), isFailure("not-found"))
      }),
    )
    test(
      "get() and list() refuse names outside the alphabet",
      withSeeded(async (store) => {
        for (const name of OUTSIDE_NAMES) {
          await assert.rejects(store.get(named(name)), isFailure("invalid", "object-name"))
        }
        for (const prefix of ["/", "..", "../", "a/../", "A", "a//"]) {
          await assert.rejects(collect(store, prefix), isFailure("invalid", "object-name"))
        }
      }),
    )
    test(
      "list() yields every name with the prefix once, with its size, in byte order",
      withSeeded(async (store, seed) => {
        const names = [
          "a",
          "a-b",
          "a0",
          "b-/c",
          "b/a",
          "b/a-",
          "b/a0/x",
          "b0",
          "log/1",
          "log/10",
          "log/2",
          "log-x/1",
          "packs/aa/1",
          "packs/ab/2",
          "z",
        ]
        const shuffled = names.toSorted((a, b) => hashOf(a) - hashOf(b))
        for (const name of shuffled) await seed.put(named(name), pattern(name.length))
        for (const prefix of [
          "",
          "a",
          "b",
          "b/",
          "b/a",
          "b/a0",
          "b/a0/x",
          "log",
          "log/",
          "log/1",
          "packs/a",
          "packs/aa/",
          "none",
          "none/",
          "z/",
        ]) {
          const expected = names.filter((name) => name.startsWith(prefix)).sort()
          const found = await collect(store, prefix)
          assert.deepEqual(
            found,
            expected.map((name) => ({ name, sizeBytes: name.length })),
            `prefix "${prefix}"`,
          )
        }
      }),
    )
    test(
      "list() of an empty store yields nothing, and may be stopped early",
      withSeeded(async (store, seed) => {
        assert.deepEqual(await collect(store, ""), [])
        for (let i = 0; i < 5; i++) await seed.put(named(`log/${i}`), pattern(1))
        for await (const { name } of store.list("log/")) {
          assert.equal(name, "log/0")
          break
        }
        assert.equal((await collect(store, "log/")).length, 5)
      }),
    )
    test(
      "many calls may run concurrently",
      withSeeded(async (store, seed) => {
        const numbers = Array.from({ length: 24 }, (_, i) => i)
        await Promise.all(numbers.map((i) => seed.put(named(`packs/0${i % 5}/${i}`), pattern(100 + i))))
        const reads = numbers.map((i) => store.get(named(`packs/0${i % 5}/${i}`)))
        const lists = [collect(store, "packs/"), collect(store, "packs/00/")]
        for (const [i, bytes] of (await Promise.all(reads)).entries())
          assert.deepEqual(bytes, pattern(100 + i))
        assert.deepEqual(
          (await Promise.all(lists)).map((found) => found.length),
          [24, 5],
        )
      }),
    )
    test(
      "location is a name without secrets",
      withSeeded(async (store) => assert.notEqual(store.location, "")),
    )
  })
}

function hashOf(text: string): number {
  let hash = 7
  for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 1009
  return hash
}

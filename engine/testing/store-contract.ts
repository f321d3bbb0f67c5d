/**
 * The contract of the `Store` port, as tests that any implementation or wrapper can run: one test
 * for each sentence of `store/store.ts`. `storeReadContract` is the part that a store without the
 * right to write must keep too. Imported by tests only.
 */
import * as assert from "node:assert/strict"
import { describe, it } from "node:test"
import { isEngineError, type EngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Store, StoredObject } from "../store/store.ts"

export interface OpenedStore {
  readonly store: Store
  /** Another door to the same objects, through which tests put what `store` then reads. */
  readonly seed?: Store
  readonly close?: () => void | Promise<void>
}

/** Opens an empty store, a new one each time. */
export type OpenEmptyStore = () => OpenedStore | Promise<OpenedStore>

export function storeContract(label: string, open: OpenEmptyStore): void {
  storeReadContract(label, open)
  storeWriteContract(label, open)
}

const OUTSIDE_NAMES = [
  "",
  "/",
  "/a",
  "a/",
  "a//b",
  "..",
  "../a",
  "a/../b",
  ".a",
  "a/.b",
  "A",
  "a b",
  "é",
  "a\n",
]

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
    it(
      "get() gives the whole object, in memory of its own",
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
    it(
      "get() gives empty and large objects",
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
    it(
      "get() gives exactly the range asked for",
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
    it(
      "get() refuses a range that passes the end",
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
    it(
      "get() of an object that is not there is not-found",
      withSeeded(async (store, seed) => {
        await seed.put(named("keys/a"), pattern(10))
        await assert.rejects(store.get(named("keys/b")), isFailure("not-found", "object-not-found"))
        await assert.rejects(store.get(named("none/b")), isFailure("not-found", "object-not-found"))
        await assert.rejects(store.get(named("b"), { offset: 0, length: 1 }), isFailure("not-found"))
      }),
    )
    it(
      "get() and list() refuse names from outside the alphabet",
      withSeeded(async (store) => {
        for (const name of OUTSIDE_NAMES) {
          await assert.rejects(store.get(named(name)), isFailure("invalid", "object-name"))
        }
        for (const prefix of ["/", "..", "../", "a/../", "A", "a//"]) {
          await assert.rejects(collect(store, prefix), isFailure("invalid", "object-name"))
        }
      }),
    )
    it(
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
    it(
      "list() of an empty store yields nothing, and may be left early",
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
    it(
      "many calls may run at once",
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
    it(
      "location is a name without secrets",
      withSeeded(async (store) => assert.notEqual(store.location, "")),
    )
  })
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
    it(
      "put() is seen by every later get and list",
      withStore(async (store) => {
        for (let i = 0; i < 5; i++) {
          await store.put(named(`log/d/${i}`), pattern(i + 1))
          assert.deepEqual(await store.get(named(`log/d/${i}`)), pattern(i + 1))
          assert.equal((await collect(store, "log/d/")).length, i + 1)
        }
      }),
    )
    it(
      "put() keeps the bytes as they were, of a part of a larger buffer too",
      withStore(async (store) => {
        const memory = pattern(5000)
        const part = memory.subarray(100, 4100)
        await store.put(named("a"), part)
        memory.fill(0)
        assert.deepEqual(await store.get(named("a")), pattern(5000).slice(100, 4100))
      }),
    )
    it(
      "put() of the same bytes again succeeds, at once and later",
      withStore(async (store) => {
        const bytes = pattern(70_000)
        await Promise.all([1, 2, 3, 4].map(() => store.put(named("packs/ab/x"), bytes)))
        await store.put(named("packs/ab/x"), bytes)
        assert.deepEqual(await store.get(named("packs/ab/x")), bytes)
        assert.equal((await collect(store, "")).length, 1)
      }),
    )
    it(
      "put() of other bytes is refused or replaces them whole",
      withStore(async (store) => {
        await store.put(named("a"), pattern(100))
        const other = new Uint8Array(50).fill(7)
        const refused = await store
          .put(named("a"), other)
          .then(() => false, isFailure("conflict", "object-exists"))
        assert.deepEqual(await store.get(named("a")), refused ? pattern(100) : other)
      }),
    )
    it(
      "put() and remove() refuse names from outside the alphabet",
      withStore(async (store) => {
        for (const name of OUTSIDE_NAMES) {
          await assert.rejects(store.put(named(name), pattern(1)), isFailure("invalid", "object-name"))
          await assert.rejects(store.remove(named(name)), isFailure("invalid", "object-name"))
        }
        assert.deepEqual(await collect(store, ""), [])
      }),
    )
    it(
      "remove() removes, and of what is not there succeeds",
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
    it(
      "put() after remove() is a new object",
      withStore(async (store) => {
        await store.put(named("keys/a"), pattern(10))
        await store.remove(named("keys/a"))
        await store.put(named("keys/a"), pattern(20))
        assert.deepEqual(await store.get(named("keys/a")), pattern(20))
      }),
    )
  })
}

/** For tests: any text as a name, good or bad. */
export function named(text: string): ObjectName {
  return text as ObjectName
}

export async function collect(store: Store, prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = []
  for await (const object of store.list(prefix)) found.push(object)
  return found
}

/** Bytes that differ from place to place, so that a shifted range is seen. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 17 + length) & 0xff
  return bytes
}

/** For `assert.rejects`: an EngineError of this kind and, when given, this code. */
export function isFailure(kind: EngineError["kind"], code?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(isEngineError(error), `an EngineError, not ${String(error)}`)
    assert.deepEqual([error.kind, code === undefined ? code : error.code], [kind, code])
    return true
  }
}

function hashOf(text: string): number {
  let hash = 7
  for (const character of text) hash = (hash * 31 + character.charCodeAt(0)) % 1009
  return hash
}

import * as assert from "node:assert/strict"
import { test } from "node:test"
import { isFailure, named, pattern } from "./store-contract.ts"
import { memoryStore } from "./memory-store.ts"
import { readOnlyStore } from "./read-only-store.ts"

test("readOnlyStore() refuses put and remove, and the store stays as it was", async () => {
  const memory = memoryStore()
  await memory.put(named("a"), pattern(5))
  const store = readOnlyStore(memory)
  await assert.rejects(store.put(named("b"), pattern(5)), isFailure("denied", "read-only-store"))
  await assert.rejects(store.remove(named("a")), isFailure("denied", "read-only-store"))
  assert.deepEqual([...memory.objects.keys()], ["a"])
})

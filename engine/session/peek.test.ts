import assert from "node:assert/strict"
import { test } from "node:test"
import { backupPlace } from "../testing/backup-place.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { peekRepository } from "./peek.ts"

test("peekRepository() shows id and number of devices without a key", async (t) => {
  const place = await backupPlace(t)
  const { id } = place.repository
  assert.deepEqual(
    await peekRepository(place.store()).then(({ id: found, deviceCount }) => [found, deviceCount]),
    [id, 1],
  )
  await place.open(place.newHome())
  assert.equal((await peekRepository(place.store())).deviceCount, 2)
})

test("peekRepository() of an empty place is not-found", async () => {
  await assert.rejects(
    peekRepository(memoryStore(new Map())),
    (error) => error instanceof Error && "code" in error && error.code === "no-repository",
  )
})

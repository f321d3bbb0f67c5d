/** Keys that expire during a run, on the fault server, which verifies tokens and signatures. */
import * as assert from "node:assert/strict"
import { describe, test } from "node:test"
import { isFailure, named, pattern } from "../../testing/store-objects.ts"
import { noSleep, openOnFaultServer } from "../../testing/s3-fault-store.ts"
import { meteredStore } from "../wrappers/metered-store.ts"
import { retryingStore } from "../wrappers/retrying-store.ts"
import type { S3Credentials } from "./s3-credentials.ts"

const KEYS = { accessKeyId: "TESTACCESSKEY", secretAccessKey: "test-secret" }

describe("openS3Store() with expiring credentials", () => {
  test("fetches new ones once for many concurrent calls, and repeats and counts every call", async () => {
    let token = "first"
    let fetched = 0
    const credentials = async (): Promise<S3Credentials> => {
      fetched++
      return { ...KEYS, sessionToken: token }
    }
    const { server, store } = await openOnFaultServer({ sessionToken: token }, { credentials })
    const metered = meteredStore(store)
    const retrying = retryingStore(metered, noSleep)
    await retrying.put(named("a"), pattern(1))
    server.sessionToken = token = "second"
    await Promise.all(["b", "c", "d", "e"].map((name) => retrying.put(named(name), pattern(1))))
    assert.equal(fetched, 2)
    assert.equal(metered.traffic().requests.put, 9)
    server.sessionToken = token = "third"
    assert.deepEqual(await retrying.get(named("b")), pattern(1))
    assert.equal(fetched, 3)
  })

  test("fetches new ones if its server no longer knows the key", async () => {
    let id = "RETIRED"
    const credentials = async (): Promise<S3Credentials> => ({ ...KEYS, accessKeyId: id })
    const { store } = await openOnFaultServer({}, { credentials })
    await assert.rejects(store.put(named("a"), pattern(1)), isFailure("denied", "wrong-credentials"))
    id = KEYS.accessKeyId
    await assert.rejects(store.put(named("a"), pattern(1)), isFailure("unavailable", "credentials-renewed"))
    await store.put(named("a"), pattern(1))
  })

  test("reports it if the same ones are returned", async () => {
    const credentials = async (): Promise<S3Credentials> => ({ ...KEYS, sessionToken: "old" })
    const { store } = await openOnFaultServer({ sessionToken: "new" }, { credentials })
    await assert.rejects(
      retryingStore(store, noSleep).put(named("a"), pattern(1)),
      isFailure("denied", "expired-credentials"),
    )
  })

  test("fetches new ones itself when they are about to expire", async () => {
    let lifeMs = 60_000
    let fetched = 0
    const credentials = async (): Promise<S3Credentials> => {
      fetched++
      return { ...KEYS, sessionToken: "t", expiration: new Date(Date.now() + lifeMs) }
    }
    const { store } = await openOnFaultServer({ sessionToken: "t" }, { credentials })
    await store.put(named("a"), pattern(1))
    const soon = fetched
    lifeMs = 3_600_000
    await store.put(named("b"), pattern(1))
    assert.ok(fetched > soon)
    const long = fetched
    for (const name of ["c", "d"]) await store.put(named(name), pattern(1))
    assert.equal(fetched, long)
  })
})

describe("openS3Store() after a sleep", () => {
  test("signs a request again that was signed too long before it arrived, though the clock is right", async () => {
    const { server, store } = await openOnFaultServer()
    server.plan = () => "stale"
    await assert.rejects(store.put(named("a"), pattern(1)), isFailure("unavailable", "stale-request"))
    let left = 1
    server.plan = () => (left-- > 0 ? "stale" : undefined)
    await retryingStore(store, noSleep).put(named("a"), pattern(1))
  })

  test("reports how far the clock is off, in either direction", async () => {
    for (const [clockAheadMs, says] of [
      [3 * 3_600_000, /180 minutes behind/],
      [-3 * 3_600_000, /180 minutes ahead/],
    ] as const) {
      const { store } = await openOnFaultServer({ clockAheadMs })
      await assert.rejects(retryingStore(store, noSleep).put(named("a"), pattern(1)), (error) => {
        assert.match(String(error), says)
        return isFailure("denied", "clock-skew")(error)
      })
    }
  })
})

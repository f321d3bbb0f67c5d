import * as assert from "node:assert/strict"
import { describe, test } from "node:test"
import { EngineError } from "../../base/errors.ts"
import type { S3FaultServerOptions, S3ServerFault } from "../../testing/s3-fault-server.ts"
import { noSleep, openOnFaultServer, settingsOf, startServer } from "../../testing/s3-fault-store.ts"
import { collect, isFailure, named, pattern } from "../../testing/store-objects.ts"
import { retryingStore } from "../wrappers/retrying-store.ts"
import { openS3Store, type S3StoreSettings } from "./s3-store.ts"

describe("openS3Store() says what to do about", () => {
  type Case = [
    what: string,
    { options?: S3FaultServerOptions; settings?: Partial<S3StoreSettings> },
    string,
    RegExp,
  ]
  const cases: Case[] = [
    [
      "a wrong access key",
      { settings: { credentials: { accessKeyId: "OTHER", secretAccessKey: "x" } } },
      "denied wrong-credentials",
      /AWS_ACCESS_KEY_ID/,
    ],
    [
      "a wrong secret key",
      { settings: { credentials: { accessKeyId: "TESTACCESSKEY", secretAccessKey: "hunter2" } } },
      "denied wrong-credentials",
      /AWS_SECRET_ACCESS_KEY/,
    ],
    [
      "a wrong region",
      { options: { region: "eu-west-3" }, settings: { region: "us-east-1" } },
      "invalid wrong-region",
      /AWS_REGION=eu-west-3/,
    ],
    [
      "a bucket that is not there",
      { settings: { bucket: "no-such-bucket" } },
      "not-found no-bucket",
      /"no-such-bucket"/,
    ],
    [
      "a clock that is an hour off",
      { options: { clockAheadMs: 3_600_000 } },
      "denied clock-skew",
      /60 minutes behind/,
    ],
    [
      "a server that is not there",
      { settings: { endpoint: "http://127.0.0.1:1" } },
      "unavailable connection-refused",
      /127\.0\.0\.1:1/,
    ],
    ["a server without TLS", { settings: {} }, "invalid not-https", /http:\/\//],
    ["a key that may not list", { options: { denied: ["LIST"] } }, "denied list-denied", /s3:ListBucket/],
    [
      "a captive portal",
      { options: { plan: () => "portal" } },
      "unavailable not-s3",
      /captive|log-in|endpoint/,
    ],
    [
      "a server that asks to slow down",
      { options: { plan: () => "503" } },
      "unavailable slow-down",
      /slow down/,
    ],
    ["a server that is throttling", { options: { plan: () => "429" } }, "unavailable slow-down", /slow down/],
    ["a server that fails", { options: { plan: () => "500" } }, "unavailable server-error", /failed/],
    [
      "a connection that is reset",
      { options: { plan: () => "reset" } },
      "unavailable connection-lost",
      /connection/,
    ],
    [
      "a server that never answers",
      { options: { plan: () => "hang" }, settings: { timeouts: { connectMs: 500, idleMs: 100 } } },
      "unavailable timeout",
      /in time/,
    ],
  ]
  for (const [what, { options = {}, settings = {} }, expected, message] of cases) {
    test(what, async () => {
      const server = await startServer(options)
      const tls =
        what === "a server without TLS" ? { endpoint: server.endpoint.replace("http:", "https:") } : {}
      const store = await openS3Store({ ...settingsOf(server), ...settings, ...tls })
      await assert.rejects(collect(store, "log/"), (error) => {
        assert.ok(error instanceof EngineError, String(error))
        assert.equal(`${error.kind} ${error.code}`, expected, error.message)
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /hunter2|TESTACCESSKEY/)
        return true
      })
    })
  }

  test("a bucket that forbids each of the other requests", async () => {
    const { store } = await openOnFaultServer({ denied: ["PUT", "GET", "HEAD", "DELETE"] })
    await assert.rejects(store.put(named("a"), pattern(1)), isFailure("denied", "write-denied"))
    await assert.rejects(store.get(named("a")), isFailure("denied", "read-denied"))
    await assert.rejects(store.get(named("a"), { offset: 0, length: 0 }), isFailure("denied", "read-denied"))
    await assert.rejects(store.remove(named("a")), isFailure("denied", "delete-denied"))
  })

  test("a throttling server's wait time, which the retrying store obeys", async () => {
    const { store } = await openOnFaultServer({ plan: () => "429" })
    await assert.rejects(store.put(named("a"), pattern(1)), (error) => {
      assert.ok(error instanceof EngineError)
      assert.equal(error.detail["retryAfterMs"], 1000)
      return true
    })
  })

  test("an invalid file of certificate authorities", async () => {
    const settings = {
      bucket: "bucket",
      prefix: "",
      region: "us-east-1",
      addressing: "path",
      endpoint: "https://h",
    } as const
    await assert.rejects(
      openS3Store({ ...settings, caFile: "/nowhere.pem" }),
      isFailure("invalid", "ca-file"),
    )
    await assert.rejects(
      openS3Store({ ...settings, caFile: import.meta.filename }),
      isFailure("invalid", "ca-file"),
    )
  })
})

describe("openS3Store() never accepts a torn reply as complete", () => {
  for (const fault of ["torn-body", "lost-reply", "portal"] as const) {
    test(fault, async () => {
      const { server, store } = await openOnFaultServer()
      await store.put(named("a"), pattern(200_000))
      server.plan = () => fault
      const unavailable = isFailure("unavailable")
      if (fault !== "portal")
        await assert.rejects(store.get(named("a"), { offset: 5, length: 100_000 }), unavailable)
      if (fault !== "portal") await assert.rejects(store.get(named("a")), unavailable)
      await assert.rejects(collect(store, ""), unavailable)
      if (fault !== "torn-body") await assert.rejects(store.put(named("b"), pattern(1)), unavailable)
    })
  }
})

describe("retryingStore() over openS3Store() succeeds despite", () => {
  const faults: S3ServerFault[] = [
    "500",
    "503",
    "429",
    "reset",
    "lost-reply",
    "torn-body",
    "duplicate",
    "portal",
    "hang",
  ]
  for (const fault of [...faults, { delayMs: 20 }]) {
    test(`${typeof fault === "string" ? fault : "a delay"} at each request of a put, a get, a listing and a removal`, async () => {
      const { server, store } = await openOnFaultServer(
        { pageNames: 2 },
        { timeouts: { connectMs: 500, idleMs: 80 } },
      )
      const retrying = retryingStore(store, noSleep)
      const [kept, gone, large] = [named("log/kept"), named("log/gone"), named("packs/large")]
      for (const method of ["PUT", "GET", "LIST", "DELETE"] as const) {
        let left = 1
        server.plan = (request) => (request.method === method && left-- > 0 ? fault : undefined)
        await retrying.put(kept, pattern(100))
        await retrying.put(large, pattern(300_000))
        await retrying.put(gone, pattern(200))
        assert.deepEqual(
          await retrying.get(large, { offset: 100, length: 200_000 }),
          pattern(300_000).slice(100, 200_100),
        )
        await retrying.remove(gone)
        assert.deepEqual(await collect(retrying, ""), [
          { name: kept, sizeBytes: 100 },
          { name: large, sizeBytes: 300_000 },
        ])
        assert.ok(left <= 0, "the fault was met")
      }
    })
  }
})

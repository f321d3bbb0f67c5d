import * as assert from "node:assert/strict"
import { createHash } from "node:crypto"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { describe, test } from "node:test"
import type { S3ServerFault } from "../../testing/s3-fault-server.ts"
import { noSleep, openOnFaultServer } from "../../testing/s3-fault-store.ts"
import { collect, isFailure, named, pattern, storeContract } from "../../testing/store-contract.ts"
import { retryingStore } from "../wrappers/retrying-store.ts"
import { openS3Store } from "./s3-store.ts"

storeContract("openS3Store()", () => openOnFaultServer())
storeContract("openS3Store() with small pages, a conditional put and no prefix", () =>
  openOnFaultServer({ pageNames: 3 }, { prefix: "", conditionalPut: true }),
)
storeContract("openS3Store() where a conditional put and ranges are ignored", () =>
  openOnFaultServer({ conditionalPut: "ignored", ranges: "ignored" }, { conditionalPut: true }),
)

// Each request fails twice in a row, in different ways, and then succeeds.
const PASSING_FAULTS: S3ServerFault[] = ["500", "lost-reply", "503", "torn-body", "429", "reset"]
storeContract("retryingStore() over openS3Store() over a server that fails", async () => {
  const { store } = await openOnFaultServer({
    plan: ({ number }) => (number % 3 === 2 ? undefined : PASSING_FAULTS[number % 7]),
  })
  return { store: retryingStore(store, noSleep) }
})

describe("openS3Store()", () => {
  test("sends one request per call, and a PUT with its length and without optional checksums", async () => {
    const { server, store } = await openOnFaultServer()
    await store.put(named("a"), pattern(100))
    await store.get(named("a"), { offset: 1, length: 5 })
    await collect(store, "")
    await store.remove(named("a"))
    assert.deepEqual(
      server.requests.map(({ method, key }) => [method, key]),
      [
        ["PUT", "a prefix/x/a"],
        ["GET", "a prefix/x/a"],
        ["LIST", "a prefix/x/"],
        ["DELETE", "a prefix/x/a"],
      ],
    )
  })

  test("signs with the hash in the name, which the server checks against the bytes", async () => {
    const { store } = await openOnFaultServer()
    const bytes = pattern(5000)
    const digest = createHash("sha256").update(bytes).digest("hex")
    await store.put(named(`packs/${digest.slice(0, 2)}/${digest}`), bytes)
    await store.put(named(`log/d/1-${digest}`), bytes)
    await assert.rejects(
      store.put(named(`keys/${digest}`), pattern(5001)),
      isFailure("unavailable", "damaged-upload"),
    )
  })

  test("also sends the SHA-256 as a checksum if requested, which an object lock needs", async () => {
    const digest = createHash("sha256").update(pattern(100)).digest("hex")
    const plain = await openOnFaultServer({ isLocked: true })
    await assert.rejects(plain.store.put(named("a"), pattern(100)), isFailure("invalid", "store-refused"))
    const { store, server } = await openOnFaultServer({ isLocked: true }, { checksum: "sha256" })
    for (const name of ["repository", `keys/${digest}`]) await store.put(named(name), pattern(100))
    assert.equal(server.objects.size, 2)
  })

  test("refuses other bytes under an existing name if conditional puts work", async () => {
    const { store, server } = await openOnFaultServer({}, { conditionalPut: true })
    await store.put(named("a"), pattern(10))
    await store.put(named("a"), pattern(10))
    await assert.rejects(store.put(named("a"), pattern(11)), isFailure("conflict", "object-exists"))
    assert.deepEqual(server.objects.get("a prefix/x/a"), pattern(10))
  })

  test("treats it as a temporary failure if a store reports an object that it doesn't have yet", async () => {
    const { store, server } = await openOnFaultServer({}, { conditionalPut: true })
    server.plan = ({ method }) => (method === "PUT" ? "unsettled" : undefined)
    await assert.rejects(store.put(named("a"), pattern(10)), isFailure("unavailable", "unsettled"))
    server.plan = () => undefined
    await store.put(named("a"), pattern(10))
  })

  test("still puts an object named by its digest if a store keeps reporting it but never has it", async () => {
    const { store, server } = await openOnFaultServer({}, { conditionalPut: true })
    server.plan = ({ method }) => (method === "PUT" ? "unsettled" : undefined)
    const name = named(`keys/${createHash("sha256").update(pattern(100)).digest("hex")}`)
    await store.put(name, pattern(100))
    assert.deepEqual(await store.get(name), pattern(100))
    assert.deepEqual(
      server.requests.map(({ method }) => method),
      ["PUT", "GET", "PUT", "GET"],
    )
  })

  test("puts unconditionally from then on if a conditional put is refused", async () => {
    const { store, server } = await openOnFaultServer({ conditionalPut: "refused" }, { conditionalPut: true })
    for (const name of ["a", "b"]) await store.put(named(name), pattern(10))
    assert.deepEqual(
      server.requests.map(({ key }) => key),
      ["a prefix/x/a", "a prefix/x/a", "a prefix/x/b"],
    )
  })

  test("names its location without an endpoint for AWS, and with it for others", async () => {
    const settings = {
      bucket: "bucket",
      prefix: "a",
      region: "us-east-1",
      addressing: "virtual",
      endpoint: undefined,
    } as const
    assert.equal((await openS3Store(settings)).location, "s3://bucket/a")
    assert.equal(
      (await openS3Store({ ...settings, endpoint: "http://h:9000" })).location,
      "s3:http://h:9000/bucket/a",
    )
  })

  test("lists a name once if the server repeats it between two pages", async () => {
    const { store, server } = await openOnFaultServer({ pageNames: 2 })
    for (let i = 0; i < 5; i++) await store.put(named(`log/${i}`), pattern(1))
    server.plan = ({ method }) => (method === "LIST" ? "duplicate" : undefined)
    assert.deepEqual(
      (await collect(store, "log/")).map(({ name }) => name),
      ["log/0", "log/1", "log/2", "log/3", "log/4"],
    )
  })

  test("uses the proxy of the environment, but not for a loopback address", async () => {
    const seen: (string | undefined)[] = []
    const proxy = http.createServer((request, response) => {
      seen.push(request.url)
      response.writeHead(503).end()
    })
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
    const before = process.env["HTTP_PROXY"]
    process.env["HTTP_PROXY"] = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    try {
      const direct = await openOnFaultServer()
      await direct.store.put(named("a"), pattern(1))
      const proxied = await openOnFaultServer({}, { endpoint: "http://s3.example.com" })
      await assert.rejects(proxied.store.get(named("a")), isFailure("unavailable"))
      assert.equal(seen.length, 1)
      assert.match(String(seen[0]), /^http:\/\/s3\.example\.com\/test-bucket\//)
    } finally {
      if (before === undefined) delete process.env["HTTP_PROXY"]
      else process.env["HTTP_PROXY"] = before
      proxy.closeAllConnections()
      proxy.close()
    }
  })

  test("ignores foreign keys", async () => {
    const { store, server } = await openOnFaultServer()
    await store.put(named("keys/a"), pattern(1))
    for (const key of [
      "a prefix/x/",
      "a prefix/x/README.txt",
      "a prefix/x/keys/.b",
      "a prefix/xy",
      "other/keys/c",
    ]) {
      server.objects.set(key, pattern(1))
    }
    assert.deepEqual(
      (await collect(store, "")).map(({ name }) => name),
      ["keys/a"],
    )
  })
})

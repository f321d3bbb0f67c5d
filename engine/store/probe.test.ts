import * as assert from "node:assert/strict"
import { test } from "node:test"
import type { ObjectName } from "../base/ids.ts"
import type { S3FaultServerOptions, S3Request } from "../testing/s3-fault-server.ts"
import { noSleep, startServer } from "../testing/s3-fault-store.ts"
import { isFailure } from "../testing/store-contract.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { openStore, probeOf, providerOf, type OpenedStore } from "./open-store.ts"
import { probeStore } from "./probe.ts"

async function open(options: S3FaultServerOptions): Promise<{ store: OpenedStore; left: () => string[] }> {
  const server = await startServer(options)
  const { endpoint, bucket, region, credentials } = server
  const how = { region, credentials, retryPorts: noSleep }
  const store = await openStore(`s3:${endpoint}/${bucket}/x`, how, {})
  return { store, left: () => [...server.objects.keys()] }
}

const BEST = {
  provider: "custom",
  conditionalPut: "works",
  listing: "at-once",
  ranges: "works",
  removal: "works",
}

for (const [what, options, found] of [
  ["a server that does all", {}, {}],
  ["one without conditional PUT", { conditionalPut: "refused" }, { conditionalPut: "absent" }],
  ["one that ignores If-None-Match", { conditionalPut: "ignored" }, { conditionalPut: "absent" }],
  ["one that ignores ranges", { ranges: "ignored" }, { ranges: "ignored" }],
  ["a key that may not delete", { denied: ["DELETE"] }, { removal: "denied" }],
  ["a listing that lags", { plan: staleLists }, { listing: "lags" }],
  ["one that fails one request in four", { plan: failsOften }, {}],
  ["a server that says it is MinIO", { serverName: "MinIO" }, { provider: "minio" }],
  ["a server that says it is Ceph", { serverName: "Ceph Object Gateway (squid)" }, { provider: "ceph" }],
  ["a server of another name", { serverName: "nginx" }, {}],
] as const satisfies readonly (readonly [string, S3FaultServerOptions, object])[]) {
  test(`probe() detects what ${what} supports, and leaves nothing that it may remove`, async () => {
    const { store, left } = await open(options)
    assert.deepEqual(await probeOf(store)?.(), { ...BEST, ...found })
    const rest = left().filter((name) => !name.startsWith("x/probe/"))
    assert.deepEqual(rest, [])
    if (!("denied" in options)) assert.deepEqual(left(), [])
    const { requests } = store.traffic()
    assert.ok(requests.put >= 6 && requests.list >= 4, "what it asks for is counted")
  })
}

function staleLists({ method }: S3Request): "stale-list" | undefined {
  return method === "LIST" ? "stale-list" : undefined
}

function failsOften({ number }: S3Request): "503" | "lost-reply" | undefined {
  return number % 8 === 3 ? "503" : number % 8 === 7 ? "lost-reply" : undefined
}

test("probe() reports a conditional PUT that several concurrent clients win", async () => {
  const objects = new Map<ObjectName, Uint8Array<ArrayBuffer>>()
  const store = memoryStore(objects)
  // Checks first and writes a little later, like servers on plain file systems.
  const guarded = {
    ...store,
    async put(name: ObjectName, bytes: Uint8Array): Promise<void> {
      const isNew = !objects.has(name)
      await new Promise((resolve) => void setImmediate(resolve))
      if (isNew) objects.delete(name)
      await store.put(name, bytes)
    },
  }
  const ports = { store, guarded, ignoresRanges: () => false, nonce: "0" }
  assert.equal((await probeStore(ports)).conditionalPut, "races")
})

test("probe() fails if nothing can be written", async () => {
  const { store } = await open({ denied: ["PUT"] })
  await assert.rejects(async () => await probeOf(store)?.(), isFailure("denied", "write-denied"))
})

test("openStore() of a folder has no probe and no provider", async () => {
  const store = await openStore("/tmp")
  assert.deepEqual([probeOf(store), providerOf(store)], [undefined, undefined])
})

import * as assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { after, test } from "node:test"
import { pathToFileURL } from "node:url"
import { EngineError } from "../base/errors.ts"
import { readOnlyStore } from "../testing/read-only-store.ts"
import { startS3FaultServer } from "../testing/s3-fault-server.ts"
import { collect, isFailure, named, pattern } from "../testing/store-contract.ts"
import { parseAddress, type S3Address } from "./address.ts"
import {
  createsExclusively,
  locationName,
  openStore,
  s3Settings,
  type OpenStoreOptions,
} from "./open-store.ts"
import type { Store } from "./store.ts"

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-open-store-"))
after(() => fs.rmSync(scratch, { recursive: true }))

test("openStore() opens a folder, and creates it only on request", async () => {
  const root = path.join(scratch, "made", "here")
  await assert.rejects(collect(await openStore(root), ""), isFailure("not-found", "no-store"))
  const store = await openStore(root, { create: true })
  await store.put(named("a"), pattern(10))
  assert.equal(store.location, root)
  assert.equal(fs.statSync(root).mode & 0o777, 0o700)
  assert.deepEqual(store.traffic().requests, { put: 1, get: 0, head: 0, list: 0, delete: 0 })
  const reader = readOnlyStore(await openStore(root))
  assert.deepEqual(await reader.get(named("a")), pattern(10))
  await assert.rejects(reader.put(named("b"), pattern(10)), isFailure("denied", "read-only-store"))
})

test("openStore() opens S3 from the environment, retries, and counts every attempt", async () => {
  const server = await startS3FaultServer({ plan: ({ number }) => (number < 2 ? "503" : undefined) })
  try {
    const waits: number[] = []
    const retryPorts = { sleep: async (ms: number) => void waits.push(ms), random: () => 1 }
    const environment = { AWS_ENDPOINT_URL_S3: server.endpoint }
    const options = { credentials: server.credentials, retryPorts }
    const store = await openStore(`s3://${server.bucket}/x`, options, environment)
    assert.equal(store.location, `s3:${server.endpoint}/${server.bucket}/x`)
    await store.put(named("a"), pattern(10))
    assert.deepEqual(waits, [250, 500])
    assert.deepEqual([store.traffic().requests.put, store.traffic().bytesUp], [3, 30])
    assert.deepEqual([...server.objects.keys()], ["x/a"])
  } finally {
    await server.close()
  }
})

test("openStore() of a folder loads neither the SDK nor the S3 adapter", () => {
  const program = `
    import { registerHooks } from "node:module"
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })
    const { openStore } = await import(${JSON.stringify(pathToFileURL(path.join(import.meta.dirname, "open-store.ts")).href)})
    const store = await openStore(${JSON.stringify(scratch)})
    for await (const object of store.list("")) console.log(object.name)`
  const run = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" })
  assert.equal(run.status, 0, run.stderr)
  assert.match(run.stdout, /local-store\.ts/)
  assert.doesNotMatch(run.stdout, /@aws-sdk|@smithy|s3-(store|client)\.ts|node:https?$/m)
})

test("s3Settings() takes endpoint and region from location, options, environment and provider, in this order", () => {
  type Expected = [endpoint: string | undefined, region: string | undefined, addressing: string]
  const cases: [string, OpenStoreOptions, Record<string, string>, Expected][] = [
    ["s3://bucket", {}, {}, [undefined, undefined, "virtual"]],
    ["s3://bucket.with.dots", {}, {}, [undefined, undefined, "path"]],
    ["s3://bucket", {}, { AWS_DEFAULT_REGION: "a", AWS_REGION: "b" }, [undefined, "b", "virtual"]],
    ["s3://bucket", { region: "c" }, { AWS_REGION: "b" }, [undefined, "c", "virtual"]],
    ["s3://bucket", {}, { AWS_ENDPOINT_URL: "http://one:1" }, ["http://one:1", "us-east-1", "path"]],
    [
      "s3://bucket",
      {},
      { AWS_ENDPOINT_URL: "http://one", AWS_ENDPOINT_URL_S3: "http://two" },
      ["http://two", "us-east-1", "path"],
    ],
    [
      "s3://bucket",
      { endpoint: "three.example" },
      { AWS_ENDPOINT_URL_S3: "http://two" },
      ["https://three.example", "us-east-1", "path"],
    ],
    ["s3:http://four/bucket", { endpoint: "http://three" }, {}, ["http://four", "us-east-1", "path"]],
    [
      "s3:s3.eu-west-1.amazonaws.com/bucket",
      {},
      {},
      ["https://s3.eu-west-1.amazonaws.com", "eu-west-1", "virtual"],
    ],
    [
      "s3:s3.us-west-004.backblazeb2.com/bucket",
      {},
      {},
      ["https://s3.us-west-004.backblazeb2.com", "us-west-004", "path"],
    ],
    ["s3:http://four/bucket", { provider: "r2" }, {}, ["http://four", "auto", "path"]],
    ["s3:http://four/bucket", { addressing: "virtual" }, {}, ["http://four", "us-east-1", "virtual"]],
  ]
  for (const [location, options, environment, expected] of cases) {
    const found = s3Settings(parseAddress(location) as S3Address, options, environment)
    assert.deepEqual([found.endpoint, found.region, found.addressing], expected, location)
  }
})

test("locationName() returns one name for every way to write a place", () => {
  assert.equal(locationName(path.relative(process.cwd(), scratch)), scratch)
  const environment = { AWS_ENDPOINT_URL_S3: "https://host" }
  assert.equal(locationName("s3://bucket/a/", {}, environment), "s3:https://host/bucket/a")
  assert.equal(locationName("s3:HOST/bucket//a"), "s3:https://host/bucket/a")
  assert.throws(() => locationName("sftp:host"), EngineError)
})

test("createsExclusively() trusts no S3 store whose provider is unknown", () => {
  const bare = { location: "s3:https://example.test/bucket" } as Store
  assert.equal(createsExclusively(bare, {}), false)
  assert.equal(createsExclusively(bare, { conditionalPut: "refused" }), false)
  assert.equal(createsExclusively({ location: "/a/folder" } as Store, {}), true)
})

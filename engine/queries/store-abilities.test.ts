import assert from "node:assert/strict"
import { test, type TestContext } from "node:test"
import { doctor, type Finding, type Repository } from "../index.ts"
import { openStore } from "../store/open-store.ts"
import type { ProviderId } from "../store/provider-profiles.ts"
import { backupPlace, type BackupPlace } from "../testing/backup-place.ts"
import type { S3FaultServer, S3FaultServerOptions } from "../testing/s3-fault-server.ts"
import { noSleep, startServer } from "../testing/s3-fault-store.ts"
import { isFailure, named, pattern } from "../testing/store-contract.ts"
import { storeAbilities } from "./store-abilities.ts"

interface Setting {
  readonly server: S3FaultServer
  readonly place: BackupPlace
  /** As the next command opens it. */
  readonly reopen: (provider?: ProviderId) => Promise<Repository>
}

async function setting(t: TestContext, options: S3FaultServerOptions = {}): Promise<Setting> {
  const server = await startServer(options)
  const { endpoint, bucket, region, credentials } = server
  const client = async (provider?: ProviderId) =>
    await openStore(`s3:${endpoint}/${bucket}/x`, { region, credentials, provider, retryPorts: noSleep }, {})
  const place = await backupPlace(t, { adapter: await client() })
  return { server, place, reopen: async (provider) => await place.open(place.home, await client(provider)) }
}

function told(findings: readonly Finding[]): string[] {
  return findings.map(({ level, subject, message }) => `${level} ${subject}: ${message}`)
}

test("openRepository() guards puts if init found that conditional puts work", async (t) => {
  const { server, reopen } = await setting(t)
  const { store } = await reopen()
  await store.put(named("keys/a"), pattern(10))
  await store.put(named("keys/a"), pattern(10))
  await assert.rejects(store.put(named("keys/a"), pattern(11)), isFailure("conflict", "object-exists"))
  assert.deepEqual(server.objects.get("x/keys/a"), pattern(10))
})

test("openRepository() does not guard puts if conditional puts fail, or the provider refuses them", async (t) => {
  const ignored = await setting(t, { conditionalPut: "ignored" })
  const works = await setting(t)
  for (const { store } of [await ignored.reopen(), await works.reopen("backblaze")]) {
    await store.put(named("keys/a"), pattern(10))
    await store.put(named("keys/a"), pattern(11))
    assert.deepEqual(await store.get(named("keys/a")), pattern(11))
  }
})

test("doctor() reports the store's provider, what was found there, and what that costs", async (t) => {
  const { reopen, place } = await setting(t, { serverName: "MinIO" })
  assert.equal(place.repository.session.trust.state.store["provider"], "minio")
  const known = told(await storeAbilities(await reopen(), false))
  assert.equal(known[0], "good provider: MinIO")
  assert.match(known[1] ?? "", /^good store lists: new objects immediately \(tested on /)
  assert.ok(told(await doctor(place.home, await reopen())).includes("good provider: MinIO"))

  // The record came with a mirror of another store.
  const elsewhere = told(await storeAbilities(await reopen("backblaze"), false))
  assert.deepEqual(elsewhere, [
    "good provider: Backblaze B2; deleted objects are billed until a lifecycle rule removes old versions",
    "warning store: not tested yet",
  ])
  const tried = told(await storeAbilities(await reopen("wasabi"), true))
  assert.equal(tried[0], "good provider: Wasabi; each object is billed for at least 90 days")
  assert.ok(tried.includes("good store: supports conditional PUT (tested now)"))
})

test("doctor() reports no provider for a store in memory or a folder", async (t) => {
  const place = await backupPlace(t)
  assert.deepEqual(await storeAbilities(place.repository, true), [])
})

import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import { test, type TestContext } from "node:test"
import { seededRandom } from "../../fixtures/random.ts"
import type { RawPath } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { backupPlace, save, type BackupPlace } from "../testing/backup-place.ts"
import { estimate, requireBudget, type EstimateRequest } from "./estimate.ts"

interface Planned {
  readonly place: BackupPlace
  readonly folder: string
  readonly request: EstimateRequest
}

async function planned(t: TestContext): Promise<Planned> {
  const place = await backupPlace(t)
  const folder = path.join(place.folder, "source")
  mkdirSync(folder)
  for (let i = 0; i < 40; i++) writeFileSync(path.join(folder, `${i}`), seededRandom(`${i}`).bytes(i * 900))
  const request = { paths: [folder as RawPath], cwd: "/", host: "machine", user: "somebody" }
  return { place, folder, request }
}

test("estimate() predicts what the backup then does, and writes nothing", async (t) => {
  const { place, folder, request } = await planned(t)
  const before = place.objects.size
  const first = await estimate(place.repository, { ...request, provider: "aws" })
  assert.equal(place.objects.size, before)
  const real = await save(place.repository, folder)
  assert.equal(first.added.bytes, real.summary.dataAddedPacked)
  assert.deepEqual([first.requests.put, first.requests.list], [real.requests.put, real.requests.list])
  assert.deepEqual(first.run.summary, real.summary)

  writeFileSync(path.join(folder, "new"), seededRandom("new").bytes(100_000))
  const second = await estimate(place.repository, request)
  const again = await save(place.repository, folder)
  assert.equal(second.added.bytes, again.summary.dataAddedPacked)
  assert.equal(second.after.bytes, first.added.bytes + second.added.bytes)
  const idle = await estimate(place.repository, request)
  assert.deepEqual(
    [idle.added, idle.requests],
    [
      { objects: 0, bytes: 0 },
      { put: 0, list: 0, get: 0 },
    ],
  )
  assert.equal((await save(place.repository, folder)).requests.list, 0)
})

test("estimate() prices it like the provider, and gives no price if it is unknown", async (t) => {
  const { place, request } = await planned(t)
  const { repository } = place
  const { money, added } = await estimate(repository, { ...request, provider: "aws" })
  assert.ok(money !== null)
  const near = (found: number, expected: number): void =>
    assert.ok(Math.abs(found - expected) < 1e-12, `${found} instead of ${expected}`)
  near(money.requests, (2 * 0.005 + 2 * 0.005) / 1000)
  near(money.storage, (added.bytes / 1e12) * 23)
  near(money.perMonth, money.storage)
  near(money.restore, 0.005 / 1000 + 0.0004 / 1000) // below the free 100 GB
  const wasabi = (await estimate(repository, { ...request, provider: "wasabi" })).money
  assert.equal(wasabi?.perMonth, 7.99)
  assert.equal((await estimate(repository, request)).money, null)
  assert.equal((await estimate(repository, { ...request, provider: "minio" })).money, null)
})

test("requireBudget() refuses more than a limit in bytes or dollars, before anything is written", async (t) => {
  const { place, request } = await planned(t)
  const { repository } = place
  const refused = (code: string) => (error: unknown) => isEngineError(error, code)
  const { added } = await estimate(repository, request)
  await requireBudget(repository, request, { bytes: added.bytes })
  await assert.rejects(requireBudget(repository, request, { bytes: added.bytes - 1 }), refused("budget"))
  const priced = { ...request, provider: "aws" as const }
  await requireBudget(repository, priced, { dollars: 1 })
  await assert.rejects(requireBudget(repository, priced, { dollars: 0.000001 }), refused("budget"))
  await assert.rejects(requireBudget(repository, request, { dollars: 1 }), refused("no-prices"))
})

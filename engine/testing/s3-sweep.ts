/**
 * Every fault at every request of a backup, on the fault server. A new device opens, enrols, looks,
 * and backs up changes. The result is a snapshot that restores whole, or an error that says what
 * happened. After an error the next run must succeed, with nothing lost.
 */
import assert from "node:assert/strict"
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import type { TestContext } from "node:test"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { EngineError } from "../base/errors.ts"
import { check, type Home, type Store } from "../index.ts"
import { meteredStore } from "../store/wrappers/metered-store.ts"
import { retryingStore } from "../store/wrappers/retrying-store.ts"
import { openS3Store } from "../store/s3/s3-store.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "./backup-place.ts"
import type { S3FaultServer, S3ServerFault } from "./s3-fault-server.ts"
import { noSleep, settingsOf, startServer } from "./s3-fault-store.ts"

export const SWEEP_FAULTS: readonly S3ServerFault[] = [
  "500",
  "503",
  "429",
  "reset",
  "lost-reply",
  "torn-body",
  "duplicate",
  "stale-list",
  "portal",
  "hang",
  "flipped-bit",
  { delayMs: 300 },
]

export interface Sweep {
  /** Requests of the backup without a fault. */
  readonly requests: number
  /** The first request that puts a pack. */
  readonly firstPack: number
  /**
   * Runs with the fault at the k-th request (from 0), or at it and all later ones.
   * @throws if a promise is broken
   */
  run(k: number, fault: S3ServerFault, lasting?: boolean): Promise<"saved" | EngineError>
}

/** @param addedBytes more than one pack gives several packs, uploaded together, with an index segment */
export async function faultSweep(t: TestContext, addedBytes: number = 70_000): Promise<Sweep> {
  const server = await startServer()
  const { prefix } = settingsOf(server)
  const place = await backupPlace(t, { adapter: await openClient(server, prefix) })
  const source = path.join(place.folder, "source")
  mkdirSync(source)
  for (let i = 0; i < 12; i++) writeFileSync(path.join(source, `${i}`), seededRandom(`${i}`).bytes(3000 * i))
  const first = await save(place.repository, source)
  const old = pictureOf(source)
  appendFileSync(path.join(source, "3"), "changed")
  writeFileSync(path.join(source, "added"), seededRandom("added").bytes(addedBytes))
  const objects = new Map(
    Array.from(server.objects, ([key, bytes]) => [key.slice(prefix.length), bytes] as const),
  )
  const base = { objects, first: first.at, old, now: pictureOf(source) }
  let runs = 0
  const setting: Setting = { server, place, source, base, nextPrefix: () => `run ${runs++}` }
  const counted = await countRequests(setting)
  return { ...counted, run: (k, fault, lasting = false) => runOnce(setting, { k, fault, lasting }) }
}

interface Setting {
  readonly server: S3FaultServer
  readonly place: BackupPlace
  readonly source: string
  readonly base: {
    /** By key, without the prefix. */
    readonly objects: ReadonlyMap<string, Uint8Array>
    readonly first: string
    readonly old: Picture
    readonly now: Picture
  }
  /** Each run has its own prefix: a request that a client gave up may arrive during the next run. */
  readonly nextPrefix: () => string
}

/** One run's part of the server. */
interface RunPlace extends Setting {
  readonly client: () => Promise<Store>
}

/** Combines the wrappers like `openStore`, with shorter timeouts. */
async function openClient(server: S3FaultServer, prefix: string): Promise<Store> {
  const timeouts = { connectMs: 1000, idleMs: 250 }
  return retryingStore(meteredStore(await openS3Store({ ...settingsOf(server), prefix, timeouts })), noSleep)
}

function begin(setting: Setting): RunPlace {
  const { server, base } = setting
  const prefix = setting.nextPrefix()
  server.plan = () => undefined
  server.objects.clear()
  for (const [key, bytes] of base.objects) server.objects.set(prefix + key, bytes)
  return { ...setting, client: () => openClient(server, prefix) }
}

async function countRequests(setting: Setting): Promise<Pick<Sweep, "requests" | "firstPack">> {
  const run = begin(setting)
  const before = setting.server.requests.length
  await backUp(run, setting.place.newHome())
  const asked = setting.server.requests.slice(before)
  const firstPack = asked.findIndex(({ method, key }) => method === "PUT" && key.includes("/packs/"))
  return { requests: asked.length, firstPack }
}

async function backUp({ place, source, client }: RunPlace, home: Home): Promise<string> {
  const repository = await place.open(home, await client())
  try {
    // The next run finds the snapshot that a failed run committed before it failed.
    return (await save(repository, source)).at
  } finally {
    repository.close()
  }
}

async function runOnce(
  setting: Setting,
  { k, fault, lasting }: { k: number; fault: S3ServerFault; lasting: boolean },
): Promise<"saved" | EngineError> {
  const run = begin(setting)
  const { server } = run
  const start = server.requests.length
  server.plan = ({ number }) => (number - start === k || (lasting && number - start > k) ? fault : undefined)
  const home = setting.place.newHome()
  const outcome = await backUp(run, home).catch((error: unknown) => {
    // Any other error is a bug.
    if (error instanceof EngineError) return error
    throw error
  })
  server.plan = () => undefined
  // A duplicated write may arrive this late.
  await new Promise((resolve) => void setTimeout(resolve, 15))
  if (typeof outcome === "string") {
    await requireRestorable(run, outcome)
    return "saved"
  }
  assert.match(outcome.message, /^\S/)
  await requireRestorable(run, await backUp(run, home))
  return outcome
}

/** A new machine without faults restores both snapshots, and every object is right. */
async function requireRestorable({ place, base, client }: RunPlace, id: string): Promise<void> {
  const empty = await place.open(place.newHome(), await client(), false)
  try {
    assert.deepEqual((await check(empty, { readData: true })).errors, [])
    for (const [snapshot, expected] of [
      [id, base.now],
      [base.first, base.old],
    ] as const) {
      const target = path.join(place.folder, "restored")
      assert.deepEqual((await restoreTo(empty, snapshot, target)).errors, [])
      assertPicture(target, expected)
      rmSync(target, { recursive: true })
    }
  } finally {
    empty.close()
  }
}

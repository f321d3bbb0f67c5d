/**
 * A large upload to a real S3 server that is killed and restarted many times. The backup must
 * complete, and send again at most what was in progress. It reports measurements.
 */
import assert from "node:assert/strict"
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs"
import * as path from "node:path"
import type { TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { startS3Server, type RealS3Server, type RealS3ServerKind } from "../../fixtures/s3-servers.ts"
import { PACK_BYTES } from "../format/pack.ts"
import { openStore, type OpenedStore } from "../store/open-store.ts"
import { UPLOADS_AT_ONCE } from "../backup/run-store.ts"
import { assertPicture, backupPlace, restoreTo, save } from "./backup-place.ts"

export interface Restarts {
  readonly kind: RealS3ServerKind
  readonly bytes: number
  readonly restarts: number
}

/**
 * The most bytes in progress when a server dies. They are sent again; spec/stores.md states this constant.
 */
export const RESENT_BYTES_MAX: number = UPLOADS_AT_ONCE.remote * PACK_BYTES

const FILE_BYTES = 128 * 1024 * 1024

export async function uploadThroughRestarts(
  t: TestContext,
  { kind, bytes, restarts }: Restarts,
): Promise<void> {
  const server = await startS3Server(kind)
  t.after(() => server.close())
  const { endpoint, bucket, region, credentials } = server
  const outages: Outages = { bytes, restarts, begunBytes: 0, kills: 0, underWay: new Set(), met: [] }
  const adapter = heldStore(
    await openStore(`s3:${endpoint}/${bucket}/restarts`, { region, credentials }, {}),
    outages,
  )
  const place = await backupPlace(t, { adapter })
  const source = path.join(place.folder, "source")
  writeNoise(source, bytes)
  const before = pictureOf(source)

  const started = performance.now()
  const sentBefore = place.repository.requests().bytesUp
  let isDone = false
  outages.begunBytes = 0
  const killing = killAgainAndAgain(server, outages, () => isDone)
  const saved = await save(place.repository, source).finally(() => (isDone = true))
  await killing
  const { kills } = outages
  const seconds = (performance.now() - started) / 1000

  let stored = 0
  for await (const { sizeBytes } of adapter.list("packs/")) stored += sizeBytes
  const resent = place.repository.requests().bytesUp - sentBefore - stored
  t.diagnostic(
    `${kind}: ${Math.round(stored / 2 ** 20)} MiB stored in ${seconds.toFixed(1)} s through ${kills} restarts; ` +
      `${(resent / 2 ** 20 / Math.max(1, kills)).toFixed(1)} MiB sent again each time`,
  )
  assert.equal(kills, restarts, "the server was killed as often as planned while the upload ran")
  assert.ok(resent <= restarts * RESENT_BYTES_MAX, `${resent} bytes were sent again`)

  const reader = await place.open(place.newHome(), adapter, false)
  const target = path.join(place.folder, "restored")
  assert.deepEqual((await restoreTo(reader, saved.at, target)).errors, [])
  assertPicture(target, before)
}

/**
 * The server dies at even steps of the upload, while packs are in progress. No put meets two
 * outages: its ten attempts are for one, and a busy machine needs several for it.
 */
interface Outages {
  readonly bytes: number
  readonly restarts: number
  /** Bytes of all puts that were started, each counted once. */
  begunBytes: number
  kills: number
  /** Puts in progress. */
  readonly underWay: Set<symbol>
  /** Puts that the last outage interrupted. */
  met: readonly symbol[]
}

function isDue({ bytes, restarts, begunBytes, kills }: Outages): boolean {
  return kills < restarts && begunBytes > ((kills + 0.5) / (restarts + 1)) * bytes
}

function isOver({ met, underWay }: Outages): boolean {
  return !met.some((put) => underWay.has(put))
}

/**
 * Puts wait while an outage is due and the last one isn't over. Otherwise the upload would finish
 * too early.
 */
function heldStore(store: OpenedStore, outages: Outages): OpenedStore {
  const put: OpenedStore["put"] = async (name, bytes) => {
    while (isDue(outages) && !isOver(outages)) await pause(10)
    const call = Symbol(name)
    outages.begunBytes += bytes.length
    outages.underWay.add(call)
    await store.put(name, bytes).finally(() => outages.underWay.delete(call))
  }
  return { ...store, put }
}

async function killAgainAndAgain(
  server: RealS3Server,
  outages: Outages,
  isDone: () => boolean,
): Promise<void> {
  while (outages.kills < outages.restarts && !isDone()) {
    if (isDue(outages) && isOver(outages) && outages.underWay.size > 0) {
      outages.met = [...outages.underWay]
      await server.kill()
      await pause(100)
      await server.restart()
      outages.kills++
    }
    await pause(20)
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Writes incompressible data, so all of it is uploaded. */
function writeNoise(folder: string, bytes: number): void {
  mkdirSync(folder)
  for (let written = 0, number = 0; written < bytes; number++) {
    const random = seededRandom(`noise ${number}`)
    const file = openSync(path.join(folder, `${number}`), "w")
    for (let left = Math.min(FILE_BYTES, bytes - written); left > 0;) {
      const part = Math.min(left, 2 ** 20)
      writeSync(file, random.bytes(part))
      written += part
      left -= part
    }
    closeSync(file)
  }
}

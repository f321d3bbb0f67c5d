/**
 * A large upload to a real S3 server that is killed and started again many times meanwhile. The backup
 * must complete, and send again no more than what was on its way. Measured, not only asserted.
 */
import assert from "node:assert/strict"
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs"
import * as path from "node:path"
import type { TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { startS3Server, type RealS3Server, type RealS3ServerKind } from "../../fixtures/s3-servers.ts"
import { PACK_BYTES } from "../format/pack.ts"
import type { Repository } from "../index.ts"
import { openStore, type OpenedStore } from "../store/open-store.ts"
import { UPLOADS_AT_ONCE } from "../write/backup.ts"
import { assertPicture, backupPlace, restoreTo, save } from "./backup-place.ts"

export interface Restarts {
  readonly kind: RealS3ServerKind
  readonly bytes: number
  readonly restarts: number
}

/** Packs on their way when a server dies, and sent again: the constant that spec/stores.md states. */
export const RESENT_BYTES_MAX: number = UPLOADS_AT_ONCE.remote * PACK_BYTES

const FILE_BYTES = 128 * 1024 * 1024

export async function uploadThroughRestarts(
  t: TestContext,
  { kind, bytes, restarts }: Restarts,
): Promise<void> {
  const server = await startS3Server(kind)
  t.after(() => server.close())
  const { endpoint, bucket, region, credentials } = server
  const { adapter, putsUnderWay } = watched(
    await openStore(`s3:${endpoint}/${bucket}/restarts`, { region, credentials }, {}),
  )
  const place = await backupPlace(t, { adapter })
  const source = path.join(place.folder, "source")
  writeNoise(source, bytes)
  const before = pictureOf(source)

  const started = performance.now()
  const sentBefore = place.repository.requests().bytesUp
  let isDone = false
  const run: Killing = { bytes, restarts, putsUnderWay, isDone: () => isDone }
  const killing = killAgainAndAgain(server, place.repository, run)
  const saved = await save(place.repository, source).finally(() => (isDone = true))
  const kills = await killing
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

interface Watched {
  readonly adapter: OpenedStore
  /** Puts that were begun and have not ended, their retries included. */
  readonly putsUnderWay: ReadonlySet<symbol>
}

function watched(store: OpenedStore): Watched {
  const putsUnderWay = new Set<symbol>()
  const put: OpenedStore["put"] = async (name, bytes) => {
    const call = Symbol(name)
    putsUnderWay.add(call)
    await store.put(name, bytes).finally(() => putsUnderWay.delete(call))
  }
  return { adapter: { ...store, put }, putsUnderWay }
}

interface Killing extends Pick<Watched, "putsUnderWay"> {
  readonly bytes: number
  readonly restarts: number
  readonly isDone: () => boolean
}

/**
 * At even steps of the upload, so that each kill meets packs on their way. No put meets two: its ten
 * attempts are for one outage, and on a busy machine one outage takes several of them.
 */
async function killAgainAndAgain(
  server: RealS3Server,
  repository: Repository,
  run: Killing,
): Promise<number> {
  const start = repository.requests().bytesUp
  let kills = 0
  let met: readonly symbol[] = []
  while (kills < run.restarts && !run.isDone()) {
    const sent = repository.requests().bytesUp - start
    const isOver = !met.some((put) => run.putsUnderWay.has(put))
    if (isOver && sent > ((kills + 0.5) / (run.restarts + 1)) * run.bytes) {
      met = [...run.putsUnderWay]
      await server.kill()
      await pause(100)
      await server.restart()
      kills++
    }
    await pause(20)
  }
  return kills
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, ms))
}

/** Of what does not compress, so that all of it goes up. */
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

import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { isEngineError } from "../base/errors.ts"
import { check, type Store } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"
import { faultyStore, StoreCrash, type Fault } from "../testing/faulty-store.ts"
import { newData, pendingData } from "../testing/what-was-stored.ts"

const MiB = 1024 * 1024
const TOTAL = 64 * MiB
function noiseSource({ folder }: BackupPlace, bytes: number): string {
  const source = join(folder, "source")
  fs.mkdirSync(source)
  const random = seededRandom("resume")
  for (let i = 0; i * 4 * MiB < bytes; i++) fs.writeFileSync(join(source, `${i}`), random.bytes(4 * MiB))
  return source
}

/** A fault at the k-th put of a pack, from 0. */
function packFault(k: number, fault: Fault): (store: Store) => Store {
  let packs = 0
  return (store) =>
    faultyStore(store, ({ method, name }) =>
      method === "put" && name.startsWith("packs/") && packs++ === k ? fault : undefined,
    )
}

test("backup() after a kill resumes from every durable pack", async (t) => {
  const place = await backupPlace(t)
  const source = noiseSource(place, TOTAL)
  for (const fault of ["crash-before", "crash-after"] as const) {
    const first = await place.open(place.home, place.store(packFault(1, fault)))
    await assert.rejects(save(first, source), StoreCrash)
    first.close()
  }
  const again = await place.open()
  const durable = pendingData(again)
  assert.ok(durable > 0)
  let at = ""
  const sent = await newData(again, async () => ({ at } = await save(again, source)))
  assert.equal(sent, TOTAL - durable)
  assert.equal(pendingData(again), 0)
  t.diagnostic(`${durable} bytes were durable, ${sent} were sent after that`)
  await restoreTo(await place.open(place.newHome()), at, join(place.folder, "target"))
  assertPicture(join(place.folder, "target"), pictureOf(source))
})

test("backup() with a store that fails for a while reports it, and the next one sends only what is missing", async (t) => {
  const place = await backupPlace(t)
  const source = noiseSource(place, 8 * MiB)
  for (const fault of ["refused", "lost-reply", "denied"] as const) {
    const flaky = await place.open(place.home, place.store(packFault(0, fault)))
    const kind = fault === "denied" ? "denied" : "unavailable"
    await assert.rejects(save(flaky, source), (error) => isEngineError(error) && error.kind === kind)
    flaky.close()
  }
  const again = await place.open()
  const { at } = await save(again, source)
  await restoreTo(again, at, join(place.folder, "target"))
  assertPicture(join(place.folder, "target"), pictureOf(source))
})

test("backup() of another series lists the packs left by a killed one, so nothing depends on them unlisted", async (t) => {
  const place = await backupPlace(t)
  const source = noiseSource(place, 8 * MiB)
  const entries = (store: Store): Store =>
    faultyStore(store, ({ method, name }) =>
      method === "put" && name.startsWith("log/") ? "crash-before" : undefined,
    )
  const first = await place.open(place.home, place.store(entries))
  await assert.rejects(save(first, source), StoreCrash)
  first.close()
  const again = await place.open()
  assert.equal(await newData(again, () => save(again, source, { series: "another" })), 0)
  const [, other] = [await save(again, source, { series: "another" }), await place.open(place.newHome())]
  const { at } = await save(again, source)
  await restoreTo(other, at, join(place.folder, "target"))
  assertPicture(join(place.folder, "target"), pictureOf(source))
})

test("backup() replaces its own entry that is torn in the store, and continues", async (t) => {
  const place = await backupPlace(t, { local: true })
  const source = join(place.folder, "source")
  fs.mkdirSync(source)
  fs.writeFileSync(join(source, "file"), "the first")
  for (const length of [0, 100]) {
    const { snapshotId } = await save(place.repository, source, { forceSnapshot: true })
    const log = join(place.folder, "repository/log")
    const entry = fs
      .readdirSync(log, { recursive: true, encoding: "utf8" })
      .find((name) => name.endsWith(snapshotId ?? ""))
    fs.truncateSync(join(log, entry ?? ""), length)
    fs.rmSync(place.repository.home.statePath) // a power cut would also lose it
    const again = await place.open()
    fs.writeFileSync(join(source, "file"), `after a tear to ${length} bytes`)
    const { at } = await save(again, source)
    assert.notEqual(at, "")
    again.close()
    const elsewhere = await place.open(place.newHome())
    assert.deepEqual((await check(elsewhere, { readData: true })).errors, [])
    await restoreTo(elsewhere, at, join(place.folder, `target ${length}`))
    assertPicture(join(place.folder, `target ${length}`), pictureOf(source))
  }
})

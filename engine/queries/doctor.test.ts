import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { cacheInfo, clearCache, doctor, type Home, type Repository } from "../index.ts"
import { openHome } from "../home/home.ts"
import { backupPlace, save } from "../testing/backup-place.ts"

async function troubles(home: Home, repository?: Repository): Promise<string[]> {
  const found = await doctor(home, repository)
  return found
    .filter(({ level, subject }) => level !== "good" && !["compression", "file metadata"].includes(subject))
    .map(({ level, subject }) => `${level} ${subject}`)
}

test("doctor() accepts a good device and store, and advises how to fix a bad one", async (t) => {
  const place = await backupPlace(t)
  const { repository, home, clock } = place
  const source = path.join(place.folder, "notes")
  fs.mkdirSync(source)
  assert.deepEqual(await troubles(home, repository), ["warning snapshots"])
  await save(repository, source)
  assert.deepEqual(await troubles(home, repository), [])
  clock.aheadNs -= 3_600_000_000_000n
  assert.deepEqual(await troubles(home, repository), ["warning clock"])
  fs.chmodSync(home.identityRoot, 0o777)
  assert.deepEqual(await troubles(home, repository), ["bad home", "warning clock"])
  fs.chmodSync(home.identityRoot, 0o700)
  clock.aheadNs += 3_600_000_000_000n
  for (const [name, bytes] of place.objects) if (name.startsWith("log/")) bytes[80] = (bytes[80] ?? 0) ^ 1
  const other = await backupPlace(t)
  assert.deepEqual(await troubles(other.newHome()), ["warning repository"])
  const entry = [...place.objects.keys()].find((name) => /^log\/[0-9a-f]{32}\//.test(name))
  if (entry !== undefined) place.objects.delete(entry)
  assert.deepEqual(await troubles(home, repository), ["bad store"])
})

test("clearCache() removes only caches: the device remains, and the next run needs no secret", async (t) => {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  fs.mkdirSync(source)
  fs.writeFileSync(path.join(source, "a"), "1")
  await save(place.repository, source)
  place.repository.close()
  const [cache, ...others] = cacheInfo(place.home)
  assert.deepEqual([cache?.repository, others], [place.repository.id, []])
  assert.ok((cache?.bytes ?? 0) > 10_000)
  clearCache(place.home)
  assert.deepEqual(cacheInfo(place.home), [])
  const again = await place.open(place.home)
  assert.equal(again.session.device?.id, place.repository.session.device?.id)
  assert.equal((await save(again, source)).snapshotId, null)
  assert.deepEqual(cacheInfo(openHome({ directory: path.join(place.folder, "none"), environment: {} })), [])
})

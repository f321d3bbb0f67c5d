/** Counts the store requests of the usual verbs, as a provider bills them. spec/ordering.md, spec/log.md. */
import assert from "node:assert/strict"
import { appendFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import { test, type TestContext } from "node:test"
import type { RawPath } from "../base/ids.ts"
import { findSnapshot, restore, type Repository, type Requests, type Store } from "../index.ts"
import { openStore } from "../store/open-store.ts"
import { backupPlace, save, type BackupPlace } from "../testing/backup-place.ts"
import { noSleep, startServer } from "../testing/s3-fault-store.ts"

const DAY_NS = 24n * 3600n * 1_000_000_000n

/** put, get, head, list, delete */
type Counts = readonly [number, number, number, number, number]

function counts({ put, get, head, list, delete: removed }: Requests): Counts {
  return [put, get, head, list, removed]
}

function total(repository: Repository): number {
  return counts(repository.requests()).reduce((sum, count) => sum + count)
}

/** S3 with its meter, limit and retries, and memory. Both count the same. */
const STORES = {
  memory: async (): Promise<Store | undefined> => undefined,
  S3: async (): Promise<Store | undefined> => {
    const { endpoint, bucket, region, credentials } = await startServer()
    return await openStore(`s3:${endpoint}/${bucket}/x`, { region, credentials, retryPorts: noSleep }, {})
  },
}
const KINDS = ["memory", "S3"] as const

interface Source {
  readonly place: BackupPlace
  readonly folder: string
  /** Changes one file, as an agent does. */
  readonly change: (round: number) => void
}

async function source(t: TestContext, kind: (typeof KINDS)[number], files: number): Promise<Source> {
  const adapter = await STORES[kind]()
  const place = await backupPlace(t, adapter === undefined ? {} : { adapter })
  const folder = path.join(place.folder, "notes")
  mkdirSync(folder)
  for (let i = 0; i < files; i++) writeFileSync(path.join(folder, `${i}.md`), `note ${i}\n`)
  const change = (round: number): void => {
    const file = path.join(folder, `${round % files}.md`)
    appendFileSync(file, `a line of round ${round}\n`)
    utimesSync(file, 1_700_000_000 + round, 1_700_000_000 + round)
  }
  return { place, folder, change }
}

for (const kind of KINDS) {
  test(`backup() to ${kind} of nothing new makes no requests, and one LIST if the last look is a day old`, async (t) => {
    const { place, folder } = await source(t, kind, 20)
    await save(place.repository, folder)
    assert.deepEqual(counts((await save(place.repository, folder)).requests), [0, 0, 0, 0, 0])
    const later = await place.open()
    assert.deepEqual(counts((await save(later, folder)).requests), [0, 0, 0, 0, 0])
    assert.equal(total(later), 0, "opening as a known device is free")
    place.clock.aheadNs += DAY_NS + 1n
    assert.deepEqual(counts((await save(later, folder)).requests), [0, 0, 0, 1, 0])
    assert.deepEqual(counts((await save(later, folder)).requests), [0, 0, 0, 0, 0])
  })

  test(`backup() to ${kind} of a small change makes 2 PUT and 2 LIST, forty times in a row`, async (t) => {
    const { place, folder, change } = await source(t, kind, 30)
    await save(place.repository, folder)
    for (let round = 0; round < 40; round++) {
      change(round)
      assert.deepEqual(
        counts((await save(place.repository, folder)).requests),
        [2, 0, 0, 2, 0],
        `round ${round}`,
      )
    }
  })

  for (const files of [20, 1500]) {
    test(`restore() from ${kind} on an empty machine makes at most 10 requests before the first of ${files} files`, async (t) => {
      const { place, folder, change } = await source(t, kind, files)
      await save(place.repository, folder)
      for (let round = 1; round < 10; round++) {
        change(round)
        await save(place.repository, folder)
      }
      const found: number[] = []
      for (const address of ["latest", place.repository.log.heads()[0]?.digest ?? ""]) {
        found.push((await requestsForOneFile(place, address, { folder, name: "5.md" })).first)
      }
      t.diagnostic(`requests, the file's own included: ${found.join(", ")}`)
      for (const requests of found) assert.ok(requests - 1 <= 10, `${requests - 1} requests before it`)
    })
  }

  test(`restore() from ${kind} on an empty machine makes at most 2 more requests for another device`, async (t) => {
    const { place, folder, change } = await source(t, kind, 20)
    for (let round = 0; round < 10; round++) {
      change(round)
      await save(place.repository, folder)
    }
    const { all: before } = await requestsForOneFile(place, "latest", { folder, name: "5.md" })
    const other = await place.open(place.newHome())
    for (let round = 10; round < 15; round++) {
      change(round)
      await save(other, folder)
    }
    const { all: after } = await requestsForOneFile(place, "latest", { folder, name: "5.md" })
    assert.ok(after - before <= 2, `${before} requests, with another device ${after}`)
  })
}

interface RequestsForFile {
  /** Up to the file, including its data: metadata of its parents may be read after it. */
  readonly first: number
  readonly all: number
}

/** Requests of restoring one small file by a new home. */
async function requestsForOneFile(
  place: BackupPlace,
  address: string,
  { folder, name }: { folder: string; name: string },
): Promise<RequestsForFile> {
  const empty = await place.open(place.newHome(), place.store(), false)
  const { snapshot } = await findSnapshot(empty, address)
  const target = path.join(place.folder, `restored-${empty.requests().get}-${address.slice(0, 8)}`)
  let first: number | undefined
  const request = { snapshot, target, within: name as RawPath, verbose: true }
  const result = await restore(empty, request, (event) => {
    if (event.type === "entry" && event.path === name) first = total(empty)
  })
  assert.ok(first !== undefined)
  assert.deepEqual(result.errors, [])
  assert.deepEqual(readFileSync(path.join(target, name)), readFileSync(path.join(folder, name)))
  return { first, all: total(empty) }
}

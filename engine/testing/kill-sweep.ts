/**
 * Backups and restores in their own processes, killed before and after each of their store calls
 * and at random moments. Nothing is lost, no lock remains, visible snapshots are whole, and the
 * next run needs no help. Hundreds of kills in the slow tier, thousands in the long one.
 */
import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { availableParallelism } from "node:os"
import type { TestContext } from "node:test"
import { editTree } from "../../fixtures/edits.ts"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom, type SeededRandom } from "../../fixtures/random.ts"
import { writeRandomTree, type TreeShape } from "../../fixtures/trees.ts"
import { PACK_BYTES } from "../format/pack.ts"
import { check, createRepository, openHome, openRepository, snapshots, type Repository } from "../index.ts"
import { localStore } from "../store/folder/local-store.ts"
import { readSignedEntry } from "../log/signed-file.ts"
import { UPLOADS_AT_ONCE } from "../backup/run-store.ts"
import { assertPicture, fastFolder, restoreTo } from "./backup-place.ts"
import { runChild } from "./children.ts"
import { CHILD_KEY, type ChildPlan } from "./use-case-child.ts"

const SEED = process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex")
const SHAPE: TreeShape = { entries: 25, fileBytesMax: 30_000 }
const SECRET = { kind: "key" as const, bytes: CHILD_KEY }

const THREADS = Math.min(4, availableParallelism())
/**
 * The most that a killed run may have to send again: each thread's open pack, and the packs being
 * sealed or uploaded.
 */
const SENT_AGAIN_MAX = (THREADS + UPLOADS_AT_ONCE.folder) * PACK_BYTES

interface Place {
  readonly folder: string
  readonly source: string
  readonly plan: ChildPlan
  /** The expected content of each snapshot that was ever seen. */
  readonly states: Map<string, Picture>
  /** The source when each entry was signed. A later run sends the entry if a killed run didn't. */
  readonly signed: Map<string, Picture>
}

async function killPlace(t: TestContext): Promise<Place> {
  const folder = fs.mkdtempSync(join(fastFolder(), "holdfast-kill-"))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const plan: ChildPlan = {
    action: "backup",
    home: join(folder, "home"),
    repository: join(folder, "repository"),
    folder: join(folder, "source"),
  }
  const home = openHome({ directory: plan.home, environment: {} })
  const { repository } = await createRepository({
    store: localStore(plan.repository),
    home,
    secrets: [SECRET],
  })
  repository.close()
  return { folder, source: plan.folder, plan, states: new Map(), signed: new Map() }
}

async function open({ plan, folder }: Place, isFresh: boolean): Promise<Repository> {
  const directory = isFresh ? fs.mkdtempSync(join(folder, "fresh-")) : plan.home
  return await openRepository({
    store: localStore(plan.repository),
    home: openHome({ directory, environment: {} }),
    secret: SECRET,
  })
}

/** Called after each run, before the source changes again. */
async function noteSigned(place: Place): Promise<void> {
  const { states, signed, source } = place
  const repository = await open(place, false)
  const entry = readSignedEntry(repository.home)
  repository.close()
  if (entry === undefined || states.has(entry.digest) || signed.has(entry.digest)) return
  signed.set(entry.digest, pictureOf(source))
}

/** Every visible snapshot restores to the state it saved. */
async function assertSnapshots(place: Place, isFresh: boolean): Promise<void> {
  const { states, signed, folder } = place
  const repository = await open(place, isFresh)
  try {
    const found = await snapshots(repository)
    for (const { id } of found) {
      const state = states.get(id) ?? signed.get(id)
      assert.ok(state !== undefined, "no run signed it")
      states.set(id, state)
    }
    assert.deepEqual(found.map(({ id }) => id).toSorted(), [...states.keys()].toSorted())
    assert.deepEqual((await check(repository, { readData: true })).errors, [])
    const target = join(folder, "target")
    for (const { id } of found) {
      assert.deepEqual((await restoreTo(repository, id, target, { delete: true })).errors, [])
      assertPicture(target, states.get(id) as Picture)
    }
  } finally {
    repository.close()
  }
}

/** An undisturbed run succeeds at once, and its snapshot is visible. */
async function assertGoesOn(place: Place, isFresh: boolean): Promise<void> {
  const { result } = await runChild(place.plan)
  assert.equal(result?.errors, 0)
  if (result?.snapshotId !== null && result !== undefined)
    place.states.set(result.snapshotId, pictureOf(place.source))
  await assertSnapshots(place, isFresh)
}

interface Kills {
  readonly count: number
  /** Kills by plan or by time, depending on the kill's number. Returns whether it was killed. */
  readonly run: (place: Place, random: SeededRandom, number: number) => Promise<boolean>
}

/** Kills backups one after another, each of a changed source; every twelfth time in a new repository. */
async function killBackups(t: TestContext, { count, run }: Kills): Promise<void> {
  const random = seededRandom(`${SEED} ${t.name}`)
  let place = await killPlace(t)
  let killed = 0
  let seen = 0
  for (let number = 0; number < count; number++) {
    if (number % 12 === 0) {
      place = await killPlace(t)
      writeRandomTree(place.source, random, SHAPE)
    } else editTree(place.source, random, random.between(1, 5), SHAPE)
    if (await run(place, random, number)) killed++
    await noteSigned(place)
    const isFresh = number % 3 === 0
    await assertSnapshots(place, isFresh)
    if (number % 2 === 0) await assertGoesOn(place, isFresh)
    seen += place.states.size
  }
  t.diagnostic(`HOLDFAST_SEED=${SEED}: ${count} runs, ${killed} killed, ${seen} snapshots restored`)
  assert.ok(killed > count / 2, `only ${killed} of ${count} were killed`)
}

/** Kills before and after each of the four calls of a small run, repeatedly. */
export async function killAtEveryCall(t: TestContext, count: number): Promise<void> {
  await killBackups(t, {
    count,
    async run({ plan }, _random, number) {
      const dieAt = Math.floor(number / 2) % 4
      const { isKilled } = await runChild({ ...plan, dieAt, dieAfter: number % 2 === 1 })
      return isKilled
    },
  })
}

export async function killAtRandom(t: TestContext, count: number): Promise<void> {
  const warm = await killPlace(t)
  writeRandomTree(warm.source, seededRandom("warm"), SHAPE)
  let { durationMs: usualMs } = await runChild(warm.plan)
  await killBackups(t, {
    count,
    async run({ plan }, random) {
      // most of a run is startup: the second half does the work
      const { isKilled, durationMs } = await runChild(plan, usualMs * (0.4 + 0.7 * random.unit()))
      usualMs = isKilled ? usualMs * 1.03 : durationMs // the machine may be faster or slower now
      return isKilled
    },
  })
}

export async function killManyPacks(t: TestContext): Promise<void> {
  const place = await killPlace(t)
  const random = seededRandom(`${SEED} large`)
  fs.mkdirSync(place.source)
  const total = 400 * 1024 * 1024
  for (let i = 0; i < 100; i++) fs.writeFileSync(join(place.source, `${i}`), random.bytes(total / 100))
  let kills = 0
  let again = 0
  for (; kills < 10; kills++) {
    const before = packBytes(place)
    const { isKilled, result } = await runChild({ ...place.plan, dieAt: 6, dieAfter: kills % 2 === 0 })
    if (!isKilled) {
      assert.notEqual(result?.snapshotId, undefined)
      break
    }
    again = Math.max(again, packBytes(place) - before)
  }
  const { result } = await runChild(place.plan)
  await noteSigned(place)
  await assertSnapshots(place, true)
  const twice = packBytes(place) - total
  t.diagnostic(
    `HOLDFAST_SEED=${SEED}: ${kills} kills, ${twice} bytes sent twice, the last run sent ${result?.bytesUp}`,
  )
  assert.ok(kills >= 3)
  assert.ok(twice <= kills * SENT_AGAIN_MAX, `${twice} bytes in ${kills} kills`)
}

function packBytes({ plan }: Place): number {
  const root = join(plan.repository, "packs")
  if (!fs.existsSync(root)) return 0
  return fs
    .readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => fs.statSync(join(root, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)
}

export async function killRestores(t: TestContext, count: number): Promise<void> {
  const place = await killPlace(t)
  const random = seededRandom(`${SEED} restore`)
  writeRandomTree(place.source, random, { entries: 250, fileBytesMax: 100_000, special: true })
  fs.writeFileSync(join(place.source, "large"), random.bytes(30_000_000))
  const picture = pictureOf(place.source)
  const { result } = await runChild(place.plan)
  const target = join(place.folder, "target")
  const plan: ChildPlan = {
    ...place.plan,
    action: "restore",
    folder: target,
    snapshot: result?.snapshotId ?? "",
  }
  const { durationMs } = await runChild(plan)
  assertPicture(target, picture)
  let killed = 0
  for (let i = 0; i < count; i++) {
    if (i % 2 === 0) fs.rmSync(target, { recursive: true, force: true })
    else editTree(target, random, 10, SHAPE)
    const { isKilled } = await runChild(plan, durationMs * (0.3 + 0.7 * random.unit()))
    if (isKilled) killed++
    const isNew = i % 2 === 0
    if (isNew && fs.existsSync(target)) assertNoHalfFile(target, picture)
    const again = await runChild(plan)
    if (isNew) {
      assert.equal(again.result?.errors, 0) // otherwise a folder may be in the way, which only delete removes
      assertPicture(target, picture)
    }
    const repository = await open(place, false)
    await restoreTo(repository, plan.snapshot ?? "", target, { delete: true })
    repository.close()
    assertPicture(target, picture)
  }
  t.diagnostic(`HOLDFAST_SEED=${SEED}: ${killed} of ${count} restores were killed`)
  assert.ok(killed > count / 2)
}

/** Every file that a killed restore has placed in a new folder is whole. */
function assertNoHalfFile(target: string, picture: Picture): void {
  for (const [path, line] of pictureOf(target)) {
    const expected = picture.get(path)
    if (expected === undefined || !line.startsWith("file") || !expected.startsWith("file")) continue
    const content = / \d+ bytes [0-9a-f]+/
    if (content.exec(line)?.[0] === content.exec(expected)?.[0]) continue
    assert.fail(`${JSON.stringify(path)} has content that nobody ever saved`)
  }
}

/** Dry runs over targets of every kind, also random ones: nothing changes, and the figures equal the real run's. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree } from "../../fixtures/trees.ts"
import type { RestoreRequest, RestoreResult } from "../index.ts"
import { assertPicture, backupPlace, restoreTo, save } from "../testing/backup-place.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"

type Changes = Partial<RestoreRequest>

interface Saved {
  readonly source: string
  readonly target: string
  /** Runs it dry and for real, holds one against the other, and gives the dry run's result. */
  readonly both: (changes?: Changes) => Promise<RestoreResult>
}

async function saved(t: TestContext, seed: string): Promise<Saved> {
  const { folder, repository } = await backupPlace(t)
  const source = join(folder, "source")
  fs.mkdirSync(source)
  writeRandomTree(source, seededRandom(seed), { entries: 60, fileBytesMax: 20_000, special: true })
  const { at } = await save(repository, source)
  const target = join(folder, "target/of/it")
  const both: Saved["both"] = async (changes = {}) => {
    const before = stateOf(folder)
    const planned = await restoreTo(repository, at, target, { ...changes, dryRun: true })
    assert.deepEqual(stateOf(folder), before, "a dry run changes nothing")
    const done = await restoreTo(repository, at, target, changes)
    assert.deepEqual(figures(planned), figures(done), `${seed} ${JSON.stringify(changes)}`)
    return planned
  }
  return { source, target, both }
}

/** Content, modes and times of everything but the home, whose caches a run may fill. */
function stateOf(folder: string): string[] {
  const shown = fs.readdirSync(folder).filter((name) => !name.startsWith("home"))
  return shown.flatMap((name) => {
    const { mtimeNs, ctimeNs } = fs.lstatSync(join(folder, name), { bigint: true })
    const all = [...pictureOf(join(folder, name))].map(([path, line]) => `${path} ${line}`)
    return [`${name} ${mtimeNs} ${ctimeNs}`, ...all]
  })
}

function figures(result: RestoreResult): unknown {
  const { filesRestored, filesSkipped, dirs, bytesRestored, errors } = result
  return {
    filesRestored,
    filesSkipped,
    dirs,
    bytesRestored,
    errors: errors.map(({ path }) => path).toSorted(),
  }
}

/** What may have happened to a target since its restore. */
function disturb(target: string, seed: string): void {
  const random = seededRandom(seed)
  for (const path of [...pictureOf(target).keys()].toSorted()) {
    if (path === "" || random.below(3) > 0) continue
    const place = Buffer.from(join(target, path), "latin1")
    const stat = fs.lstatSync(place)
    if (stat.isDirectory()) continue
    fs.chmodSync(Buffer.from(join(target, path, ".."), "latin1"), 0o755)
    if (stat.isFile()) fs.chmodSync(place, 0o644)
    const what = random.below(5)
    if (what === 0 && stat.isFile()) fs.appendFileSync(place, "more")
    else if (what === 1 && stat.isFile()) fs.utimesSync(place, 1, 1)
    else fs.rmSync(place)
    if (what === 3) fs.mkdirSync(place)
    if (what === 4) fs.writeFileSync(place, "something else")
  }
}

for (const seed of ["dry 1", "dry 2", "dry 3"]) {
  test(`restore() with dryRun counts what the real one does, whatever the target (${seed})`, async (t) => {
    const { source, target, both } = await saved(t, seed)
    const planned = await both()
    assert.ok(planned.filesRestored > 10 && planned.bytesRestored > 0)
    assertPicture(target, pictureOf(source))
    assert.ok((await both()).filesSkipped > 10)
    const requests: Changes[] = [{}, { delete: true }, { overwrite: "never" }, { overwrite: "if-newer" }]
    for (const [i, changes] of requests.entries()) {
      disturb(target, `${seed} ${i}`)
      await both(changes)
    }
    await both({ delete: true })
    assertPicture(target, pictureOf(source))
  })
}

test("restore() with dryRun counts hard links of replaced and of unchanged files", async (t) => {
  const { folder, repository } = await backupPlace(t)
  const source = join(folder, "source")
  const target = join(folder, "target")
  fs.mkdirSync(source)
  for (const name of ["a", "c"]) {
    fs.writeFileSync(join(source, name), name.repeat(1000))
    fs.linkSync(join(source, name), join(source, `${name} link`))
  }
  const { at } = await save(repository, source)
  await restoreTo(repository, at, target)
  fs.rmSync(join(target, "a"))
  fs.writeFileSync(join(target, "a"), "changed")
  const planned = await restoreTo(repository, at, target, { dryRun: true })
  const done = await restoreTo(repository, at, target)
  assert.deepEqual(figures(planned), figures(done))
  assert.deepEqual([done.filesRestored, done.filesSkipped], [2, 2])
})

test("restore() with dryRun fails at another user's closed folder, like the restore", async (t) => {
  const { folder, repository } = await backupPlace(t)
  const source = join(folder, "source")
  fs.mkdirSync(join(source, "holdfast-folder"), { recursive: true })
  for (const name of ["holdfast-file", "holdfast-folder/file"])
    fs.writeFileSync(join(source, name), "content")
  const { at } = await save(repository, source)
  const isClosed = process.geteuid?.() !== 0
  const failed = isClosed ? ["holdfast-file", "holdfast-folder", "holdfast-folder/file"] : []
  // root's on every system; a restore into an empty one would be staged
  const empty = ["/srv", "/media"].filter((path) => fs.existsSync(path) && fs.readdirSync(path).length === 0)
  for (const target of ["/usr", ...empty]) {
    const { filesRestored, errors } = await restoreTo(repository, at, target, { dryRun: true })
    assert.equal(filesRestored, isClosed ? 0 : 2)
    assert.deepEqual(errors.map(({ path }) => path).toSorted(), failed)
  }
})

alsoAsOrdinaryUser(import.meta.url)

import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { editTree } from "../../fixtures/edits.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree, type TreeShape } from "../../fixtures/trees.ts"
import type { RawPath } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { assertPicture, backupPlace, restoreTo, save } from "../testing/backup-place.ts"
import { faultyStore } from "../testing/faulty-store.ts"

const SHAPE: TreeShape = { entries: 20, fileBytesMax: 20_000 }

test("backup() of several concurrent series and devices gives each an independent snapshot", async (t) => {
  const place = await backupPlace(t)
  const random = seededRandom("together")
  const slow = place.store((store) =>
    faultyStore(store, () => ({
      delay: () => new Promise((resolve) => setTimeout(resolve, random.below(4))),
    })),
  )
  const other = place.newHome()
  const writers = [
    await place.open(place.home, slow),
    await place.open(place.home, slow),
    await place.open(other, slow),
    await place.open(other, slow),
  ]
  const sources = writers.map((_, i) => join(place.folder, `source-${i}`))
  for (const source of sources) writeRandomTree(source, seededRandom("the same tree"), SHAPE)
  for (let round = 0; round < 6; round++) {
    const saved = await Promise.all(
      writers.map(async (writer, i) => await save(writer, sources[i] as string)),
    )
    const fresh = await place.open(place.newHome())
    for (const [i, { at, errors }] of saved.entries()) {
      assert.deepEqual(errors, [])
      const target = join(place.folder, "target")
      assert.deepEqual((await restoreTo(fresh, at, target, { delete: true })).errors, [])
      assertPicture(target, pictureOf(sources[i] as string))
    }
    fresh.close()
    // the same edits, so all store the same content at the same time
    for (const source of sources) editTree(source, seededRandom(`round ${round}`), 4, SHAPE)
  }
})

test("backup() of one series by two concurrent devices keeps both snapshots", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  writeRandomTree(source, seededRandom("one series"), SHAPE)
  const devices = [place.repository, await place.open(place.newHome())]
  const saved = await Promise.all(devices.map(async (device) => await save(device, source)))
  for (const { at } of saved) {
    await restoreTo(await place.open(place.newHome()), at, join(place.folder, "target"))
    assertPicture(join(place.folder, "target"), pictureOf(source))
  }
})

test("backup() with a repeatedly failing store never leaves a snapshot that can't be restored", async (t) => {
  const place = await backupPlace(t)
  const random = seededRandom(process.env["HOLDFAST_SEED"] ?? "soup")
  const source = join(place.folder, "source")
  writeRandomTree(source, random, SHAPE)
  const soup = place.store((store) =>
    faultyStore(store, () =>
      random.below(5) > 0 ? undefined : random.pick(["refused", "lost-reply"] as const),
    ),
  )
  const repository = await place.open(place.home, soup)
  let committed = 0
  for (let run = 0; run < 40; run++) {
    try {
      const { at } = await save(repository, source)
      const reader = run % 5 === 0 ? await place.open(place.newHome()) : await place.open()
      await restoreTo(reader, at, join(place.folder, "target"), { delete: true })
      reader.close()
      assertPicture(join(place.folder, "target"), pictureOf(source))
      committed++
      editTree(source, random, 3, SHAPE)
    } catch (error) {
      assert.ok(isEngineError(error) && error.kind === "unavailable", String(error))
    }
  }
  assert.ok(committed >= 8, `${committed} of 40 runs got through`)
})

test("backup() applies patterns that are added and removed", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  for (const name of ["a/one.txt", "a/two.log", "b/three.log", "c/deep/four.txt", "five.log"]) {
    fs.mkdirSync(join(source, name, ".."), { recursive: true })
    fs.writeFileSync(join(source, name), name)
  }
  const kept = async (exclude: readonly string[]): Promise<string[]> => {
    const { at } = await save(place.repository, source, { selection: { excludes: exclude as RawPath[] } })
    // an empty one: restore --delete keeps what the snapshot's own patterns exclude
    const target = fs.mkdtempSync(join(place.folder, "target-"))
    await restoreTo(place.repository, at, target)
    const files = fs.readdirSync(target, { recursive: true, encoding: "utf8" })
    return files.filter((name) => fs.statSync(join(target, name)).isFile()).toSorted()
  }
  const all = ["a/one.txt", "a/two.log", "b/three.log", "c/deep/four.txt", "five.log"]
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await kept([]), all)
    assert.deepEqual(await kept(["*.log"]), ["a/one.txt", "c/deep/four.txt"])
    assert.deepEqual(await kept(["/c", "/b"]), ["a/one.txt", "a/two.log", "five.log"])
    assert.deepEqual(await kept(["deep"]), ["a/one.txt", "a/two.log", "b/three.log", "five.log"])
  }
})

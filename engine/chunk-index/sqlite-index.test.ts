import * as assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import type { TestContext } from "node:test"
import * as fc from "fast-check"
import type { ChunkId } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { openSqlite } from "../base/sqlite.ts"
import { openStateDatabase } from "../home/state-database.ts"
import { chunksOfPack, exampleId, exampleName, examplePack } from "../testing/example-packs.ts"
import { indexContract } from "../testing/index-contract.ts"
import { temporaryFolderHome, temporaryRepositoryHome } from "../testing/temporary-home.ts"
import type { ChunkIndex } from "./chunk-index.ts"
import { openChunkLookup } from "./chunk-lookup.ts"
import { createMemoryIndex } from "../testing/memory-index.ts"
import { openChunkIndex } from "./sqlite-index.ts"

indexContract("sqlite", () => {
  const { home, remove } = temporaryFolderHome()
  const state = openStateDatabase(home)
  return {
    index: openChunkIndex(state.database),
    close() {
      state.close()
      remove()
    },
  }
})

function openIndex(t: TestContext): { index: ChunkIndex; statePath: string; reopen: () => ChunkIndex } {
  const home = temporaryRepositoryHome(t)
  let state = openStateDatabase(home)
  t.after(() => state.close())
  const reopen = (): ChunkIndex => {
    state.close()
    state = openStateDatabase(home)
    return openChunkIndex(state.database)
  }
  return { index: openChunkIndex(state.database), statePath: home.statePath, reopen }
}

type Step = { readonly what: "add" | "remove" | "condemn" | "spare" | "reopen"; readonly pack: number }

/** Packs 0 to 7 over 24 ids, so most ids are in several packs. */
const examples = Array.from({ length: 8 }, (_, pack) =>
  examplePack(`${pack}`, [
    Array.from({ length: 6 }, (_, i) => `${(pack * 5 + i) % 24}`),
    [`${(pack * 7) % 24}`],
  ]),
)

function apply(index: ChunkIndex, { what, pack }: Step): void {
  const { record, frames } = examples[pack] as (typeof examples)[number]
  if (what === "add") index.addPack(record, frames)
  if (what === "remove") index.removePack(record.name)
  if (what === "condemn" || what === "spare")
    index.setPackState(record.name, what === "spare" ? "live" : "condemned")
}

test("openChunkIndex() agrees with the memory index after any steps", (t) => {
  const step = fc.record({
    what: fc.constantFrom<Step["what"]>("add", "add", "add", "remove", "condemn", "spare", "reopen"),
    pack: fc.nat(7),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const opened = openIndex(t)
      let { index } = opened
      const twin = createMemoryIndex()
      for (const step of steps) {
        if (step.what === "reopen") index = opened.reopen()
        apply(index, step)
        apply(twin, step)
        const id = exampleId(`${step.pack}`) // searched in between, so keys are in memory
        assert.deepEqual(index.locate(id), twin.locate(id))
      }
      for (let i = 0; i < 25; i++) {
        assert.deepEqual(index.locate(exampleId(`${i}`)), twin.locate(exampleId(`${i}`)))
        assert.equal(index.has(exampleId(`${i}`)), twin.has(exampleId(`${i}`)))
      }
      assert.deepEqual(index.counts(), twin.counts())
      assert.deepEqual([...index.packs()], [...twin.packs()])
    }),
    { numRuns: 25 },
  )
})

/** A pack of one frame with a few thousand chunks. */
function largePack(label: string, count: number): ReturnType<typeof examplePack> {
  const { record } = examplePack(label, [])
  const frame = {
    kind: 1,
    codec: 1,
    sealedLength: 9,
    rawLength: count,
    ids: new Uint8Array(randomBytes(count * 32)),
  }
  return { record, frames: [{ ...frame, lengths: new Uint32Array(count).fill(1) }] }
}

function idAt(pack: ReturnType<typeof examplePack>, position: number): ChunkId {
  return pack.frames[0]?.ids.subarray(position * 32, position * 32 + 32) as ChunkId
}

test("addPack() keeps every chunk while runs are merged, and drops the keys of removed packs", (t) => {
  const { index, statePath, reopen } = openIndex(t)
  const packs = Array.from({ length: 12 }, (_, i) => largePack(`${i}`, 15_000))
  for (const pack of packs.slice(0, 11)) index.addPack(pack.record, pack.frames)
  for (const pack of packs.slice(0, 9)) index.removePack(pack.record.name)
  const last = packs[11] as (typeof packs)[number]
  index.addPack(last.record, last.frames)
  const file = openSqlite(statePath, { readonly: true, timeoutMs: 0 })
  assert.equal(file.prepare("SELECT sum(length) FROM key_runs").pluck().get(), 45_000)
  file.close()
  for (const again of [false, true]) {
    const opened = again ? reopen() : index
    for (const [i, pack] of packs.entries()) {
      for (let at = 0; at < 15_000; at += 500) assert.equal(opened.has(idAt(pack, at)), i >= 9)
    }
    assert.equal(opened.counts().chunks, 45_000)
  }
})

test("packs() pages through more packs than one page", (t) => {
  const { index } = openIndex(t)
  for (let i = 0; i < 600; i++)
    index.addPack(examplePack(`${i}`, [[`${i}`]]).record, examplePack(`${i}`, [[`${i}`]]).frames)
  for (let i = 0; i < 600; i += 2) index.setPackState(exampleName(`${i}`), "condemned")
  assert.equal([...index.packs()].length, 600)
  assert.deepEqual(
    [...index.packs("condemned")].map((record) => record.name),
    Array.from({ length: 300 }, (_, i) => exampleName(`${i * 2}`)),
  )
})

test("locate() sees a pack that another process added", (t) => {
  const home = temporaryRepositoryHome(t)
  const ours = openStateDatabase(home)
  const theirs = openStateDatabase(home)
  t.after(() => [ours.close(), theirs.close()])
  const index = openChunkIndex(ours.database)
  const other = openChunkIndex(theirs.database)
  const { record, frames } = examplePack("theirs", [["a"]])
  assert.equal(index.has(exampleId("a")), false)
  other.addPack(record, frames)
  assert.equal(index.locate(exampleId("a"))?.pack.name, record.name)
  for (let i = 0; i < 20; i++) {
    const pack = examplePack(`${i}`, [[`${i}`, `more ${i}`]])
    const turn = i % 2 === 0 ? index : other
    turn.addPack(pack.record, pack.frames)
  }
  for (let i = 0; i < 20; i++) {
    assert.ok(index.locate(exampleId(`${i}`)))
    assert.ok(other.locate(exampleId(`${i}`)))
  }
})

test("openChunkLookup() knows only what was live when the index was shared", (t) => {
  const { index } = openIndex(t)
  const add = (name: string): void => {
    const { record, frames } = examplePack(name, [[`in ${name}`]])
    index.addPack(record, frames)
  }
  for (const name of ["kept", "condemned", "removed"]) add(name)
  const lookup = openChunkLookup(index.share())
  index.setPackState(examplePack("condemned", []).record.name, "condemned")
  index.removePack(examplePack("removed", []).record.name)
  add("later") // reuses the removed frame's number
  const names = ["kept", "condemned", "removed", "later"]
  const known = names.filter((name) => lookup.has(exampleId(`in ${name}`)))
  assert.deepEqual(known, ["kept"])
  lookup.close()
})

test("share() returns keys in shared memory, of loaded and of merged runs", (t) => {
  const { index } = openIndex(t)
  const names = Array.from({ length: 20 }, (_, i) => `pack ${i}`)
  names.forEach((name, i) => {
    const { record, frames } = examplePack(name, [[`in ${name}`, `also in ${name}`]])
    index.addPack(record, frames)
    const { file, keys } = index.share()
    assert.ok(keys.every(({ buffer }) => buffer instanceof SharedArrayBuffer))
    const lookup = openChunkLookup({ file, keys })
    names.forEach((other, j) => assert.equal(lookup.has(exampleId(`also in ${other}`)), j <= i))
    lookup.close()
  })
})

test("openChunkLookup() knows nothing if the file is missing, empty or damaged", (t) => {
  const { index, statePath } = openIndex(t)
  const { record, frames } = examplePack("first", [["a"]])
  index.addPack(record, frames)
  const { keys } = index.share()
  const file = path.join(path.dirname(statePath), "other.sqlite")
  for (const content of [undefined, Buffer.alloc(0), randomBytes(8192)]) {
    if (content !== undefined) fs.writeFileSync(file, content)
    const lookup = openChunkLookup({ file, keys })
    assert.equal(lookup.has(exampleId("a")), false)
    lookup.close()
  }
})

test("addPack() in a killed process leaves only whole packs", async (t) => {
  const home = temporaryRepositoryHome(t)
  const root = path.resolve(home.identityFolder, "../..")
  const script = path.join(import.meta.dirname, "../testing/home-child.ts")
  for (const delayMs of [0, 17, 43]) {
    const child = spawn(process.execPath, [script, "add-packs", root], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    let said = ""
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (text: Buffer) => {
        if (said === "") setTimeout(() => child.kill("SIGKILL"), delayMs)
        said += text.toString()
      })
      child.on("close", () => resolve())
    })
    const state = openStateDatabase(home)
    assert.equal(state.recreated, undefined)
    const index = openChunkIndex(state.database)
    const added = [...index.packs()].length
    assert.ok(added >= said.split("\n").length - 1 && added > 0)
    for (let i = 0; i < added; i++) {
      const chunks = [...chunksOfPack(index, exampleName(`${i}`))]
      assert.equal(chunks.length, 2000)
      assert.equal(index.has(exampleId(`${i}/0`)) && index.has(exampleId(`${i}/1999`)), true)
    }
    assert.equal(index.has(exampleId(`${added}/0`)), false)
    state.close()
    fs.rmSync(home.statePath)
  }
})

test("openChunkIndex() fails once on a damaged file, and the next run replaces it", (t) => {
  const home = temporaryRepositoryHome(t)
  const state = openStateDatabase(home)
  const index = openChunkIndex(state.database)
  for (let i = 0; i < 20; i++) {
    const { record, frames } = largePack(`${i}`, 500)
    index.addPack(record, frames)
  }
  state.close()
  const size = fs.statSync(home.statePath).size
  const handle = fs.openSync(home.statePath, "r+")
  fs.writeSync(handle, randomBytes(size - 8192), 0, size - 8192, 8192) // all but the first page
  fs.closeSync(handle)

  const damaged = openStateDatabase(home)
  assert.equal(damaged.recreated, undefined)
  const use = (): void => {
    const broken = openChunkIndex(damaged.database)
    for (let i = 0; i < 20; i++) {
      broken.idsOfPack(exampleName(`${i}`))
      broken.addPack(examplePack(`new ${i}`, [["x"]]).record, [])
    }
  }
  assert.throws(use, (error) => isEngineError(error, "state-damaged"))
  damaged.close()
  const fresh = openStateDatabase(home)
  assert.equal(fresh.recreated, "damaged")
  assert.equal(openChunkIndex(fresh.database).isEmpty(), true)
  fresh.close()
  const again = openStateDatabase(home)
  assert.equal(again.recreated, undefined)
  again.close()
})

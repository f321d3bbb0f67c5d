import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, test } from "node:test"
import { seededRandom } from "../../../fixtures/random.ts"
import { makeFifo } from "../../../fixtures/native.ts"
import type { ChunkId } from "../../base/ids.ts"
import { FRAME_CHUNK_LIST, FRAME_DATA } from "../../format/sealed-header.ts"
import { EXAMPLE_KEYS, openPack, sealTools } from "../../testing/example-blocks.ts"
import { shareClaims } from "./claims.ts"
import type { SealedPack } from "../../packs/seal-pack.ts"
import type { SplitJob, SplitRead, SplitResult } from "./split-messages.ts"
import { createSplitter, type Splitter } from "./splitter.ts"

let folder = ""
let file = ""
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "holdfast-splitter-"))
  file = join(folder, "file")
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function splitter(
  isStored: (id: ChunkId) => boolean = () => false,
  onRead: (bytes: number) => void = () => {},
): Splitter & { packs: SealedPack[] } {
  const packs: SealedPack[] = []
  const { sealing, random } = sealTools("splitter")
  const { repository, chunkKey, chunkerKey } = EXAMPLE_KEYS
  const keys = { repository, sealing, chunkKey, chunkerKey }
  const made = createSplitter({
    keys,
    claims: shareClaims(),
    random,
    isStored,
    onFull: (seal) => packs.push(seal()),
    onRead,
  })
  return Object.assign(Object.create(made) as Splitter, { packs })
}

/** Returns the job as the walk would make it. */
function jobFor(path: string): SplitJob {
  const { size, ino, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true })
  return {
    anchor: -1,
    path,
    size: Number(size),
    inode: ino,
    mtimeNs,
    ctimeNs,
    previousClass: -1,
    appended: false,
  }
}

function read(result: SplitResult): SplitRead {
  assert.notEqual(result.outcome, "failed", result.outcome === "failed" ? result.message : "")
  return result as SplitRead
}

function failure(result: SplitResult): string {
  assert.equal(result.outcome, "failed")
  return result.message
}

describe("split()", () => {
  test("returns the ids of all chunks, in order, and stores each once", () => {
    const part = seededRandom("part").bytes(30_000)
    fs.writeFileSync(file, Buffer.concat([part, part, part]))
    const by = splitter()
    const first = read(by.split(jobFor(file)))
    const second = read(by.split(jobFor(file)))
    assert.deepEqual(second, first)
    assert.equal(first.bytes, 90_000)
    assert.equal(first.stat, null)
    const { chunks } = openPack(by.seal(by.drain(), false))
    const data = chunks.filter(({ kind }) => kind === FRAME_DATA)
    assert.ok(data.reduce((sum, { bytes }) => sum + bytes.length, 0) < 60_000, "what repeats is stored once")
    assert.equal(new Set(data.map(({ id }) => id)).size, data.length)
  })

  test("keeps up to eight ids in the entry, and makes a list of more", () => {
    const by = splitter()
    fs.writeFileSync(file, seededRandom("few").bytes(8000))
    const few = read(by.split(jobFor(file)))
    assert.equal(few.list, null)
    assert.ok((few.chunks?.length ?? 0) <= 8 * 32)
    fs.writeFileSync(file, seededRandom("many").bytes(200_000))
    const many = read(by.split(jobFor(file)))
    assert.equal(many.chunks, null)
    assert.equal(many.list?.length, 32)
    const { chunks } = openPack(by.seal(by.drain(), false))
    assert.ok(
      chunks.some(
        ({ kind, id }) => kind === FRAME_CHUNK_LIST && id === Buffer.from(many.list ?? []).toString("hex"),
      ),
    )
  })

  test("stores nothing that the repository already has", () => {
    fs.writeFileSync(file, seededRandom("stored").bytes(100_000))
    const by = splitter(() => true)
    read(by.split(jobFor(file)))
    assert.deepEqual([by.rawBytes, by.drain().length], [0, 0])
  })

  test("reports a long file's progress while it is read, and removes it when it is done", () => {
    const told: number[] = []
    const by = splitter(undefined, (bytes) => told.push(bytes))
    fs.writeFileSync(file, Buffer.alloc(16 * 1024 * 1024, "short"))
    read(by.split(jobFor(file)))
    assert.equal(told.length, 0)
    fs.writeFileSync(file, Buffer.alloc(21 * 1024 * 1024, "long"))
    read(by.split(jobFor(file)))
    assert.ok(told.length > 2, `told ${told.length} times`)
    const end = told.pop() ?? 0
    assert.equal(
      told.reduce((sum, bytes) => sum + bytes),
      -end,
    )
    assert.ok(told.every((bytes) => bytes > 0))
  })

  test("rereads what changed since the walk, and returns the stat of that read", () => {
    fs.writeFileSync(file, "before")
    const job = jobFor(file)
    fs.writeFileSync(file, "longer than before", { mode: 0o600 })
    const { outcome, bytes, stat } = read(splitter().split(job))
    assert.deepEqual([outcome, bytes, stat?.size], ["read", 18, 18])
    assert.equal(stat?.mtimeNs, fs.statSync(file, { bigint: true }).mtimeNs)
  })

  test("reads a file that shrank, even to nothing", () => {
    fs.writeFileSync(file, seededRandom("shrinks").bytes(50_000))
    const job = jobFor(file)
    fs.truncateSync(file, 100)
    assert.equal(read(splitter().split(job)).bytes, 100)
    fs.truncateSync(file, 0)
    const { bytes, chunks } = read(splitter().split(job))
    assert.deepEqual([bytes, chunks?.length], [0, 0])
  })

  test("rereads a file that changes while it is read, and marks one that keeps changing", () => {
    let changes = 0
    let seen = 0
    const by = splitter(() => {
      if (seen++ % 3 === 0 && changes-- > 0) fs.appendFileSync(file, seededRandom(`more ${seen}`).bytes(9000))
      return false
    })
    const again = (count: number): SplitRead => {
      fs.writeFileSync(file, seededRandom(`restless ${count}`).bytes(40_000))
      changes = count
      return read(by.split(jobFor(file)))
    }
    assert.deepEqual([again(0).outcome, again(0).stat], ["read", null])
    const once = again(1)
    assert.deepEqual([once.outcome, once.bytes, once.stat?.size], ["read", 49_000, 49_000])
    assert.equal(again(1000).outcome, "torn")
  })

  test("reads an appended file up to the size at its opening, and one that shrinks or is rewritten again", () => {
    let logs = 0
    let during: (() => void) | undefined
    const by = splitter(() => {
      during?.()
      during = undefined
      return false
    })
    const afterWalk = (change: () => void): SplitRead => {
      fs.writeFileSync(file, seededRandom(`log ${logs++}`).bytes(40_000))
      const job = { ...jobFor(file), appended: true }
      fs.appendFileSync(file, "between")
      during = change
      return read(by.split(job))
    }
    const grown = afterWalk(() => fs.appendFileSync(file, "while it is read"))
    assert.deepEqual([grown.outcome, grown.bytes, grown.stat?.size], ["appended", 40_007, 40_007])
    const plain = read(by.split({ ...jobFor(file), appended: false }))
    assert.deepEqual(plain.chunks?.subarray(0, 32), grown.chunks?.subarray(0, 32))
    const shrunk = afterWalk(() => fs.truncateSync(file, 20_000))
    assert.deepEqual([shrunk.outcome, shrunk.bytes], ["read", 20_000])
    const rewritten = afterWalk(() => {
      fs.writeFileSync(file, seededRandom("other log").bytes(40_007))
    })
    assert.deepEqual([rewritten.outcome, rewritten.bytes], ["read", 40_007])
    assert.notDeepEqual(rewritten.chunks, grown.chunks)
  })

  test("reports what vanished or changed type, and never blocks", () => {
    const by = splitter()
    fs.writeFileSync(file, "a file")
    const job = jobFor(file)
    fs.rmSync(file)
    assert.match(failure(by.split(job)), /was removed during the backup/)
    fs.mkdirSync(file)
    assert.match(failure(by.split(job)), /something else/)
    fs.rmdirSync(file)
    fs.symlinkSync("/etc/hostname", file)
    assert.match(failure(by.split(job)), /something else/)
    fs.rmSync(file)
    makeFifo(file)
    assert.match(failure(by.split(job)), /something else/)
    const writer = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
    assert.match(failure(by.split(job)), /something else/)
    fs.writeSync(writer, "what somebody sends through the pipe")
    assert.match(failure(by.split(job)), /something else/)
    fs.closeSync(writer)
  })

  test("fails if anything but the file fails, so no chunk stays claimed without being stored", () => {
    const broken = Object.assign(new Error("the index can't be read"), { code: "SQLITE_IOERR" })
    const by = splitter(() => {
      throw broken
    })
    fs.writeFileSync(file, "a file")
    assert.throws(() => by.split(jobFor(file)), broken)
  })

  test("reads files that report no size, or a page, to their end, and returns the length read as their size", () => {
    for (const path of ["/proc/version", "/proc/filesystems", "/sys/devices/system/cpu/online"]) {
      const content = fs.readFileSync(path)
      assert.notEqual(fs.statSync(path).size, content.length)
      const by = splitter()
      const found = read(by.split(jobFor(path)))
      assert.deepEqual([path, found.outcome, found.bytes], [path, "read", content.length])
      const { chunks } = openPack(by.seal(by.drain(), false))
      assert.deepEqual(Buffer.concat(chunks.map(({ bytes }) => bytes)), content)
    }
  })

  test("reads a long file that reports no size", () => {
    const maps = "/proc/kallsyms"
    const content = fs.readFileSync(maps)
    const found = read(splitter().split(jobFor(maps)))
    assert.deepEqual([found.outcome, found.bytes], ["read", content.length])
  })

  test("leaves no descriptor open, whatever happens", () => {
    const by = splitter()
    fs.writeFileSync(file, "a file")
    const job = jobFor(file)
    const open = (): number => fs.readdirSync("/proc/self/fd").length
    const before = open()
    for (let i = 0; i < 20; i++) by.split(job)
    fs.rmSync(file)
    fs.mkdirSync(file)
    for (let i = 0; i < 20; i++) by.split(job)
    assert.equal(open(), before)
  })
})

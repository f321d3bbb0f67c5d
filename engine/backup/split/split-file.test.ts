import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, test } from "node:test"
import * as fc from "fast-check"
import { CHUNK_SIZES, FILE_CLASS, type FileClass } from "../../chunks/classes.ts"
import { createCutter, type Cutter, gearTable } from "../../chunks/cutter.ts"
import { naiveCuts } from "../../testing/naive-cuts.ts"
import { splitFile, splitStream, type SplitOutcome } from "./split-file.ts"

const folder = mkdtempSync(join(tmpdir(), "holdfast-split-"))
after(() => rmSync(folder, { recursive: true, force: true }))

const GEAR = gearTable(new Uint8Array(32).fill(3))
const { small, medium, piece, sqlite } = FILE_CLASS
const KiB = 1024
/** A class whose windows can be small, so a file has many. */
const WINDOWS = [32 * KiB, 33 * KiB + 1, 50_000, 128 * KiB].map((bytes) => createCutter(GEAR, bytes))

interface Found {
  readonly outcome: SplitOutcome
  readonly lengths: number[]
  readonly content: Buffer
  readonly classes: Set<FileClass>
}

function collector(): { onChunk: Parameters<typeof splitFile>[3]; found: (outcome: SplitOutcome) => Found } {
  const parts: Buffer[] = []
  const classes = new Set<FileClass>()
  return {
    onChunk(memory, offset, length, fileClass) {
      parts.push(Buffer.from(memory.subarray(offset, offset + length)))
      classes.add(fileClass)
    },
    found: (outcome) => ({
      outcome,
      lengths: parts.map((part) => part.length),
      content: Buffer.concat(parts),
      classes,
    }),
  }
}

function split(content: Uint8Array, cutter: Cutter, expectedBytes: number, previousClass?: FileClass): Found {
  const path = join(folder, "file")
  writeFileSync(path, content)
  const fd = openSync(path, "r")
  const { onChunk, found } = collector()
  try {
    return found(splitFile(fd, cutter, { expectedBytes, previousClass }, onChunk))
  } finally {
    closeSync(fd)
  }
}

async function splitPieces(content: Buffer, cutter: Cutter, lengths: readonly number[]): Promise<Found> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    let at = 0
    for (let i = 0; at < content.length; i++) {
      const length = lengths[i % lengths.length] ?? 1
      yield content.subarray(at, at + length)
      at += length
    }
  }
  const { onChunk, found } = collector()
  return found(await splitStream(stream(), cutter, onChunk))
}

function wholeCuts(content: Uint8Array, fileClass: FileClass): number[] {
  const ends = naiveCuts(content, CHUNK_SIZES[fileClass], GEAR)
  return ends.map((end, i) => end - (ends[i - 1] ?? 0))
}

const size = fc.integer({ min: 0, max: 400_000 })
const reported = fc.integer({ min: 1, max: 400_000 })
/** A number, since a counterexample with a cutter is printed with all of its memory. */
const windowIndex = fc.nat(WINDOWS.length - 1)

function sizeClass(bytes: number): FileClass {
  return bytes <= 4 * KiB ? piece : small
}

/** The class of a source without a size: by its length, if it ended within the first window. */
function streamClass(bytes: number, { windowBytes }: Cutter): FileClass {
  return bytes < windowBytes ? sizeClass(bytes) : medium
}

describe("splitFile()", () => {
  test("cuts a file read through any window like one call over the whole file", () => {
    fc.assert(
      fc.property(size, windowIndex, (bytes, index) => {
        const content = randomBytes(bytes)
        const cutter = WINDOWS[index] as Cutter
        const { lengths, outcome, content: joined } = split(content, cutter, bytes, small)
        assert.deepEqual(lengths, wholeCuts(content, outcome.fileClass))
        assert.equal(outcome.bytes, bytes)
        assert.ok(joined.equals(content))
      }),
      { numRuns: 60 },
    )
  })

  test("reads to the end, whatever size was expected, with the class of the expected size", () => {
    const isRead = (bytes: number, expected: number, cutter: Cutter): void => {
      const content = randomBytes(bytes)
      const { lengths, outcome } = split(content, cutter, expected)
      assert.equal(outcome.bytes, bytes)
      assert.equal(outcome.fileClass, expected === 0 ? streamClass(bytes, cutter) : sizeClass(expected))
      assert.deepEqual(lengths, wholeCuts(content, outcome.fileClass))
    }
    fc.assert(
      fc.property(size, reported, windowIndex, (bytes, expected, index) =>
        isRead(bytes, expected, WINDOWS[index] as Cutter),
      ),
      { numRuns: 60 },
    )
    // a source without a size may be of the medium class, which needs the largest of these windows
    const cutter = WINDOWS[3] as Cutter
    for (const bytes of [0, 4 * KiB, 4 * KiB + 1, 128 * KiB - 1, 128 * KiB, 128 * KiB + 1])
      isRead(bytes, 0, cutter)
    fc.assert(
      fc.property(size, (bytes) => isRead(bytes, 0, cutter)),
      { numRuns: 20 },
    )
  })

  test("cuts pages of an SQLite image, and makes no chunk of an empty file", () => {
    const content = Buffer.concat([Buffer.from("SQLite format 3\0"), randomBytes(100_000)])
    const { lengths, classes } = split(content, WINDOWS[0] as Cutter, content.length)
    assert.deepEqual([...classes], [sqlite])
    assert.deepEqual(new Set(lengths.slice(0, -1)), new Set([4 * KiB]))
    assert.deepEqual(split(Buffer.alloc(0), WINDOWS[0] as Cutter, 0).lengths, [])
  })

  test("keeps the file's previous class", () => {
    const cutter = createCutter(GEAR, 256 * KiB)
    const content = randomBytes(40 * 1024 * KiB)
    assert.equal(split(content, cutter, content.length, medium).outcome.fileClass, medium)
    assert.equal(split(content, cutter, content.length).outcome.fileClass, small)
  })
})

describe("splitStream()", () => {
  test("cuts a stream in pieces of any lengths like one call over the whole content", async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(size, lengths, async (bytes, pieces) => {
        const content = randomBytes(bytes)
        const cutter = WINDOWS[3] as Cutter
        const { lengths: found, outcome, content: joined } = await splitPieces(content, cutter, pieces)
        assert.equal(outcome.bytes, bytes)
        assert.ok(joined.equals(content))
        assert.deepEqual(found, wholeCuts(content, outcome.fileClass))
      }),
      { numRuns: 40 },
    )
  })

  test("uses the medium class if the content exceeds the window", async () => {
    const cutter = WINDOWS[3] as Cutter
    assert.equal((await splitPieces(randomBytes(128 * KiB - 1), cutter, [1000])).outcome.fileClass, small)
    assert.equal((await splitPieces(randomBytes(128 * KiB + 1), cutter, [1000])).outcome.fileClass, medium)
  })
})

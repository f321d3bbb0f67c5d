/** Frames that a thread reads from a real file. */
import { execFileSync } from "node:child_process"
import assert from "node:assert/strict"
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import type { FrameLocation } from "../../chunk-index/chunk-index.ts"
import { pattern } from "../../testing/store-objects.ts"
import { readAhead, readFrames, reusedRoom } from "./read-frames.ts"

function frame(offset: number, sealedLength: number): FrameLocation {
  return { number: 0, kind: 0, codec: 0, offset, sealedLength, rawLength: sealedLength }
}

function packFile(context: TestContext, bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-frames-"))
  context.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "pack")
  writeFileSync(file, bytes)
  return file
}

test("readFrames() returns each frame's bytes in the requested order, repeatedly in the same room", (context) => {
  const bytes = pattern(10_000)
  const file = packFile(context, bytes)
  const room = reusedRoom()
  const asked = [frame(9_000, 1_000), frame(0, 1), frame(500, 4_000)]
  for (let i = 0; i < 2; i++) {
    const read = readFrames(file, asked, room)
    assert.deepEqual(
      read?.map((found) => new Uint8Array(found)),
      asked.map(({ offset, sealedLength }) => bytes.slice(offset, offset + sealedLength)),
    )
    assert.equal(read?.[0]?.buffer, read?.[2]?.buffer)
  }
  assert.deepEqual(readFrames(file, [], room), [])
})

test("readFrames() returns nothing of a pack that is too short, missing, or not a file", (context) => {
  const file = packFile(context, pattern(1_000))
  truncateSync(file, 900)
  const room = reusedRoom()
  assert.equal(readFrames(file, [frame(0, 900), frame(900, 100)], room), undefined)
  assert.equal(readFrames(`${file}-other`, [frame(0, 1)], room), undefined)
  assert.equal(readFrames(join(file, ".."), [frame(0, 1)], room), undefined)
})

test("readFrames() and readAhead() don't wait for a FIFO in place of a pack", (context) => {
  const fifo = `${packFile(context, pattern(10))}-fifo`
  execFileSync("mkfifo", [fifo])
  const piece = { frame: frame(0, 1), sealed: undefined, pieces: new Float64Array(0), ids: new Uint8Array(0) }
  readAhead({ packFile: fifo, frames: [piece] })
  assert.equal(readFrames(fifo, [frame(0, 1)], reusedRoom()), undefined)
})

test("readAhead() leaves it to the thread to report a pack that is too short, missing, or not a file", (context) => {
  const bytes = pattern(1_000)
  const file = packFile(context, bytes)
  const asked = [frame(0, 900), frame(900, 100), frame(5_000, 100)]
  const frames = asked.map((each) => ({
    frame: each,
    sealed: undefined,
    pieces: new Float64Array(0),
    ids: new Uint8Array(0),
  }))
  for (const each of [file, `${file}-other`, join(file, ".."), undefined])
    readAhead({ packFile: each, frames })
  assert.deepEqual(
    readFrames(file, [frame(0, 1_000)], reusedRoom())?.map((found) => new Uint8Array(found)),
    [bytes],
  )
})

test("reusedRoom() has exactly the requested length, after larger and smaller ones", () => {
  const room = reusedRoom()
  for (const length of [10, 100, 0, 50, 1_000]) assert.equal(room(length).length, length)
})

/** How files are grouped in windows, and how many windows are placed at once. */
import * as assert from "node:assert/strict"
import { test } from "node:test"
import type { DecidedFile } from "./tree.ts"
import { createWindows, type FileWindow, type Windows } from "./windows.ts"

function fileOf(size: number): DecidedFile {
  return { entry: { size } } as unknown as DecidedFile
}

async function decideLeaves(windows: Windows, leaves: number, files = 500, size = 1000): Promise<void> {
  for (let leaf = 0; leaf < leaves; leaf++) {
    for (let i = 0; i < files; i++) {
      windows.filling.push(fileOf(size))
      if (windows.isFull()) await windows.next()
    }
    await windows.leafDecided()
  }
}

test("createWindows() places every file once, in growing windows, and starts threads in time", async () => {
  const placed: FileWindow[] = []
  let much = 0
  const windows = createWindows({
    place: async (window) => void placed.push(window),
    onMuch: () => {
      if (placed.length === 0) much++
    },
  })
  await decideLeaves(windows, 101)
  await windows.finish()
  assert.deepEqual(
    placed.map(({ files }) => files.length),
    [2_000, 8_000, 32_000, 8_500],
  )
  assert.ok(placed.every(({ files, bytes }) => bytes === files.length * 1000))
  assert.deepEqual(
    placed.map(({ isLast }) => isLast),
    [false, false, false, true],
  )
  assert.ok(much > 0)
})

test("createWindows() never makes a large window of a leaf of large files", async () => {
  const placed: number[] = []
  const windows = createWindows({ place: async ({ bytes }) => void placed.push(bytes), onMuch: () => {} })
  await decideLeaves(windows, 1, 100, 100 * 1024 ** 2)
  await windows.finish()
  assert.equal(
    placed.reduce((sum, bytes) => sum + bytes, 0),
    100 * 100 * 1024 ** 2,
  )
  assert.ok(Math.max(...placed) < 1024 ** 3 + 100 * 1024 ** 2, `${Math.max(...placed)} bytes`)
})

test("createWindows() starts no threads for little work, and still places everything", async () => {
  const placed: number[] = []
  const windows = createWindows({
    place: async ({ files }) => void placed.push(files.length),
    onMuch: () => assert.fail("threads for 500 files"),
  })
  await decideLeaves(windows, 1)
  await windows.finish()
  assert.deepEqual(placed, [500])
})

test("createWindows() runs at most two windows at once, and passes on a window's failure", async () => {
  let running = 0
  let most = 0
  let calls = 0
  const windows = createWindows({
    async place() {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      if (++calls === 3) throw new Error("third")
    },
    onMuch: () => {},
  })
  await assert.rejects(
    (async () => {
      await decideLeaves(windows, 400)
      await windows.finish()
    })(),
    /third/,
  )
  await windows.settled()
  assert.equal(most, 2)
  assert.equal(running, 0)
})

/**
 * The contract of the `ChunkIndex` port as tests for every implementation: one test per sentence of
 * `chunk-index/chunk-index.ts`.
 */
import * as assert from "node:assert/strict"
import { describe, test } from "node:test"
import { concatBytes } from "../base/bytes.ts"
import type { ChunkId } from "../base/ids.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import { chunksOfPack, exampleId, exampleName, examplePack, type ExamplePack } from "./example-packs.ts"

export interface OpenedIndex {
  readonly index: ChunkIndex
  readonly close?: () => void
}

/** Opens a new empty index. */
export type OpenEmptyIndex = () => OpenedIndex

export function indexContract(label: string, open: OpenEmptyIndex): void {
  const check = (claim: string, body: (index: ChunkIndex) => void): void => {
    test(claim, () => {
      const { index, close } = open()
      try {
        body(index)
      } finally {
        close?.()
      }
    })
  }
  describe(`ChunkIndex contract: ${label}`, () => {
    lookupContract(check)
    directoryContract(check)
    stateContract(check)
  })
}

type Check = (claim: string, body: (index: ChunkIndex) => void) => void

const first = examplePack("first", [["a", "b", "c"], ["d"]])
const second = examplePack("second", [["e", "a"]])

const add = (index: ChunkIndex, { record, frames }: ExamplePack): void => index.addPack(record, frames)

function lookupContract(check: Check): void {
  check("an empty index knows nothing", (index) => {
    assert.equal(index.isEmpty(), true)
    assert.equal(index.has(exampleId("a")), false)
    assert.equal(index.locate(exampleId("a")), undefined)
    assert.deepEqual(index.counts(), { packs: 0, frames: 0, chunks: 0, condemnedPacks: 0 })
    assert.deepEqual([...index.packs()], [])
  })

  check("locate() returns pack, frame and place in the block", (index) => {
    add(index, first)
    const { name, sizeBytes, epoch, salt } = first.record
    assert.deepEqual(index.locate(exampleId("c")), {
      pack: { name, sizeBytes, epoch, salt },
      frame: { number: 0, kind: 1, codec: 1, offset: 72, sealedLength: 500, rawLength: 3003 },
      offset: 2001,
      length: 1002,
    })
    assert.deepEqual(index.locate(exampleId("d"))?.frame, {
      number: 1,
      kind: 1,
      codec: 1,
      offset: 572,
      sealedLength: 501,
      rawLength: 1000,
    })
  })

  check("has() compares all 32 bytes", (index) => {
    add(index, first)
    assert.equal(index.has(exampleId("a")), true)
    for (let byte = 0; byte < 32; byte++) {
      const other = exampleId("a")
      other[byte] = (other[byte] as number) ^ 1
      assert.equal(index.has(other), false, `byte ${byte}`)
    }
  })

  check("ids that share their first bytes are distinguished", (index) => {
    const alike = Array.from({ length: 40 }, (_, i) => {
      const id = exampleId("alike")
      id[31] = i
      return id
    })
    add(index, examplePack("one", [alike.slice(0, 20), ["x"], alike.slice(20, 30)]))
    add(index, examplePack("two", [alike.slice(30, 39)]))
    assert.deepEqual(
      alike.map((id) => index.has(id)),
      alike.map((_, i) => i < 39),
    )
    assert.equal(index.locate(alike[25] as ChunkId)?.offset, 5010)
    assert.equal(index.locate(alike[38] as ChunkId)?.pack.name, exampleName("two"))
  })

  check(
    "a chunk in two packs is found in the first, and in the second after the first is removed",
    (index) => {
      add(index, first)
      add(index, second)
      assert.equal(index.locate(exampleId("a"))?.pack.name, first.record.name)
      index.removePack(first.record.name)
      assert.equal(index.locate(exampleId("a"))?.pack.name, second.record.name)
      assert.equal(index.has(exampleId("b")), false)
    },
  )

  check("locateAll() finds each chunk in order, and nothing if one is missing", (index) => {
    add(index, first)
    add(index, examplePack("more", [["m1", "m2", "m3"], ["m4"]]))
    for (const labels of [[], ["m1", "m2", "m3", "m4"], ["m2", "b", "m3", "m3", "m1", "d", "m4", "m1"]]) {
      const ids = labels.map(exampleId)
      assert.deepEqual(
        index.locateAll(concatBytes(ids)),
        ids.map((id) => index.locate(id)),
      )
      // not aligned in its memory
      assert.equal(index.locateAll(concatBytes([new Uint8Array(1), ...ids]).subarray(1))?.length, ids.length)
    }
    assert.equal(index.locateAll(concatBytes(["m1", "none", "m2"].map(exampleId))), undefined)
    index.setPackState(exampleName("more"), "condemned")
    assert.equal(index.locateAll(exampleId("m2")), undefined)
    index.setPackState(exampleName("more"), "live")
    index.removePack(exampleName("more"))
    assert.equal(index.locateAll(exampleId("m2")), undefined)
    assert.equal(index.locateAll(exampleId("b"))?.length, 1)
  })

  check("a chunk twice in one directory is found once", (index) => {
    add(index, examplePack("twice", [["a", "b"], ["b"]]))
    assert.equal(index.locate(exampleId("b"))?.frame.number, 0)
  })
}

function directoryContract(check: Check): void {
  check("addPack() twice changes nothing", (index) => {
    add(index, first)
    const before = index.counts()
    add(index, first)
    assert.deepEqual(index.counts(), before)
    assert.deepEqual(before, { packs: 1, frames: 2, chunks: 4, condemnedPacks: 0 })
  })

  check("packs() yields the records in the order added, and allows changes meanwhile", (index) => {
    add(index, first)
    add(index, second)
    assert.deepEqual([...index.packs()], [first.record, second.record])
    for (const record of index.packs()) index.setPackState(record.name, "condemned")
    assert.equal(index.isEmpty(), true)
  })

  check("pack() returns the record, hasPack() whether it is known", (index) => {
    add(index, first)
    assert.deepEqual(index.pack(first.record.name), first.record)
    assert.equal(index.hasPack(first.record.name), true)
    assert.equal(index.pack(second.record.name), undefined)
    assert.equal(index.hasPack(second.record.name), false)
  })

  check("framesOfPack() returns the directory as it was added", (index) => {
    add(index, first)
    assert.deepEqual(index.framesOfPack(first.record.name), first.frames)
    assert.deepEqual(index.framesOfPack(second.record.name), [])
  })

  check("idsOfPack() and chunksOfPack() return this pack's chunks in order", (index) => {
    add(index, first)
    add(index, second)
    assert.deepEqual(index.idsOfPack(second.record.name), [exampleId("e"), exampleId("a")])
    const chunks = [...chunksOfPack(index, second.record.name)]
    assert.deepEqual(
      chunks.map(({ id, location }) => [id, location.pack.name, location.offset]),
      [
        [exampleId("e"), second.record.name, 0],
        [exampleId("a"), second.record.name, 1000],
      ],
    )
    assert.deepEqual([...chunksOfPack(index, exampleName("none"))], [])
    assert.deepEqual(index.idsOfPack(exampleName("none")), [])
  })

  check("a removed pack can be added again", (index) => {
    add(index, first)
    index.removePack(first.record.name)
    index.removePack(first.record.name)
    assert.equal(index.isEmpty(), true)
    add(index, second)
    add(index, first)
    assert.equal(index.locate(exampleId("d"))?.pack.name, first.record.name)
    assert.equal(index.locate(exampleId("a"))?.pack.name, second.record.name)
  })
}

function stateContract(check: Check): void {
  check("a condemned pack counts as absent until it is live again", (index) => {
    add(index, first)
    add(index, second)
    assert.equal(index.has(exampleId("b")), true)
    assert.equal(index.setPackState(first.record.name, "condemned"), true)
    assert.equal(index.has(exampleId("b")), false)
    assert.equal(index.locate(exampleId("b")), undefined)
    assert.equal(index.locate(exampleId("a"))?.pack.name, second.record.name)
    assert.equal(index.packState(first.record.name), "condemned")
    assert.deepEqual(index.counts(), { packs: 1, frames: 1, chunks: 2, condemnedPacks: 1 })
    assert.equal(index.setPackState(first.record.name, "live"), true)
    assert.equal(index.has(exampleId("b")), true)
    assert.equal(index.locate(exampleId("a"))?.pack.name, first.record.name)
  })

  check("a condemned pack keeps its record and directory, and stays condemned when added again", (index) => {
    add(index, first)
    add(index, second)
    index.setPackState(first.record.name, "condemned")
    add(index, first)
    assert.equal(index.packState(first.record.name), "condemned")
    assert.equal(index.hasPack(first.record.name), true)
    assert.deepEqual(index.framesOfPack(first.record.name), first.frames)
    assert.deepEqual([...index.packs()], [first.record, second.record])
    assert.deepEqual([...index.packs("live")], [second.record])
    assert.deepEqual([...index.packs("condemned")], [first.record])
  })

  check("setPackState() of an unknown pack returns false", (index) => {
    assert.equal(index.setPackState(exampleName("none"), "condemned"), false)
    assert.equal(index.packState(exampleName("none")), undefined)
  })
}

import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import { concatBytes, equalBytes, type Bytes } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { ChunkId } from "../base/ids.ts"
import { decodeChunkListNode, encodeChunkListNode } from "../format/chunk-list-node.ts"
import { NodeShelf, plainId } from "../testing/listing-tree.ts"
import { seededRandom } from "../testing/seeded-random.ts"
import { buildChunkList, type ChunkRun, walkChunkList } from "./chunk-list.ts"

function list(count: number, seed: string): { ids: Bytes; sizes: number[] } {
  const random = seededRandom(seed)
  const ids = random.bytes(count * 32)
  return { ids, sizes: Array.from(random.bytes(count), (byte) => byte + 1) }
}

async function runs(root: ChunkId, shelf: NodeShelf, from?: number): Promise<ChunkRun[]> {
  shelf.startCounting()
  const all: ChunkRun[] = []
  for await (const run of walkChunkList(root, shelf.load, { from })) all.push(run)
  return all
}

const output = (shelf: NodeShelf) => ({ identify: plainId, emit: shelf.emit })

test("walkChunkList() returns the ids of buildChunkList() in order, with the offset of each run", async () => {
  for (const count of [1, 2, 8, 9, 127, 128, 129, 1000, 20_000]) {
    const shelf = new NodeShelf()
    const { ids, sizes } = list(count, `list ${count}`)
    const found = await runs(buildChunkList(ids, sizes, output(shelf)), shelf)
    assert.ok(equalBytes(concatBytes(found.map((run) => run.ids)), ids))
    assert.equal(shelf.loaded.length, shelf.nodes.size)
    let chunk = 0
    let offset = 0
    for (const run of found) {
      assert.equal(run.offset, offset)
      for (const end = chunk + run.ids.length / 32; chunk < end; chunk++) offset += sizes[chunk] ?? 0
    }
  }
})

test("walkChunkList() from a byte starts with the run that contains it, and loads no run before", async () => {
  const shelf = new NodeShelf()
  const { ids, sizes } = list(20_000, "offsets")
  const root = buildChunkList(ids, sizes, output(shelf))
  const all = await runs(root, shelf)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  await fc.assert(
    fc.asyncProperty(fc.nat(total + 10), async (from) => {
      const holder = all.findLastIndex((run) => run.offset <= from)
      assert.deepEqual(await runs(root, shelf, from), all.slice(holder))
      assert.ok(shelf.loaded.length <= all.length - holder + shelf.nodes.size / 8)
    }),
    { numRuns: 25 },
  )
})

test("buildChunkList() rebuilds only the nodes around one changed chunk", () => {
  const shelf = new NodeShelf()
  const { ids, sizes } = list(100_000, "edit")
  buildChunkList(ids, sizes, output(shelf))
  const before = shelf.nodes.size
  const added = concatBytes([
    ids.subarray(0, 50_000 * 32),
    seededRandom("new").bytes(32),
    ids.subarray(50_000 * 32),
  ])
  buildChunkList(added, [...sizes.slice(0, 50_000), 7, ...sizes.slice(50_000)], output(shelf))
  assert.ok(shelf.nodes.size - before <= 12, `${shelf.nodes.size - before} new nodes`)
})

test("buildChunkList() of one repeated chunk ends, with rows that get shorter", () => {
  for (const last of [0, 1]) {
    const shelf = new NodeShelf()
    const id = new Uint8Array(32).fill(0xff)
    id[31] = last
    let emitted = 0
    const root = buildChunkList(
      concatBytes(Array.from({ length: 5000 }, () => id)),
      Array.from({ length: 5000 }, () => 1),
      {
        // Ids that all make cuts are the worst case.
        identify: (node) => plainId(node).fill(0, 31) as ChunkId,
        emit: (nodeId, node) => {
          emitted++
          shelf.emit(nodeId, node)
        },
      },
    )
    assert.ok(emitted < 5000 / 7 + 20, `${emitted} nodes`)
    assert.equal(
      decodeChunkListNode(shelf.loadOne(root), "root").sizes.reduce((sum, size) => sum + size, 0),
      5000,
    )
  }
})

test("walkChunkList() refuses nodes that differ from what their parents state", async () => {
  const shelf = new NodeShelf()
  const put = (node: Uint8Array): ChunkId => {
    shelf.emit(plainId(node), node)
    return plainId(node)
  }
  const leaf = put(encodeChunkListNode({ level: 0, ids: new Uint8Array(64), sizes: [] }))
  const inner = put(encodeChunkListNode({ level: 1, ids: leaf, sizes: [10] }))
  const refused = async (level: number, ids: ChunkId[], sizes: number[]): Promise<string> => {
    try {
      await runs(put(encodeChunkListNode({ level, ids: concatBytes(ids), sizes })), shelf)
    } catch (error) {
      assert.ok(isEngineError(error, "chunk-list-node"))
      return error.message.replace(/^.*: /, "")
    }
    return "accepted"
  }
  assert.equal(await refused(2, [inner, inner], [10, 10]), "accepted")
  assert.equal(await refused(1, [inner, inner], [10, 10]), "level 1, expected 0")
  assert.equal(await refused(2, [leaf, inner], [10, 10]), "level 0, expected 1")
  assert.equal(await refused(2, [inner, inner], [10, 11]), "10 bytes below, expected 11")
})

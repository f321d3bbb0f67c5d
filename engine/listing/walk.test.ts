import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import { isEngineError } from "../base/errors.ts"
import { encodeInner, encodeLeaf } from "../format/listing-node.ts"
import { fileEntry, manyPaths, NodeShelf, plainId, sortedPaths } from "../testing/listing-tree.ts"
import { lookUp } from "./look-up.ts"
import { type ListingRange, walkListing } from "./walk.ts"

const paths = manyPaths(20_000, 3)
const shelf = new NodeShelf()
const built = shelf.buildAll(paths.map((path) => fileEntry(path)))

async function walked(range: ListingRange): Promise<string[]> {
  shelf.startCounting()
  const found: string[] = []
  for await (const entry of walkListing(built.root, shelf.load, range)) found.push(entry.path)
  return found
}

test("walkListing() yields all entries in order, with few requests and each node once", async () => {
  assert.deepEqual(await walked({}), paths)
  assert.deepEqual(new Set(shelf.loaded), new Set(shelf.nodes.keys()))
  assert.equal(shelf.loaded.length, shelf.nodes.size)
  assert.ok(shelf.calls.length < 4 + shelf.nodes.size / 32, `${shelf.calls.length} requests`)
  assert.ok(shelf.calls.every((ids) => ids.length <= 64))
})

test("walkListing() of a range equals the filtered whole, and doesn't load other nodes", async () => {
  const somePath = fc.oneof(
    fc.constantFrom(...paths.slice(0, 40), "d77", "d77/", "zzz", "d1/f9999999"),
    fc.nat(paths.length - 1).map((i) => paths[i] ?? ""),
  )
  await fc.assert(
    fc.asyncProperty(fc.option(somePath), fc.option(somePath), async (from, within) => {
      const range = {
        from: (from ?? undefined) as RawPath | undefined,
        within: (within ?? undefined) as RawPath | undefined,
      }
      const expected = paths.filter(
        (path) =>
          (from === null || comparePaths(path, from) >= 0) && (within === null || isWithin(path, within)),
      )
      assert.deepEqual(await walked(range), expected)
      // An unwanted node is loaded only if it may contain the first or the last entry.
      const wanted = Math.ceil((expected.length / paths.length) * shelf.nodes.size)
      assert.ok(
        shelf.loaded.length <= 3 * wanted + 40,
        `${shelf.loaded.length} nodes for ${expected.length} entries`,
      )
    }),
    { numRuns: 40 },
  )
})

test("walkListing() yields nothing for an empty listing", async () => {
  const empty = shelf.buildAll([])
  for await (const entry of walkListing(empty.root, shelf.load)) assert.fail(entry.path)
  assert.equal(await lookUp(empty.root, shelf.load, "a" as RawPath), undefined)
})

test("lookUp() finds every path with one node per level, and no other path", async () => {
  for (const path of paths.filter((_, i) => i % 97 === 0)) {
    shelf.startCounting()
    assert.equal((await lookUp(built.root, shelf.load, path as RawPath))?.path, path)
    assert.equal(shelf.calls.length, built.root.level + 1)
  }
  for (const path of ["d5/", "d5/f", "A", "zz", "d5/f5-3/x"]) {
    assert.equal(await lookUp(built.root, shelf.load, path as RawPath), undefined)
  }
})

/** Walks an inner node over leaves by a hostile writer and returns the error. */
async function refusal(
  children: { first: string; entries: number; level?: number; holds: string[] }[],
): Promise<string> {
  const hostile = new NodeShelf()
  const put = (node: Uint8Array): ChunkId => {
    hostile.emit(plainId(node), node)
    return plainId(node)
  }
  const rows = children.map(({ first, entries, level, holds }) => {
    const leaf = put(encodeLeaf(sortedPaths(holds).map((path) => fileEntry(path))))
    const id =
      level === undefined ? leaf : put(encodeInner(level, [{ first: first as RawPath, id: leaf, entries }]))
    return { first: first as RawPath, id, entries }
  })
  const root = { id: put(encodeInner(1, rows)), level: 1 }
  try {
    for await (const entry of walkListing(root, hostile.load)) void entry
  } catch (error) {
    assert.ok(isEngineError(error, "listing-node"), String(error))
    return error.message.replace(/^listing node [0-9a-f]{16}: /, "")
  }
  return "accepted"
}

test("walkListing() refuses nodes that differ from what their parents state", async () => {
  const good = { first: "a", entries: 2, holds: ["a", "b"] }
  const next = { first: "m", entries: 1, holds: ["m"] }
  assert.equal(await refusal([good, next]), "accepted")
  assert.equal(await refusal([{ ...good, entries: 3 }, next]), "2 entries, expected 3")
  assert.equal(
    await refusal([{ ...good, first: "A" }, next]),
    "its first path differs from the one in its parent",
  )
  assert.equal(await refusal([{ ...good, holds: ["a", "n"] }, next]), "overlaps its neighbour")
  assert.equal(await refusal([{ ...good, holds: ["a", "m"] }, next]), "overlaps its neighbour")
  assert.equal(await refusal([{ ...good, holds: [] }, next]), "0 entries, expected 2")
  assert.equal(await refusal([{ ...good, level: 1 }, next]), "level 1, expected 0")
  assert.equal(await refusal([good, { ...next, level: 2 }]), "level 2, expected 0")
})

import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { fileEntry, manyPaths, NodeShelf } from "../testing/listing-tree.ts"
import { diffListings } from "./diff.ts"
import type { ListingRoot } from "./node-ref.ts"

type Told = [path: string, before: Entry | undefined, after: Entry | undefined]

async function told(shelf: NodeShelf, before?: ListingRoot, after?: ListingRoot): Promise<Told[]> {
  shelf.startCounting()
  const all: Told[] = []
  for await (const { path, before: old, after: now } of diffListings(before, after, shelf.load))
    all.push([path, old, now])
  return all
}

/** The naive twin, over maps of all entries. */
function naive(before: readonly Entry[], after: readonly Entry[]): Told[] {
  const olds = new Map(before.map((entry) => [entry.path as string, entry]))
  const news = new Map(after.map((entry) => [entry.path as string, entry]))
  const paths = [...new Set([...olds.keys(), ...news.keys()])].sort(comparePaths)
  const isEqual = (a?: Entry, b?: Entry): boolean => a?.mtimeNs === b?.mtimeNs && a?.size === b?.size
  return paths
    .filter((path) => !isEqual(olds.get(path), news.get(path)))
    .map((path) => [path, olds.get(path), news.get(path)])
}

test("diffListings() equals the naive twin, for trees of any two sizes", async () => {
  const listing = fc.record({
    count: fc.integer({ min: 0, max: 2500 }),
    seed: fc.nat(2),
    keepOneIn: fc.integer({ min: 1, max: 5 }),
    marks: fc.array(fc.nat(2500), { maxLength: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(listing, listing, async (a, b) => {
      const shelf = new NodeShelf()
      const [before, after] = [a, b].map(({ count, seed, keepOneIn, marks }) =>
        manyPaths(count, seed)
          .filter((_, i) => i % keepOneIn === 0)
          .map((path, i) => fileEntry(path, 0, marks.includes(i) ? 1 : 0)),
      ) as [Entry[], Entry[]]
      const roots = [shelf.buildAll(before).root, shelf.buildAll(after).root] as const
      assert.deepEqual(await told(shelf, ...roots), naive(before, after))
      assert.equal(new Set(shelf.loaded).size, shelf.loaded.length, "no node is loaded twice")
    }),
    { numRuns: 40 },
  )
})

test("diffListings() without a listing on one side reports all entries of the other", async () => {
  const shelf = new NodeShelf()
  const entries = manyPaths(500, 1).map((path) => fileEntry(path))
  const { root } = shelf.buildAll(entries)
  assert.deepEqual(await told(shelf, undefined, root), naive([], entries))
  assert.deepEqual(await told(shelf, root, undefined), naive(entries, []))
  assert.deepEqual(await told(shelf, undefined, undefined), [])
})

test("diffListings() loads no node that both trees contain, and nothing for equal roots", async () => {
  const shelf = new NodeShelf()
  const entries = manyPaths(30_000, 4).map((path) => fileEntry(path))
  const old = shelf.buildAll(entries)
  const known = new Set(shelf.nodes.keys())
  const now = shelf.build(old, (builder) => {
    for (const i of [100, 15_000, 15_001, 29_000]) builder.put({ ...(entries[i] as Entry), mode: 0o600 })
    builder.put(fileEntry("zz"))
  })
  const fresh = [...shelf.nodes.keys()].filter((id) => !known.has(id))
  const differences = await told(shelf, old.root, now.root)
  assert.equal(differences.length, 5)
  assert.deepEqual(new Set(shelf.loaded.filter((id) => !known.has(id))), new Set(fresh))
  assert.ok(
    shelf.loaded.length <= 2 * fresh.length + 1,
    `${shelf.loaded.length} loads for ${fresh.length} new nodes`,
  )
  assert.ok(shelf.calls.length <= 3 * (old.root.level + 1), `${shelf.calls.length} requests`)
  assert.deepEqual(await told(shelf, now.root, now.root), [])
  assert.equal(shelf.calls.length, 0)
})

test("diffListings() reports a change of any one field", async () => {
  const entry = fileEntry("f", 5, 1)
  const others: Entry[] = [
    { ...entry, mode: 0 },
    { ...entry, mtimeNs: -1n },
    { ...entry, uid: 1 },
    { ...entry, gid: 1 },
    { ...entry, user: "" },
    { ...entry, group: "" },
    { ...entry, size: 6 },
    { ...entry, content: { fileClass: 1, chunks: new Uint8Array(64) } },
    { ...entry, content: { fileClass: 2, chunks: entry.content?.chunks ?? new Uint8Array(32) } },
    { ...entry, xattrs: [{ name: "user.a" as RawPath, value: new Uint8Array(1) }] },
    { ...entry, sparse: true },
    { ...entry, capture: "torn" },
    { ...entry, hardLink: "e" as RawPath },
    { ...entry, content: { fileClass: 1, list: new Uint8Array(32) as ChunkId } },
    { ...entry, type: "symlink", content: null, size: 0, linkTarget: "x" as RawPath },
    { ...entry, type: "block-device", content: null, size: 0, device: { major: 8, minor: 1 } },
    { ...entry, type: "block-device", content: null, size: 0, device: { major: 8, minor: 2 } },
    { ...entry, type: "fifo", content: null, size: 0 },
  ]
  for (const before of [entry, ...others]) {
    for (const after of [entry, ...others]) {
      const shelf = new NodeShelf()
      const roots = [shelf.buildAll([before]).root, shelf.buildAll([after]).root] as const
      assert.deepEqual(await told(shelf, ...roots), before === after ? [] : [["f", before, after]])
    }
  }
})

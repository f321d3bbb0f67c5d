import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { test } from "node:test"
import fc from "fast-check"

import { toHex } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import { NODE_BYTES_CUT } from "../base/listing-limits.ts"
import { encodeInner, encodeLeaf, type Entry, type ListingChild } from "../format/listing-node.ts"
import { cutKey, fileEntry, manyPaths, NodeShelf, plainId, sortedPaths } from "../testing/listing-tree.ts"
import { type BuiltListing, listingBuilder, type ListingBuilder } from "./build.ts"
import { listingCuts } from "./cut.ts"

const scratch = (entries: readonly Entry[]): BuiltListing => new NodeShelf().buildAll(entries)

/** The rules of spec/listing.md over whole arrays. */
function naiveRoot(entries: readonly Entry[]): { root: string; level: number; ids: Set<string> } {
  const ids = new Set<string>()
  const put = (node: Uint8Array): ChunkId => {
    ids.add(toHex(plainId(node)))
    return plainId(node)
  }
  const hit = (bytes: Buffer, rate: number): boolean =>
    createHmac("sha256", cutKey).update(bytes).digest().readUInt32LE() % rate === 0
  const groups = <T>(items: readonly T[], ends: (item: T, group: T[]) => boolean): T[][] => {
    const all: T[][] = []
    let open: T[] = []
    for (const item of items) {
      open.push(item)
      if (!ends(item, open) && open.length < 64) continue
      all.push(open)
      open = []
    }
    if (open.length > 0 || all.length === 0) all.push(open)
    return all
  }
  const headBytes = (count: number): number => (count < 16 ? 3 : 5)
  const leafBytes = (group: Entry[]): number => encodeLeaf(group).length - headBytes(group.length)
  let level = 0
  let row = groups(entries, (entry, group) => {
    const large = entry.xattrs.length > 0 && leafBytes(group) >= NODE_BYTES_CUT
    return large || hit(Buffer.from(entry.path, "latin1"), 16)
  }).map((group): ListingChild => ({
    first: group[0]?.path ?? ("" as RawPath),
    id: put(encodeLeaf(group)),
    entries: group.length,
  }))
  while (row.length > 1) {
    level++
    const of = level
    row = groups(row, (child) => hit(Buffer.from(String.fromCharCode(of) + child.first, "latin1"), 16)).map(
      (group): ListingChild => ({
        first: group[0]?.first ?? ("" as RawPath),
        id: put(encodeInner(of, group)),
        entries: group.reduce((sum, child) => sum + child.entries, 0),
      }),
    )
  }
  return { root: toHex(row[0]?.id ?? new Uint8Array()), level, ids }
}

test("listingBuilder() builds the tree of the naive twin, for rows of every length", () => {
  for (const count of [0, 1, 2, 63, 64, 65, 300, 5000]) {
    const entries = manyPaths(count, count)
      .slice(0, count)
      .map((path) => fileEntry(path))
    const shelf = new NodeShelf()
    const built = shelf.buildAll(entries)
    const naive = naiveRoot(entries)
    assert.deepEqual(
      [toHex(built.root.id), built.root.level, built.entries],
      [naive.root, naive.level, count],
    )
    assert.deepEqual(new Set(shelf.nodes.keys()), naive.ids)
  }
})

/** Paths whose hashes make no cut. */
function uncut(count: number): string[] {
  const paths: string[] = []
  for (let i = 0; paths.length < count; i++) {
    const path = `f${String(i).padStart(7, "0")}`
    if ((createHmac("sha256", cutKey).update(path).digest()[0] as number) % 16 !== 0) paths.push(path)
  }
  return paths
}

test("listingBuilder() cuts a row without hash cuts after 64 entries, and resynchronises after an edit", () => {
  const entries = uncut(5000).map((path) => fileEntry(path))
  const shelf = new NodeShelf()
  const old = shelf.buildAll(entries)
  assert.equal(naiveRoot(entries).root, toHex(old.root.id))
  assert.equal(old.nodesEmitted, 91)
  for (const gone of [0, 1, 63, 64, 65, 4999]) {
    const rest = entries.filter((_, i) => i !== gone)
    const built = shelf.build(old, (builder) => builder.remove(entries[gone]?.path ?? ("" as RawPath)))
    assert.deepEqual(built.root, scratch(rest).root)
  }
})

test("listingBuilder() cuts before a node exceeds its byte limit", () => {
  const value = new Uint8Array(200 * 1024)
  const entries = uncut(40).map((path) => ({
    ...fileEntry(path),
    xattrs: [{ name: "user.a" as RawPath, value }],
  }))
  const shelf = new NodeShelf()
  const built = shelf.buildAll(entries)
  assert.equal(naiveRoot(entries).root, toHex(built.root.id))
  for (const node of shelf.nodes.values()) assert.ok(node.length < NODE_BYTES_CUT + 210 * 1024)
})

type Edit = {
  readonly at: number
  readonly what: "put" | "new" | "remove" | "removeTree" | "swap"
  readonly mark: number
}

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 1_000_000 }),
    what: fc.constantFrom(
      "put" as const,
      "new" as const,
      "remove" as const,
      "removeTree" as const,
      "swap" as const,
    ),
    mark: fc.integer({ min: 0, max: 255 }),
  }),
  { maxLength: 12 },
)

/** Applies edits to a map and, in order, to a builder. */
function applyEdits(
  before: readonly Entry[],
  list: readonly Edit[],
): { after: Entry[]; run: (builder: ListingBuilder) => void } {
  const after = new Map(before.map((entry) => [entry.path as string, entry]))
  const steps: { path: string; tree: boolean; run: (builder: ListingBuilder) => void }[] = []
  const taken = new Set<string>()
  for (const { at, what, mark } of list) {
    const base = before[at % Math.max(1, before.length)]?.path ?? ("" as RawPath)
    const path = (what === "new" ? `${base === "" ? "n" : base}-${mark}` : base) as RawPath
    if (taken.has(path)) continue
    taken.add(path)
    const entry = fileEntry(path, mark, mark)
    if (what === "put" || what === "new")
      steps.push({ path, tree: false, run: (builder) => builder.put(entry) })
    else if (what === "remove") steps.push({ path, tree: false, run: (builder) => builder.remove(path) })
    else steps.push({ path, tree: true, run: (builder) => builder.removeTree(path) })
    if (what === "swap") steps.push({ path, tree: false, run: (builder) => builder.put(entry) })
  }
  steps.sort((a, b) => comparePaths(a.path, b.path) || Number(b.tree) - Number(a.tree))
  // The map gets the same calls in the same order as the builder.
  const olds = new Set(after.keys())
  const toMap: ListingBuilder = {
    put: (entry) => void after.set(entry.path, entry),
    remove: (path) => void after.delete(path),
    removeTree: (path) => {
      for (const each of olds) if (isWithin(each, path)) after.delete(each)
    },
    finish: () => assert.fail(),
  }
  for (const step of steps) step.run(toMap)
  const entries = [...after.values()].sort((a, b) => comparePaths(a.path, b.path))
  return { after: entries, run: (builder) => steps.forEach((step) => step.run(builder)) }
}

test("listingBuilder() with edits of an old tree equals a build of the result from scratch", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1500 }),
      fc.nat(1000),
      edits,
      edits,
      (count, seed, first, second) => {
        const shelf = new NodeShelf()
        let entries = manyPaths(count, seed).map((path) => fileEntry(path))
        let built = shelf.buildAll(entries)
        for (const list of [first, second]) {
          const { after, run } = applyEdits(entries, list)
          built = shelf.build(built, run)
          const expected = scratch(after)
          assert.deepEqual(built.root, expected.root)
          assert.equal(built.entries, after.length)
          entries = after
        }
      },
    ),
    { numRuns: 40 },
  )
})

test("listingBuilder() equals a build from scratch when whole ranges are removed, so high nodes are adopted or merged", () => {
  const entries = manyPaths(12_000, 5).map((path) => fileEntry(path))
  const shelf = new NodeShelf()
  const old = shelf.buildAll(entries)
  assert.ok(old.root.level >= 2)
  fc.assert(
    fc.property(fc.nat(entries.length), fc.nat(entries.length), (a, b) => {
      const from = Math.min(a, b)
      const to = Math.max(a, b)
      const rest = entries.filter((_, i) => i < from || i >= to)
      const built = shelf.build(old, (builder) => {
        for (const entry of entries.slice(from, to)) builder.remove(entry.path)
      })
      assert.deepEqual(built.root, scratch(rest).root)
    }),
    { numRuns: 8 },
  )
})

/** One path per leaf. The pattern says after which leaves level 1 is cut. */
function leavesOfOne(pattern: string): Entry[] {
  const cuts = listingCuts(cutKey)
  return pattern.split("").map((letter, i) => {
    for (let n = 0; ; n++) {
      const path = `p${String(i).padStart(3, "0")}-${n}` as RawPath
      if (cuts.afterEntry(path) && cuts.afterChild(1, path) === (letter === "|")) return fileEntry(path)
    }
  })
}

test("listingBuilder() finds the root when only nodes with one child remain, or only the last ones", () => {
  const entries = leavesOfOne("...|||..|..")
  const shelf = new NodeShelf()
  const old = shelf.buildAll(entries)
  assert.equal(old.root.level, 2)
  for (let start = 0; start < entries.length; start++) {
    for (let end = start + 1; end <= entries.length; end++) {
      const part = entries.slice(start, end)
      const built = shelf.build(old, (builder) => {
        entries.forEach((entry, i) => (i >= start && i < end) || builder.remove(entry.path))
      })
      assert.deepEqual(built.root, scratch(part).root)
      const added = fileEntry("zz")
      const longer = shelf.build(shelf.buildAll(part), (builder) => builder.put(added))
      assert.deepEqual(longer.root, scratch([...part, added]).root)
    }
  }
})

test("listingBuilder() without a change keeps the root and emits nothing", () => {
  const shelf = new NodeShelf()
  const old = shelf.buildAll(manyPaths(1000, 1).map((path) => fileEntry(path)))
  shelf.startCounting()
  const built = shelf.build(old, () => {})
  assert.deepEqual(built, { ...old, nodesEmitted: 0 })
  assert.equal(shelf.loaded.length, 1)
})

test("listingBuilder() opens and emits only the nodes around one change", () => {
  const entries = manyPaths(50_000, 9).map((path) => fileEntry(path))
  const shelf = new NodeShelf()
  const old = shelf.buildAll(entries)
  const entry = entries[25_000] ?? assert.fail()
  shelf.startCounting()
  const built = shelf.build(old, (builder) => builder.put({ ...entry, mode: 0o600 }))
  assert.ok(shelf.loaded.length <= 2 * (old.root.level + 1), `${shelf.loaded.length} nodes read`)
  assert.ok(built.nodesEmitted <= 2 * (old.root.level + 1), `${built.nodesEmitted} nodes made`)
})

test("listingBuilder() removes a folder of many nodes without reading the nodes inside", () => {
  const paths = ["", "a", "m", "z", ...Array.from({ length: 20_000 }, (_, i) => `m/${i}`)]
  const shelf = new NodeShelf()
  const old = shelf.buildAll(sortedPaths(paths).map((path) => fileEntry(path)))
  shelf.startCounting()
  const built = shelf.build(old, (builder) => builder.removeTree("m" as RawPath))
  assert.deepEqual(built.root, scratch(["", "a", "z"].map((path) => fileEntry(path))).root)
  assert.ok(shelf.loaded.length < 12, `${shelf.loaded.length} nodes read`)
})

test("listingBuilder() refuses changes out of order", () => {
  const builder = listingBuilder({ cutKey, identify: plainId, emit: () => {} })
  builder.put(fileEntry("b"))
  assert.throws(() => builder.put(fileEntry("b")), /order of a listing/)
  assert.throws(() => builder.remove("a" as RawPath), /order of a listing/)
})

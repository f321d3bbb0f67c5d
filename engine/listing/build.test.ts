import assert from "node:assert/strict"
import { createHash, createHmac } from "node:crypto"
import { test } from "node:test"
import fc from "fast-check"

import { toHex } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import { NODE_BYTES_CUT } from "../format/listing-limits.ts"
import { encodeInner, encodeLeaf } from "../format/listing-node.ts"
import type { Entry, ListingChild } from "../format/listing-node.ts"
import { listingBuilder } from "./build.ts"
import type { BuiltListing, ListingBuilder } from "./build.ts"

const cutKey = new Uint8Array(32).fill(3)
const id = (node: Uint8Array): ChunkId =>
  new Uint8Array(createHash("sha256").update(node).digest()) as ChunkId

type Nodes = Map<string, Uint8Array>

function file(path: string, size = 0, mark = 0): Entry {
  return {
    path: path as RawPath,
    type: "file",
    mode: 0o644,
    mtimeNs: BigInt(mark),
    uid: 1000,
    gid: 1000,
    user: "alice",
    group: "alice",
    size,
    content: { fileClass: 1, chunks: new Uint8Array(size === 0 ? 0 : 32).fill(mark) },
    linkTarget: null,
    device: null,
    hardLink: null,
    xattrs: [],
    sparse: false,
    torn: false,
  }
}

function build(old: BuiltListing | undefined, nodes: Nodes, change: (builder: ListingBuilder) => void) {
  const loaded: string[] = []
  const load = (of: ChunkId): Uint8Array => {
    loaded.push(toHex(of))
    return nodes.get(toHex(of)) ?? assert.fail("a node that was never emitted")
  }
  const emit = (of: ChunkId, node: Uint8Array): void => void nodes.set(toHex(of), node)
  const from = old && { root: old.root.id, level: old.root.level, load }
  const builder = listingBuilder({ cutKey, identify: id, emit, old: from })
  change(builder)
  return { built: builder.finish(), loaded }
}

const scratch = (entries: readonly Entry[], nodes: Nodes = new Map()): BuiltListing =>
  build(undefined, nodes, (builder) => entries.forEach((entry) => builder.put(entry))).built

/** The rules of spec/listing.md, word for word, over whole arrays. */
function naiveRoot(entries: readonly Entry[]): { root: string; level: number; ids: Set<string> } {
  const ids = new Set<string>()
  const put = (node: Uint8Array): ChunkId => {
    ids.add(toHex(id(node)))
    return id(node)
  }
  const hit = (bytes: Buffer, rate: number): boolean =>
    createHmac("sha256", cutKey).update(bytes).digest().readUInt32LE() % rate === 0
  const groups = <T>(items: readonly T[], ends: (item: T, group: T[]) => boolean): T[][] => {
    const all: T[][] = []
    let open: T[] = []
    for (const item of items) {
      open.push(item)
      if (!ends(item, open) && open.length < 1024) continue
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
    return large || hit(Buffer.from(entry.path, "latin1"), 64)
  }).map((group): ListingChild => ({
    first: group[0]?.path ?? ("" as RawPath),
    id: put(encodeLeaf(group)),
    entries: group.length,
  }))
  while (row.length > 1) {
    level++
    const of = level
    row = groups(row, (child) => hit(Buffer.from(String.fromCharCode(of) + child.first, "latin1"), 32)).map(
      (group): ListingChild => ({
        first: group[0]?.first ?? ("" as RawPath),
        id: put(encodeInner(of, group)),
        entries: group.reduce((sum, child) => sum + child.entries, 0),
      }),
    )
  }
  return { root: toHex(row[0]?.id ?? new Uint8Array()), level, ids }
}

const sorted = (paths: Iterable<string>): string[] => [...new Set(paths)].sort(comparePaths)

/** A tree of `count` entries in folders whose size varies from one to many nodes. */
function manyPaths(count: number, seed: number): string[] {
  const paths = new Set([""])
  for (let i = 0; paths.size < count; i++) {
    const folder = Math.floor(((i * 7919 + seed * 104729) % 10007) ** 0.6)
    paths.add(`d${folder}`)
    paths.add(`d${folder}/f${i}-${seed}`)
  }
  return sorted(paths)
}

test("listingBuilder() makes the tree of the naive twin, for rows of every length", () => {
  for (const count of [0, 1, 2, 63, 64, 65, 300, 5000]) {
    const entries = manyPaths(count, count)
      .slice(0, count)
      .map((path) => file(path))
    const nodes: Nodes = new Map()
    const built = scratch(entries, nodes)
    const naive = naiveRoot(entries)
    assert.deepEqual(
      [toHex(built.root.id), built.root.level, built.entries],
      [naive.root, naive.level, count],
    )
    assert.deepEqual(new Set(nodes.keys()), naive.ids)
  }
})

/** Paths, of which none makes a cut by its hash. */
function uncut(count: number): string[] {
  const paths: string[] = []
  for (let i = 0; paths.length < count; i++) {
    const path = `f${String(i).padStart(7, "0")}`
    if ((createHmac("sha256", cutKey).update(path).digest()[0] as number) % 64 !== 0) paths.push(path)
  }
  return paths
}

test("listingBuilder() cuts a row without cuts after 1,024 entries, and comes back into step after an edit", () => {
  const entries = uncut(5000).map((path) => file(path))
  const nodes: Nodes = new Map()
  const old = scratch(entries, nodes)
  assert.equal(naiveRoot(entries).root, toHex(old.root.id))
  assert.equal(old.nodesEmitted, 6)
  for (const gone of [0, 1, 1023, 1024, 1025, 4999]) {
    const rest = entries.filter((_, i) => i !== gone)
    const { built } = build(old, nodes, (builder) => builder.remove(entries[gone]?.path ?? ("" as RawPath)))
    assert.deepEqual(built.root, scratch(rest).root)
  }
})

test("listingBuilder() cuts before a node passes its bytes", () => {
  const value = new Uint8Array(200 * 1024)
  const entries = uncut(40).map((path) => ({ ...file(path), xattrs: [{ name: "user.a" as RawPath, value }] }))
  const nodes: Nodes = new Map()
  const built = scratch(entries, nodes)
  assert.equal(naiveRoot(entries).root, toHex(built.root.id))
  for (const node of nodes.values()) assert.ok(node.length < NODE_BYTES_CUT + 210 * 1024)
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
    const entry = file(path, mark, mark)
    if (what === "put" || what === "new")
      steps.push({ path, tree: false, run: (builder) => builder.put(entry) })
    else if (what === "remove") steps.push({ path, tree: false, run: (builder) => builder.remove(path) })
    else steps.push({ path, tree: true, run: (builder) => builder.removeTree(path) })
    if (what === "swap") steps.push({ path, tree: false, run: (builder) => builder.put(entry) })
  }
  steps.sort((a, b) => comparePaths(a.path, b.path) || Number(b.tree) - Number(a.tree))
  // The map sees the same calls, in the same order, as the builder.
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
      fc.integer({ min: 0, max: 3000 }),
      fc.nat(1000),
      edits,
      edits,
      (count, seed, first, second) => {
        const nodes: Nodes = new Map()
        let entries = manyPaths(count, seed).map((path) => file(path))
        let built = scratch(entries, nodes)
        for (const list of [first, second]) {
          const { after, run } = applyEdits(entries, list)
          built = build(built, nodes, run).built
          const expected = scratch(after)
          assert.deepEqual(built.root, expected.root)
          assert.equal(built.entries, after.length)
          entries = after
        }
      },
    ),
    { numRuns: 80 },
  )
})

test("listingBuilder() equals scratch when whole stretches go, so that high nodes are taken over or merged", () => {
  const entries = manyPaths(20_000, 5).map((path) => file(path))
  const nodes: Nodes = new Map()
  const old = scratch(entries, nodes)
  assert.ok(old.root.level >= 2)
  fc.assert(
    fc.property(fc.nat(entries.length), fc.nat(entries.length), (a, b) => {
      const from = Math.min(a, b)
      const to = Math.max(a, b)
      const rest = entries.filter((_, i) => i < from || i >= to)
      const { built } = build(old, nodes, (builder) => {
        for (const entry of entries.slice(from, to)) builder.remove(entry.path)
      })
      assert.deepEqual(built.root, scratch(rest).root)
    }),
    { numRuns: 12 },
  )
})

test("listingBuilder() without a change keeps the root and emits nothing", () => {
  const nodes: Nodes = new Map()
  const old = scratch(
    manyPaths(1000, 1).map((path) => file(path)),
    nodes,
  )
  const { built, loaded } = build(old, nodes, () => {})
  assert.deepEqual(built, { ...old, nodesEmitted: 0 })
  assert.equal(loaded.length, 1)
})

test("listingBuilder() opens and emits only the nodes around one change", () => {
  const entries = manyPaths(50_000, 9).map((path) => file(path))
  const nodes: Nodes = new Map()
  const old = scratch(entries, nodes)
  const entry = entries[25_000] ?? assert.fail()
  const { built, loaded } = build(old, nodes, (builder) => builder.put({ ...entry, mode: 0o600 }))
  assert.ok(loaded.length <= 2 * (old.root.level + 1), `${loaded.length} nodes read`)
  assert.ok(built.nodesEmitted <= 2 * (old.root.level + 1), `${built.nodesEmitted} nodes made`)
})

test("listingBuilder() removes a folder of many nodes without reading the nodes inside", () => {
  const paths = ["", "a", "m", "z", ...Array.from({ length: 20_000 }, (_, i) => `m/${i}`)]
  const nodes: Nodes = new Map()
  const old = scratch(
    sorted(paths).map((path) => file(path)),
    nodes,
  )
  const { built, loaded } = build(old, nodes, (builder) => builder.removeTree("m" as RawPath))
  assert.deepEqual(built.root, scratch(["", "a", "z"].map((path) => file(path))).root)
  assert.ok(loaded.length < 12, `${loaded.length} nodes read`)
})

test("listingBuilder() refuses changes that are out of order", () => {
  const builder = listingBuilder({ cutKey, identify: id, emit: () => {} })
  builder.put(file("b"))
  assert.throws(() => builder.put(file("b")), /order of a listing/)
  assert.throws(() => builder.remove("a" as RawPath), /order of a listing/)
})

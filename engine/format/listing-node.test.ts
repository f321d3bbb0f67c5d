import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import { isEngineError } from "../base/errors.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths, sharedLength } from "../base/paths.ts"
import { assertDamageIsSeen, decodedOrRefused } from "../testing/codec-contract.ts"
import { listingEntries, rawPaths } from "../testing/format-values.ts"
import { leafValue, naiveAccepts, naiveLeaf } from "../testing/naive-leaf.ts"
import { fileEntry } from "../testing/listing-tree.ts"
import { LeafReader } from "./leaf-reader.ts"
import { LeafWriter } from "./leaf-writer.ts"
import { followsAt } from "./listing-entry.ts"
import {
  decodeListingNode,
  encodeInner,
  encodeLeaf,
  type Entry,
  innerItemBytes,
  type ListingChild,
} from "./listing-node.ts"
import { encodeCanonical, type Value } from "./msgpack.ts"

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"))

const leafCodec = {
  encode: encodeLeaf,
  decode(bytes: Uint8Array): readonly Entry[] {
    return decodeListingNode(bytes, "node").entries ?? assert.fail("not a leaf")
  },
}

test("encodeLeaf() writes what encodeCanonical() would, and decodeListingNode() returns it", () => {
  fc.assert(
    fc.property(listingEntries, (entries) => {
      const bytes = encodeLeaf(entries)
      assert.deepEqual(bytes, naiveLeaf(leafValue(entries)))
      assert.deepEqual(leafCodec.decode(bytes), entries)
    }),
    { numRuns: 400 },
  )
})

test("encodeLeaf() and encodeInner() write heads for few and for many items", () => {
  for (const count of [0, 1, 15, 16, 17, 255, 256, 1024]) {
    const entries = Array.from({ length: count }, (_, i) => fileEntry(`f${String(i).padStart(5, "0")}`))
    assert.deepEqual(encodeLeaf(entries), naiveLeaf(leafValue(entries)))
    assert.deepEqual(leafCodec.decode(encodeLeaf(entries)), entries)
  }
  const more = Array.from({ length: 1025 }, (_, i) => fileEntry(`f${String(i).padStart(5, "0")}`))
  assert.throws(() => encodeLeaf(more), /1,024/)
  assert.throws(() => leafCodec.decode(naiveLeaf(leafValue(more))), { code: "listing-node" })
})

test("encodeLeaf() preserves long paths, names and values", () => {
  const long = (length: number): string => "x".repeat(length)
  for (const length of [47, 48, 49, 255, 256, 32_767]) {
    const entry: Entry = {
      ...fileEntry(`a/${long(length)}`.slice(0, 32_768)),
      user: long(Math.min(length, 255)),
      group: "\u00fc".repeat(Math.min(length >> 1, 127)),
      hardLink: long(length).replaceAll("x", "A") as RawPath,
      xattrs: [{ name: "n" as RawPath, value: new Uint8Array(4 * length) }],
    }
    assert.deepEqual(encodeLeaf([entry]), naiveLeaf(leafValue([entry])))
    assert.deepEqual(leafCodec.decode(encodeLeaf([entry])), [entry])
  }
})

test("decodeListingNode() of a leaf detects every flipped bit and wrong length, or accepts another leaf's encoding", () => {
  for (const entries of fc.sample(listingEntries, { numRuns: 6, seed: 21 })) {
    const small = entries.slice(0, 3)
    assert.ok(assertDamageIsSeen(leafCodec, small) > 0)
  }
})

test("decodeListingNode() of a leaf accepts exactly what its naive twin accepts", () => {
  const interesting = [
    0, 1, 2, 0x20, 0x2f, 0x7f, 0x80, 0x90, 0x91, 0x92, 0xa0, 0xc0, 0xc2, 0xc3, 0xc4, 0xc5, 0xcc, 0xcd, 0xd0,
    0xd3, 0xff,
  ]
  const edit = fc.record({ at: fc.nat(), to: fc.oneof(fc.constantFrom(...interesting), fc.nat(255)) })
  let accepted = 0
  fc.assert(
    fc.property(listingEntries, fc.array(edit, { maxLength: 3 }), (entries, edits) => {
      const bytes = encodeLeaf(entries.slice(0, 4))
      for (const { at, to } of edits) bytes[2 + (at % (bytes.length - 2))] = to
      const found = decodedOrRefused(leafCodec, bytes)
      assert.equal(found !== undefined, naiveAccepts(bytes))
      if (found !== undefined) accepted++
    }),
    { numRuns: 3000 },
  )
  assert.ok(accepted > 300 && accepted < 2700, `${accepted} of 3000 accepted`)
})

/** One entry with some fields of its row replaced. */
function refusal(fields: Record<number, Value>, path = "a", type: Partial<Entry> = {}): string {
  const row = (leafValue([{ ...fileEntry("z"), ...type }])[0] as Value[]).with(1, latin1(path))
  for (const [index, value] of Object.entries(fields)) row[Number(index)] = value
  try {
    leafCodec.decode(naiveLeaf([row]))
  } catch (error) {
    assert.ok(isEngineError(error, "listing-node"), String(error))
    return error.message
  }
  return "accepted"
}

test("decodeListingNode() refuses paths other than plain names below the root", () => {
  assert.equal(refusal({}), "accepted")
  assert.equal(refusal({}, ""), "accepted")
  assert.equal(refusal({}, "...a/b /\xff\x01"), "accepted")
  for (const path of ["/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/../b", "a\0b"]) {
    assert.match(refusal({}, path), /component|NUL/, JSON.stringify(path))
  }
  assert.equal(refusal({}, "x".repeat(32_768)), "accepted")
  assert.match(refusal({}, "x".repeat(32_769)), /at most/)
})

test("decodeListingNode() refuses a shared prefix that isn't the longest, and entries out of order", () => {
  const row = (shared: number, suffix: string): Value => {
    const fields = leafValue([fileEntry("z")])[0] as Value[]
    return fields.with(0, shared).with(1, latin1(suffix))
  }
  const decode = (...rows: Value[]): string[] => leafCodec.decode(naiveLeaf(rows)).map(({ path }) => path)
  assert.deepEqual(decode(row(0, "ab"), row(2, "/c"), row(1, "c")), ["ab", "ab/c", "ac"])
  const refused = (...rows: Value[]): void => assert.throws(() => decode(...rows), { code: "listing-node" })
  refused(row(1, "ab"))
  refused(row(0, "ab"), row(3, "c"))
  refused(row(0, "ab"), row(0, "ac"))
  refused(row(0, "ab"), row(2, ""))
  refused(row(0, "ab"), row(1, ""))
  refused(row(0, "ab"), row(1, "a"))
  refused(row(0, "a-"), row(1, "/x"))
  refused(row(0, "a"), row(1, "/"))
  refused(row(0, "ab/c"), row(3, "./x"))
  refused(row(0, "ab/.x"), row(4, ".x"), row(5, "/"))
  refused(row(0, "ab/.x"), row(4, "./x"))
})

test("decodeListingNode() refuses an entry that breaks one rule, and names the rule", () => {
  const link = { type: "symlink" as const, content: null, linkTarget: "x" as RawPath }
  const node = { type: "block-device" as const, content: null, device: { major: 8, minor: 1 } }
  assert.equal(refusal({}, "a", link), "accepted")
  assert.equal(refusal({}, "a", node), "accepted")
  assert.match(refusal({ 2: 6 }), /type/)
  assert.match(refusal({ 3: 0o10000 }), /mode/)
  assert.match(refusal({ 4: 2n ** 63n }), /mtimeNs/)
  assert.match(refusal({ 5: 2 ** 32 }), /uid/)
  assert.match(refusal({ 7: "x".repeat(256) }), /user/)
  assert.match(refusal({ 9: 2n ** 53n }), /size/)
  assert.match(refusal({ 10: null }), /file without content/)
  assert.match(refusal({ 2: 1 }), /directory with content/)
  assert.match(refusal({ 9: 5 }), /0 chunks for 5 bytes/)
  assert.match(refusal({ 10: [1, new Uint8Array(32)] }), /1 chunks for 0 bytes/)
  assert.match(refusal({ 9: 5, 10: [1, new Uint8Array(33)] }), /33 bytes of chunk ids/)
  assert.match(refusal({ 9: 5, 10: [1, new Uint8Array(288)] }), /at most/)
  assert.match(refusal({ 9: 5, 10: [256, new Uint8Array(32)] }), /class/)
  assert.match(refusal({ 10: [1, [new Uint8Array(32)]] }), /list for no bytes/)
  assert.match(refusal({ 9: 5, 10: [1, [new Uint8Array(31)]] }), /no id/)
  assert.match(refusal({ 9: 1, 10: null, 2: 1 }), /a size of 1 for a directory/)
  assert.match(refusal({ 11: null }, "a", link), /link target missing/)
  assert.match(refusal({ 11: { linkTarget: latin1("x") } }), /on a file/)
  assert.match(refusal({ 11: { linkTarget: latin1("") } }, "a", link), /0 bytes/)
  assert.match(refusal({ 11: { linkTarget: latin1("a\0") } }, "a", link), /NUL/)
  assert.match(refusal({ 11: null }, "a", node), /device numbers missing/)
  assert.match(refusal({ 11: { device: [1, 1] } }), /on a file/)
  assert.match(refusal({ 11: {} }), /empty map/)
  assert.match(refusal({ 11: { sparse: false } }), /not true/)
  assert.match(refusal({ 11: { other: true } }), /unknown/)
  assert.match(refusal({ 2: 3, 10: null, 11: { capture: 1 } }), /captured, and a fifo/)
  assert.match(refusal({ 11: { hardLink: latin1("b") } }), /does not come before/)
  assert.match(refusal({ 11: { hardLink: latin1("a") } }), /does not come before/)
  assert.match(refusal({ 11: { hardLink: latin1("../a") } }, "b"), /component/)
  assert.match(refusal({ 2: 1, 10: null, 11: { hardLink: latin1("a") } }, "b"), /hard-linked directory/)
  const xattr = (name: string, bytes = 0): Value => [latin1(name), new Uint8Array(bytes)]
  assert.equal(refusal({ 11: { xattrs: [xattr("a"), xattr("b")] } }), "accepted")
  assert.match(refusal({ 11: { xattrs: [] } }), /empty array/)
  assert.match(refusal({ 11: { xattrs: [xattr("")] } }), /without a name/)
  assert.match(refusal({ 11: { xattrs: [xattr("b"), xattr("a")] } }), /not sorted/)
  assert.match(refusal({ 11: { xattrs: [xattr("a"), xattr("a")] } }), /not sorted/)
  assert.match(refusal({ 11: { xattrs: [xattr("a\0")] } }), /NUL/)
  assert.match(refusal({ 11: { xattrs: [xattr("a", 150_000), xattr("b", 150_000)] } }), /300002 bytes/)
})

test("encodeLeaf() refuses entries that decodeListingNode() would refuse", () => {
  for (const change of [
    { path: "a/../b" },
    { mode: 0o10000 },
    { size: 1 },
    { content: null },
    { uid: -1 },
    { user: "\ud800" },
  ]) {
    assert.throws(() => encodeLeaf([{ ...fileEntry("a"), ...change } as Entry]), /bug/)
  }
  assert.throws(() => encodeLeaf([fileEntry("b"), fileEntry("a")]), /order/)
  assert.throws(() => encodeLeaf([fileEntry("a"), fileEntry("a")]), /order/)
})

test("LeafWriter.appendEncoded() of entries from LeafReader makes the same leaf, whatever came before", () => {
  fc.assert(
    fc.property(listingEntries, fc.nat(20), (entries, from) => {
      const reader = new LeafReader(encodeLeaf(entries), "node")
      const writer = new LeafWriter()
      for (let i = 0; reader.left > 0; i++) {
        const { path } = reader.next()
        if (i >= from) writer.appendEncoded(path, reader.afterSuffix)
      }
      assert.deepEqual(writer.take(), encodeLeaf(entries.slice(from)))
    }),
  )
})

test("followsAt() agrees with comparePaths() and sharedLength()", () => {
  fc.assert(
    fc.property(rawPaths, rawPaths, (a, b) => {
      const shared = sharedLength(a, b)
      assert.equal(followsAt(a, b, shared), comparePaths(a, b) < 0)
      for (let less = 0; less < shared; less++) assert.equal(followsAt(a, b, less), false)
    }),
    { numRuns: 1000 },
  )
})

const children: fc.Arbitrary<ListingChild[]> = fc
  .uniqueArray(rawPaths, { minLength: 1, maxLength: 20 })
  .chain((paths) =>
    fc
      .array(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: paths.length, maxLength: paths.length })
      .map((counts) =>
        paths.sort(comparePaths).map((first, i) => ({
          first,
          id: new Uint8Array(32).fill(i) as ChunkId,
          entries: counts[i] ?? 1,
        })),
      ),
  )

test("decodeListingNode() returns the children that encodeInner() encoded", () => {
  fc.assert(
    fc.property(children, fc.integer({ min: 1, max: 31 }), (list, level) => {
      const bytes = encodeInner(level, list)
      assert.deepEqual(decodeListingNode(bytes, "node"), { level, children: list })
      const head = list.length < 16 ? 3 : 5
      assert.equal(
        bytes.length - head,
        list.reduce((sum, child) => sum + innerItemBytes(child), 0),
      )
    }),
  )
})

test("decodeListingNode() of an inner node detects every flipped bit and wrong length, or accepts another's encoding", () => {
  const [list] = fc.sample(children, { numRuns: 1, seed: 2 })
  const codec = {
    encode: (node: ReturnType<typeof decodeListingNode>) =>
      node.entries === undefined ? encodeInner(node.level, node.children) : encodeLeaf(node.entries),
    decode: (bytes: Uint8Array) => decodeListingNode(bytes, "node"),
  }
  assert.ok(assertDamageIsSeen(codec, { level: 3, children: (list ?? assert.fail()).slice(0, 4) }) > 0)
})

test("decodeListingNode() refuses an inner node that breaks one rule", () => {
  const id = new Uint8Array(32)
  const refused = (value: Value): void =>
    assert.throws(() => decodeListingNode(encodeCanonical(value), "node"), { code: "listing-node" })
  refused([1, []])
  refused([32, [[latin1("a"), id, 1]]])
  refused([
    1,
    [
      [latin1("b"), id, 1],
      [latin1("a"), id, 1],
    ],
  ])
  refused([
    1,
    [
      [latin1("a"), id, 1],
      [latin1("a"), id, 1],
    ],
  ])
  refused([1, [[latin1("a/../b"), id, 1]]])
  refused([1, [[latin1("a"), id, 0]]])
  refused([1, [[latin1("a"), new Uint8Array(31), 1]]])
  refused([
    1,
    [
      [latin1("a"), id, Number.MAX_SAFE_INTEGER],
      [latin1("b"), id, 1],
    ],
  ])
  refused([1, Array.from({ length: 1025 }, (_, i) => [latin1(String(i).padStart(4, "0")), id, 1])])
  refused([1])
  refused(null)
  assert.throws(() => decodeListingNode(new Uint8Array(1024 * 1024 + 1), "node"), { code: "listing-node" })
  assert.throws(() => decodeListingNode(new Uint8Array(0), "node"), { code: "msgpack" })
})

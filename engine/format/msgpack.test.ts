import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"

import { fromHex, toHex, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"

const hex = (text: string): Uint8Array => fromHex(text.replaceAll(" ", "")) as Uint8Array

function refused(bytes: Uint8Array, why: RegExp): void {
  assert.throws(
    () => decodeCanonical(bytes, "thing"),
    (error) => {
      assert.ok(isEngineError(error, "msgpack"), String(error))
      assert.equal(error.kind, "corrupt")
      assert.match(error.message, why)
      assert.match(error.message, /^thing: /)
      return true
    },
  )
}

const known: [string, Value, string][] = [
  ["nil", null, "c0"],
  ["false", false, "c2"],
  ["true", true, "c3"],
  ["0", 0, "00"],
  ["127, the last one-byte integer", 127, "7f"],
  ["128", 128, "cc80"],
  ["255", 255, "ccff"],
  ["256", 256, "cd0100"],
  ["65536", 65536, "ce00010000"],
  ["2^32-1", 2 ** 32 - 1, "ceffffffff"],
  ["2^32", 2 ** 32, "d30000000100000000"],
  ["2^53-1", Number.MAX_SAFE_INTEGER, "d3001fffffffffffff"],
  ["2^53, no longer safe", 2n ** 53n, "d30020000000000000"],
  ["2^63-1", 2n ** 63n - 1n, "d37fffffffffffffff"],
  ["2^63", 2n ** 63n, "cf8000000000000000"],
  ["2^64-1", 2n ** 64n - 1n, "cfffffffffffffffff"],
  ["-1", -1, "ff"],
  ["-32, the last one-byte integer", -32, "e0"],
  ["-33", -33, "d0df"],
  ["-128", -128, "d080"],
  ["-129", -129, "d1ff7f"],
  ["-32769", -32769, "d2ffff7fff"],
  ["-2^31", -(2 ** 31), "d280000000"],
  ["-2^31-1", -(2 ** 31) - 1, "d3ffffffff7fffffff"],
  ["-2^63", -(2n ** 63n), "d38000000000000000"],
  ["1.5", 1.5, "cb3ff8000000000000"],
  ["empty text", "", "a0"],
  ["text", "ab", "a26162"],
  ["32 bytes of text", "a".repeat(32), `d920${"61".repeat(32)}`],
  ["text whose UTF-8 needs a longer header than its characters", "é".repeat(16), `d920${"c3a9".repeat(16)}`],
  ["text beyond the basic plane", "😀", "a4f09f9880"],
  ["empty bytes", new Uint8Array(0), "c400"],
  ["bytes", new Uint8Array([1, 2]), "c4020102"],
  ["an array", [1, [], "a"], "930190a161"],
  ["a map, sorted by bytes", { b: 1, a: 2, "10": 3, "9": 4, é: 5 }, "85a231300 3a13904a16102a16201a2c3a905"],
]

describe("encodeCanonical()", () => {
  for (const [name, value, bytes] of known) {
    test(`encodes ${name}, and decodeCanonical() reads it back`, () => {
      const expected = bytes.replaceAll(" ", "")
      assert.equal(toHex(encodeCanonical(value)), expected)
      const back = decodeCanonical(hex(expected), "thing")
      assert.equal(toHex(encodeCanonical(back)), expected)
      if (typeof value !== "object") assert.equal(back, value)
    })
  }

  test("turns -0 into 0 and narrow bigints into short integers", () => {
    assert.equal(toHex(encodeCanonical([-0, 5n, -1n, 300n])), "9400 05ff cd012c".replaceAll(" ", ""))
  })

  test("asserts that the value has a canonical form", () => {
    const values: Value[] = [NaN, Infinity, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n, "\ud800", { "\udfff": 1 }]
    for (const value of values) assert.throws(() => encodeCanonical(value), /^Error: bug: /)
  })

  test("returns its own memory", () => {
    const first = encodeCanonical(["first"])
    const copy = first.slice()
    encodeCanonical(["second"])
    assert.deepEqual(first, copy)
    assert.equal(first.byteLength, first.buffer.byteLength)
  })
})

describe("decodeCanonical()", () => {
  const forms: [string, string, RegExp][] = [
    ["nothing at all", "", /1 bytes or more are claimed, 0 are there/],
    ["a second value behind the first", "c0c0", /1 bytes too many/],
    ["the type byte that msgpack never uses", "c1", /0xc1 is not allowed/],
    ["a float32", "ca3fc00000", /0xca is not allowed/],
    ["a fixed extension", "d40000", /0xd4 is not allowed/],
    ["an extension", "c70100ff", /0xc7 is not allowed/],
    ["an 8-bit integer that fits in one byte", "cc7f", /shortest/],
    ["a 16-bit integer that fits in 8 bits", "cd00ff", /shortest/],
    ["a 32-bit integer that fits in 16 bits", "ce0000ffff", /shortest/],
    ["a 64-bit integer that fits in 32 bits", "d300000000ffffffff", /shortest/],
    ["an unsigned 64-bit integer that fits a signed one", "cf7fffffffffffffff", /shortest/],
    ["a signed 8-bit integer that fits in one byte", "d0e0", /shortest/],
    ["a positive signed integer", "d07f", /shortest/],
    ["a signed 16-bit integer that fits in 8 bits", "d1ff80", /shortest/],
    ["a signed 32-bit integer that fits in 16 bits", "d2ffff8000", /shortest/],
    ["a signed 64-bit integer that fits in 32 bits", "d3ffffffff80000000", /shortest/],
    ["short text with a long header", "d90161", /shortest/],
    ["text of 255 bytes with a 16-bit header", `da00ff${"61".repeat(255)}`, /shortest/],
    ["bytes with a 16-bit header", "c5000100", /shortest/],
    ["bytes with a 32-bit header", "c60000000100", /shortest/],
    ["an array with a 16-bit header", "dc000100", /shortest/],
    ["a map with a 16-bit header", "de0001a16100", /shortest/],
    ["NaN", "cb7ff8000000000000", /not finite/],
    ["infinity", "cbfff0000000000000", /not finite/],
    ["a whole number as a float", "cb3ff0000000000000", /whole number as a float/],
    ["minus zero as a float", "cb8000000000000000", /whole number as a float/],
    ["text that is not UTF-8", "a1ff", /not UTF-8/],
    ["text with an encoded surrogate", "a3eda080", /not UTF-8/],
    ["text in overlong UTF-8", "a2c080", /not UTF-8/],
    ["a key that is not text", "8100c0", /key that is not text/],
    ["bytes as a key", "81c40161c0", /key that is not text/],
    ["unsorted keys", "82a16200a16100", /not sorted or not unique/],
    ["a key twice", "82a16100a16101", /not sorted or not unique/],
    ["a key before its own prefix", "82a2616100a16101", /not sorted or not unique/],
    ["cut text", "a261", /2 bytes or more are claimed, 1 are there/],
    ["a cut integer", "cd01", /2 bytes or more are claimed, 1 are there/],
    ["a cut map", "81a161", /claimed/],
  ]
  for (const [name, bytes, why] of forms) {
    test(`refuses ${name}`, () => refused(hex(bytes), why))
  }

  test("accepts 16 levels and refuses 17", () => {
    assert.doesNotThrow(() => decodeCanonical(hex("91".repeat(16) + "c0"), "thing"))
    refused(hex("91".repeat(17) + "c0"), /nested deeper than 16/)
    refused(hex("81a161".repeat(17) + "c0"), /nested deeper than 16/)
  })

  const bombs: [string, Uint8Array][] = [
    ["100,000 levels of nesting", new Uint8Array(100_000).fill(0x91)],
    ["an array of 2^32-1 items", hex("ddffffffff")],
    ["a map of 2^32-1 pairs", hex("dfffffffff")],
    ["bytes of 2^32-1", hex("c6ffffffff")],
    ["text of 2^32-1", hex("dbffffffff")],
    ["sixteen nested arrays of 2^32-1 items", hex("ddffffffff".repeat(16))],
    ["an array that claims one item more than there are bytes", hex(`dc0400${"c0".repeat(1023)}`)],
  ]
  for (const [name, bytes] of bombs) {
    test(`refuses ${name} at once and without allocating memory`, () => {
      const before = process.memoryUsage()
      const start = performance.now()
      refused(bytes, /claimed|deeper/)
      const after = process.memoryUsage()
      assert.ok(performance.now() - start < 50, "took longer than 50 ms")
      const grown = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
      assert.ok(grown < 8 * 2 ** 20, `grew by ${grown} bytes`)
    })
  }

  test("keeps __proto__, constructor and toString as harmless keys", () => {
    const bytes = hex("83a95f5f70726f746f5f5f81a178c3ab636f6e7374727563746f7201a8746f537472696e6702")
    const value = decodeCanonical(bytes, "thing") as Record<string, Value>
    assert.equal(Object.getPrototypeOf(value), null)
    assert.deepEqual(Object.keys(value), ["__proto__", "constructor", "toString"])
    assert.deepEqual(
      Object.getOwnPropertyDescriptor(value, "__proto__")?.value,
      Object.assign(Object.create(null), { x: true }),
    )
    assert.equal(({} as Record<string, unknown>)["x"], undefined)
    assert.deepEqual(encodeCanonical(value), bytes)
  })

  test("leaves the input bytes unchanged", () => {
    const bytes = encodeCanonical([1, "a", new Uint8Array([9])])
    decodeCanonical(bytes, "thing")
    assert.deepEqual(Object.keys(bytes), ["0", "1", "2", "3", "4", "5", "6"])
  })

  test("reads a view into larger memory", () => {
    const memory = new Uint8Array(100).fill(0xc1)
    const encoded = encodeCanonical({ a: [1, new Uint8Array([1, 2, 3])], b: "text of some length" })
    memory.set(encoded, 50)
    const value = decodeCanonical(memory.subarray(50, 50 + encoded.length), "thing")
    assert.deepEqual(encodeCanonical(value), encoded)
  })
})

/** Values with a canonical form, in the form in which they are decoded. */
const anyValue = (): fc.Arbitrary<Value> =>
  fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.integer({ min: -300, max: 70_000 }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(narrow),
      fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(tie("value"), { maxLength: 20 }),
      fc.dictionary(fc.string({ unit: "binary", maxLength: 8 }), tie("value"), { maxKeys: 8 }),
    ),
  })).value

function narrow(value: bigint): Value {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
}

describe("encodeCanonical() and decodeCanonical()", () => {
  test("keep results from before and after a large object, and release its memory", () => {
    const before = encodeCanonical(["before", new Uint8Array(1000).fill(1)])
    const large = new Uint8Array(3 * 1024 * 1024).map((_, i) => i * 7)
    const encoded = encodeCanonical(["large", large])
    const decoded = decodeCanonical(encoded, "large")
    const after = encodeCanonical(["after", large.subarray(0, 70_000)])
    assert.deepEqual(decodeCanonical(after, "after"), ["after", large.subarray(0, 70_000)])
    assert.deepEqual(decoded, ["large", large])
    assert.deepEqual(decodeCanonical(before, "before"), ["before", new Uint8Array(1000).fill(1)])
  })

  test("are inverses for any value", () => {
    fc.assert(
      fc.property(anyValue(), (value) => {
        const bytes = encodeCanonical(value)
        const back = decodeCanonical(bytes, "thing")
        assert.deepEqual(plain(back), plain(value))
        assert.deepEqual(encodeCanonical(back), bytes)
      }),
      { numRuns: 200 },
    )
  })

  test("agree on mutated bytes: accepted bytes encode to the same bytes", () => {
    fc.assert(
      fc.property(anyValue(), fc.nat(), fc.nat(255), (value, where, byte) => {
        const bytes = encodeCanonical(value)
        bytes[where % bytes.length] = byte
        try {
          assert.deepEqual(encodeCanonical(decodeCanonical(bytes, "thing")), bytes)
        } catch (error) {
          assert.ok(isEngineError(error, "msgpack"), String(error))
        }
      }),
      { numRuns: 500 },
    )
  })

  test("agree on random bytes and on text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          assert.deepEqual(encodeCanonical(decodeCanonical(bytes, "thing")), bytes)
        } catch (error) {
          assert.ok(isEngineError(error, "msgpack"), String(error))
        }
      }),
      { numRuns: 500 },
    )
    assert.equal(toHex(encodeCanonical("ü")), `a2${toHex(utf8("ü"))}`)
  })
})

/** Without prototypes, so deepEqual compares only content. */
function plain(value: Value): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map((item: Value) => plain(item))
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? 0 : value
  const keys = Object.keys(value).sort()
  return keys.map((key) => [key, plain((value as Record<string, Value>)[key] as Value)])
}

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"

import type { DeviceId, Digest } from "../base/ids.ts"
import {
  bundleName,
  entryName,
  gcName,
  keyslotName,
  mirrorName,
  NAME_NUMBER_MAX,
  packName,
  type ParsedName,
  parseName,
  REPOSITORY_NAME,
  segmentName,
  trustName,
} from "./names.ts"

const digest = "0123456789abcdef".repeat(4) as Digest
const device = "fedcba98".repeat(4) as DeviceId

const cases: [string, string, ParsedName][] = [
  ["repository", REPOSITORY_NAME, { type: "repository" }],
  [`keys/${digest}`, keyslotName(digest), { type: "keyslot", digest }],
  [`log/trust/0000000001-${digest}`, trustName(1, digest), { type: "trust", number: 1, digest }],
  [
    `log/${device}/0000000042-${digest}`,
    entryName(device, 42, digest),
    { type: "entry", device, sequence: 42, digest },
  ],
  [
    `log/gc/9999999999-${digest}`,
    gcName(NAME_NUMBER_MAX, digest),
    { type: "gc", number: NAME_NUMBER_MAX, digest },
  ],
  [`bundles/${digest}`, bundleName(digest), { type: "bundle", digest }],
  [`packs/01/${digest}`, packName(digest), { type: "pack", digest }],
  [`index/${digest}`, segmentName(digest), { type: "segment", digest }],
]

describe("parseName()", () => {
  for (const [text, built, parsed] of cases) {
    test(`reads ${text.replace(digest, "…")} back as it was built`, () => {
      assert.equal(built, text)
      assert.deepEqual(parseName(text), parsed)
    })
  }

  const foreign: [string, string][] = [
    ["nothing", ""],
    ["a config of restic's", "config"],
    ["a name below repository", "repository/x"],
    ["a leading slash", `/keys/${digest}`],
    ["upper-case hex", `keys/${digest.toUpperCase()}`],
    ["a digit too few", `keys/${digest.slice(1)}`],
    ["a digit too many", `keys/${digest}0`],
    ["a line break at the end", `keys/${digest}\n`],
    ["a pack in another's folder", `packs/02/${digest}`],
    ["a pack without a folder", `packs/${digest}`],
    ["sequence zero", `log/${device}/0000000000-${digest}`],
    ["a sequence without its zeros", `log/${device}/1-${digest}`],
    ["a sequence of eleven digits", `log/${device}/00000000001-${digest}`],
    ["a short device", `log/${device.slice(1)}/0000000001-${digest}`],
    ["a chain that is neither device, trust nor gc", `log/other/0000000001-${digest}`],
    ["an entry one level deeper", `log/${device}/x/0000000001-${digest}`],
    ["a temporary file", `keys/.${digest}.tmp`],
  ]
  for (const [name, text] of foreign) {
    test(`treats ${name} as foreign`, () => assert.equal(parseName(text), undefined))
  }

  test("never throws and never accepts what the builders would not build", () => {
    const piece = fc.oneof(
      fc.constantFrom("log", "trust", "gc", "packs", "01", "keys", device, digest),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const name = pieces.join("/")
        const parsed = parseName(name)
        if (parsed !== undefined) assert.equal(rebuild(parsed), name)
      }),
      { numRuns: 500 },
    )
  })
})

describe("trustName()", () => {
  test("keeps the order of names equal to the order of numbers", () => {
    const number = fc.integer({ min: 1, max: NAME_NUMBER_MAX })
    fc.assert(
      fc.property(number, number, (a, b) => {
        assert.equal(trustName(a, digest) < trustName(b, digest), a < b)
      }),
    )
  })

  test("asserts that a number fits in a name", () => {
    for (const number of [0, -1, 1.5, NAME_NUMBER_MAX + 1]) {
      assert.throws(() => trustName(number, digest), /^Error: bug: /)
    }
  })
})

function rebuild(name: ParsedName): string {
  switch (name.type) {
    case "repository":
      return REPOSITORY_NAME
    case "keyslot":
      return keyslotName(name.digest)
    case "trust":
      return trustName(name.number, name.digest)
    case "entry":
      return entryName(name.device, name.sequence, name.digest)
    case "gc":
      return gcName(name.number, name.digest)
    case "mirror":
      return mirrorName(name.number, name.digest)
    case "bundle":
      return bundleName(name.digest)
    case "pack":
      return packName(name.digest)
    case "segment":
      return segmentName(name.digest)
  }
}

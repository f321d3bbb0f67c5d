import assert from "node:assert/strict"
import { test } from "node:test"
import fc from "fast-check"

import { decodeEntryBody, encodeEntryBody } from "./entry-body.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import { assertDamageIsSeen } from "../testing/codec-contract.ts"
import { chainEntries } from "../testing/format-values.ts"
import type { Entry, SnapshotEntry } from "./entry.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"

const codec = {
  encode: encodeEntryBody,
  decode: (bytes: Uint8Array): Entry => decodeEntryBody(bytes, "entry"),
}

function sample(type: Entry["type"], seed: number): Entry {
  const found = fc.sample(chainEntries, { numRuns: 60, seed }).find((entry) => entry.type === type)
  return found ?? assert.fail(`no ${type} among the samples`)
}

const snapshot = sample("snapshot", 11) as SnapshotEntry

test("decodeEntryBody() returns what encodeEntryBody() encoded", () => {
  fc.assert(
    fc.property(chainEntries, (entry) => assert.deepEqual(codec.decode(encodeEntryBody(entry)), entry)),
  )
})

test("encodeEntryBody() has one encoding, whatever the order of its sets", () => {
  fc.assert(
    fc.property(chainEntries, (entry) => {
      const turned = {
        ...entry,
        heads: entry.heads.toReversed(),
        packs: entry.packs.toReversed(),
        segments: entry.segments.toReversed(),
        newest: entry.newest?.toReversed() ?? null,
        ...(entry.type === "snapshot" ? { tags: entry.tags.toReversed() } : {}),
      }
      assert.deepEqual(encodeEntryBody(turned), encodeEntryBody(entry))
    }),
  )
})

test("decodeEntryBody() detects every flipped bit and wrong length, or accepts another entry's encoding", () => {
  for (const type of ["partial", "fence"] as const) {
    assert.ok(assertDamageIsSeen(codec, { ...sample(type, 1), packs: [], program: "p" }) > 0)
  }
  const small = { ...snapshot, packs: [], heads: snapshot.heads.slice(0, 1), skipped: [], paths: [] }
  assert.ok(assertDamageIsSeen(codec, small) > 0)
})

/** Decodes the snapshot's body with some values replaced. */
function withValues(change: Record<string, Value>): () => Entry {
  const map = decodeCanonical(encodeEntryBody(snapshot), "entry") as Record<string, Value>
  return () => codec.decode(encodeCanonical({ ...map, ...change }))
}

test("decodeEntryBody() refuses a body that breaks one rule", () => {
  const refused = (change: Record<string, Value>): void =>
    assert.throws(withValues(change), { code: "entry" })
  const digest = new Uint8Array(32)
  const head = (byte: number): Value => [new Uint8Array(16).fill(byte), 1, digest]
  assert.doesNotThrow(withValues({}))
  refused({ v: 1 })
  refused({ type: "other" })
  refused({ type: "fence" })
  refused({ more: 1 })
  refused({ repository: new Uint8Array(15) })
  refused({ sequence: 0 })
  refused({ sequence: 1, previous: digest })
  refused({ sequence: 2, previous: null })
  refused({ sequence: 10_000_000_000, previous: digest })
  refused({ heads: [head(2), head(1)] })
  refused({ heads: [head(1), head(1)] })
  refused({ heads: [[Buffer.from(snapshot.device, "hex"), 1, digest]] })
  refused({ gcSeen: [0, digest] })
  refused({ trust: null })
  refused({ timeNs: 2n ** 63n })
  refused({ segments: [digest, digest] })
  refused({ series: "" })
  refused({ series: "s".repeat(1025) })
  refused({ tags: ["b", "a"] })
  refused({ tags: ["a", "a"] })
  refused({ tags: ["\u{1f600}", "\uffff"] })
  refused({ root: [digest, 32] })
  refused({ summary: { files: 1 } })
  refused({ skippedCount: 0, skipped: [[new Uint8Array(1), "reason"]] })
  refused({ options: { a: 1 } })
  refused({ single: 0 })
  refused({ flag: "odd" })
  refused({ flag: false })
  refused({ accepts: new Uint8Array(31) })
})

test("decodeEntryBody() reads an option named __proto__ as an option", () => {
  const map = decodeCanonical(encodeEntryBody(snapshot), "entry") as Record<string, Value>
  const options = Object.fromEntries([["__proto__", "x"]])
  const found = codec.decode(encodeCanonical({ ...map, options })) as SnapshotEntry
  assert.deepEqual(Object.entries(found.options), [["__proto__", "x"]])
})

test("encodeEntryBody() refuses what decodeEntryBody() would refuse", () => {
  assert.throws(() => encodeEntryBody({ ...snapshot, sequence: 0 }))
  assert.throws(() => encodeEntryBody({ ...snapshot, sequence: 2, previous: null }))
  assert.throws(() => encodeEntryBody({ ...snapshot, tags: ["a", "a"] }))
  assert.throws(() => encodeEntryBody({ ...snapshot, device: "00" as DeviceId }))
  assert.throws(() => encodeEntryBody({ ...snapshot, segments: ["00" as Digest] }))
})

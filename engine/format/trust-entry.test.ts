import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { concatBytes, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import { flippedBits } from "../testing/damage.ts"
import { encodeCanonical } from "./msgpack.ts"
import {
  decodeTrustState,
  encodeTrustState,
  splitTrustEntry,
  type TrustBox,
  type TrustDevice,
  type TrustSlot,
  type TrustState,
} from "./trust-entry.ts"
import { decodeTrustPrivate, encodeTrustPrivate } from "./trust-private.ts"

const bytes = (length: number, fill: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill)
const box = (fill: number): TrustBox => ({ to: bytes(32, fill), box: bytes(80, fill) })

const slotA: TrustSlot = { id: "aa".repeat(32) as Digest, public: bytes(32, 1), kind: "key", role: "full" }
const slotB: TrustSlot = {
  id: "bb".repeat(32) as Digest,
  public: bytes(32, 2),
  kind: "recovery",
  role: "writer",
}
const device: TrustDevice = {
  id: "11".repeat(16) as DeviceId,
  sign: bytes(32, 9),
  seal: bytes(32, 3),
  role: "full",
  slot: slotA.id,
  status: "active",
  continues: null,
}
const gone: TrustDevice = {
  ...device,
  id: "22".repeat(16) as DeviceId,
  status: "revoked",
  seal: bytes(32, 4),
}
const state: TrustState = {
  repository: "00112233445566778899aabbccddeeff" as RepositoryId,
  number: 7,
  previous: "cc".repeat(32) as Digest,
  devices: [
    device,
    gone,
    { ...device, id: "33".repeat(16) as DeviceId, seal: bytes(32, 5), continues: gone.id },
  ],
  slots: [slotA, slotB],
  epochs: [
    { number: 1, boxes: [], previous: null },
    { number: 2, boxes: [box(1), box(2), box(3), box(5)], previous: bytes(48, 6) },
  ],
  rootBoxes: [box(1)],
  policy: { keep: 30 },
  store: {},
  private: bytes(600, 8),
}
const newest = { number: 2, boxes: [box(1), box(2), box(3), box(5)], previous: bytes(48, 6) }
const oldest = { number: 1, boxes: [], previous: null }

describe("decodeTrustState()", () => {
  test("reads what encodeTrustState() writes", () => {
    const found = decodeTrustState(encodeTrustState(state), "log/trust/x")
    assert.deepEqual({ ...found, policy: null, store: null }, { ...state, policy: null, store: null })
    assert.deepEqual(encodeTrustState(found), encodeTrustState(state))
  })

  const broken: [string, Partial<TrustState>, RegExp][] = [
    ["number 0", { number: 0 }, /n: 0 is not between/],
    ["a first entry with a predecessor", { number: 1 }, /only the first entry/],
    ["a later entry without one", { previous: null }, /only the first entry/],
    ["devices out of order", { devices: state.devices.toReversed() }, /devices: not sorted/],
    ["a device twice", { devices: [device, device] }, /devices: not sorted/],
    ["slots out of order", { slots: [slotB, slotA] }, /slots: not sorted/],
    ["no slot of role full", { slots: [slotB] }, /no slot of role full/],
    ["no epoch", { epochs: [] }, /epochs: there is none/],
    ["an epoch left out", { epochs: [{ ...newest, number: 3 }] }, /epochs.n: 3 instead of 1/],
    [
      "a second epoch without the root before",
      { epochs: [oldest, { ...newest, previous: null }] },
      /only the first epoch/,
    ],
    [
      "boxes of an older epoch",
      { epochs: [{ ...oldest, boxes: [box(1)] }, newest] },
      /only the newest epoch has boxes/,
    ],
    [
      "an active device without a box",
      { epochs: [oldest, { ...newest, boxes: newest.boxes.slice(1) }] },
      /exactly the active/,
    ],
    [
      "a box for a revoked device",
      { epochs: [oldest, { ...newest, boxes: [...newest.boxes.slice(0, 3), box(4), box(5)] }] },
      /exactly the active/,
    ],
    [
      "boxes out of order",
      { epochs: [oldest, { ...newest, boxes: newest.boxes.toReversed() }] },
      /exactly the active/,
    ],
    ["a root box for a writer", { rootBoxes: [box(1), box(2)] }, /exactly the full slots/],
    ["no root box", { rootBoxes: [] }, /exactly the full slots/],
    ["one key for two members", { devices: [{ ...device, seal: slotA.public }] }, /exactly the active/],
  ]
  for (const [name, change, message] of broken) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => decodeTrustState(encodeTrustState({ ...state, ...change }), "log/trust/x"),
        (error) => isEngineError(error, "trust") && error.kind === "corrupt" && message.test(error.message),
      )
    })
  }

  test("reports a newer format as too new", () => {
    const unsigned = encodeTrustState(state)
    unsigned[4] = 1
    assert.throws(
      () => decodeTrustState(unsigned, "log/trust/x"),
      (error) => isEngineError(error, "format-too-new"),
    )
  })

  test("never crashes on a flipped bit, and reads only the flipped bytes", () => {
    const small = encodeTrustState({
      ...state,
      devices: [],
      epochs: [oldest, { ...newest, boxes: [box(1), box(2)] }],
      private: bytes(0, 0),
    })
    for (const { damaged, bit } of flippedBits(small)) {
      try {
        assert.deepEqual(encodeTrustState(decodeTrustState(damaged, "log/trust/x")), damaged, `bit ${bit}`)
      } catch (error) {
        assert.ok(isEngineError(error), String(error))
      }
    }
  })
})

describe("splitTrustEntry()", () => {
  test("takes the last 64 bytes as the signature and refuses shorter input", () => {
    const { unsigned, signature } = splitTrustEntry(concatBytes([bytes(10, 1), bytes(64, 2)]), "log/trust/x")
    assert.deepEqual([unsigned, signature], [bytes(10, 1), bytes(64, 2)])
    for (const length of [0, 63, 64, 68, 4 * 1024 * 1024 + 1]) {
      assert.throws(
        () => splitTrustEntry(bytes(length, 0), "log/trust/x"),
        (error) => isEngineError(error, "trust"),
      )
    }
  })
})

describe("decodeTrustPrivate()", () => {
  const part = {
    chunkKey: bytes(32, 1),
    chunkerKey: bytes(32, 2),
    labels: new Map([["ab".repeat(16), "läptop"]]),
  }

  test("reads what encodeTrustPrivate() writes", () => {
    assert.deepEqual(decodeTrustPrivate(encodeTrustPrivate(part), "log/trust/x"), part)
  })

  test("refuses labels without an id, long labels and short keys", () => {
    const refused = (change: object): void =>
      assert.throws(
        () => decodeTrustPrivate(encodeCanonical({ ...part, labels: {}, v: 0, ...change }), "log/trust/x"),
        (error) => isEngineError(error, "trust-private") && error.kind === "corrupt",
      )
    refused({ labels: { __proto: "x" } })
    refused({ labels: { ["ab".repeat(16)]: "x".repeat(257) } })
    refused({ chunkKey: bytes(31, 1) })
    refused({ v: 1 })
    assert.throws(
      () => decodeTrustPrivate(utf8(""), "log/trust/x"),
      (error) => isEngineError(error, "msgpack"),
    )
  })
})

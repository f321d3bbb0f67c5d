import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { ed25519 } from "@noble/curves/ed25519.js"

import { type Bytes, concatBytes, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import { encodeTrustState, type TrustState } from "../format/trust-entry.ts"
import { flippedBits, wrongLengths } from "../testing/damage.ts"
import { smallDevice, smallTrust } from "../testing/small-trust.ts"
import { digestOf } from "./digest.ts"
import { type KeyPair, sealingPair, signingPair } from "./keypair.ts"
import { sign } from "./sign.ts"
import { addDevice, addSlot, endDevice, newEpoch, nextTrust, removeSlot, signTrust } from "./trust-change.ts"
import { type OpenedTrust, openTrust, type TrustExpectation, verifyTrust } from "./trust-state.ts"

const made = await smallTrust("trust-state")
const { repository, root, key, recovery, first, random } = made

function expectation(bytes: Uint8Array, number = 1): TrustExpectation {
  return { number, digest: digestOf(bytes), repository, root: root.public }
}

function reopen(entry: { bytes: Bytes; state: TrustState }, member: KeyPair): OpenedTrust {
  return openTrust(verifyTrust(entry.bytes, expectation(entry.bytes, entry.state.number)), member)
}

function signed(state: TrustState, by: KeyPair = root): Bytes {
  const unsigned = encodeTrustState(state)
  return concatBytes([unsigned, sign(by, concatBytes([utf8("holdfast/1/trust"), unsigned]))])
}

const notMember = (error: unknown): boolean => isEngineError(error, "not-a-member") && error.kind === "denied"

describe("verifyTrust()", () => {
  test("accepts the first entry, whose signature @noble accepts too", () => {
    assert.deepEqual(verifyTrust(first.bytes, expectation(first.bytes)).state, first.state)
    const end = first.bytes.length - 64
    const message = concatBytes([utf8("holdfast/1/trust"), first.bytes.subarray(0, end)])
    assert.ok(ed25519.verify(first.bytes.subarray(end), message, root.public))
  })

  test("refuses every flipped bit and every other length as damage", () => {
    const expected = expectation(first.bytes)
    for (const damaged of [
      ...Array.from(flippedBits(first.bytes), (each) => each.damaged),
      ...wrongLengths(first.bytes),
    ]) {
      assert.throws(
        () => verifyTrust(damaged, expected),
        (error) => isEngineError(error, "digest") && error.kind === "corrupt",
      )
    }
  })

  test("refuses every flipped bit of an entry renamed to match, as not signed", () => {
    for (const { damaged, bit } of flippedBits(first.bytes)) {
      if (bit % 7 !== 0) continue // one of seven: each costs a verification
      assert.throws(
        () => verifyTrust(damaged, expectation(damaged)),
        (error) => isEngineError(error, "trust-signature") && error.kind === "untrusted",
        `bit ${bit}`,
      )
    }
  })

  test("refuses an entry of another root key, another repository, and another number", () => {
    const stranger = signed(first.state, signingPair(new Uint8Array(32)))
    assert.throws(
      () => verifyTrust(stranger, expectation(stranger)),
      (e) => isEngineError(e, "trust-signature"),
    )
    const foreign = signed({ ...first.state, repository: "f".repeat(32) as RepositoryId })
    assert.throws(
      () => verifyTrust(foreign, expectation(foreign)),
      (e) => isEngineError(e, "trust-repository"),
    )
    assert.throws(() => verifyTrust(first.bytes, expectation(first.bytes, 2)), /contains number 1/)
  })

  test("refuses a device whose keys don't match its id", () => {
    const device = { ...smallDevice(random, key).member, sign: new Uint8Array(32) }
    const newest = first.state.epochs[0]
    assert.ok(newest)
    const boxes = [...newest.boxes, { to: device.seal, box: new Uint8Array(80) }]
    boxes.sort((a, b) => Buffer.compare(a.to, b.to))
    const bytes = signed({ ...first.state, devices: [device], epochs: [{ ...newest, boxes }] })
    assert.throws(() => verifyTrust(bytes, expectation(bytes)), /do not match its ID/)
  })
})

describe("openTrust()", () => {
  test("gives every slot the same data keys, and the root key only to full slots", () => {
    const full = reopen(first, key.pair)
    const writer = reopen(first, recovery.pair)
    assert.deepEqual(full.keys, writer.keys)
    assert.equal(full.keys.epoch, 1)
    assert.deepEqual(full.root, root)
    assert.equal(writer.root, null)
    assert.equal(full.private.labels.get(key.id), "agent configuration")
  })

  test("refuses a stranger as not a member", () => {
    assert.throws(() => reopen(first, sealingPair(new Uint8Array(32).fill(1))), notMember)
  })

  test("refuses a signed state with damaged boxes or a damaged private part", () => {
    const newest = first.state.epochs[0]
    assert.ok(newest)
    const states: TrustState[] = [
      {
        ...first.state,
        epochs: [{ ...newest, boxes: newest.boxes.map(({ to }) => ({ to, box: new Uint8Array(80) })) }],
      },
      { ...first.state, rootBoxes: first.state.rootBoxes.map(({ to }) => ({ to, box: new Uint8Array(80) })) },
      { ...first.state, private: first.state.private.with(100, 0).with(101, 0) },
      { ...first.state, private: new Uint8Array(0) },
    ]
    for (const state of states) {
      const bytes = signed(state)
      assert.throws(
        () => reopen({ bytes, state }, key.pair),
        (error) => isEngineError(error) && error.kind === "corrupt",
      )
    }
  })
})

describe("addDevice()", () => {
  test("admits a new device with its own keys, linked to the entry before", () => {
    const device = smallDevice(random, key)
    const second = signTrust(
      addDevice(nextTrust(reopen(first, key.pair)), device.member, "laptop", random),
      random,
    )
    assert.equal(second.state.number, 2)
    assert.equal(second.state.previous, first.digest)
    const opened = reopen(second, device.sealing)
    assert.deepEqual(opened.keys, reopen(first, key.pair).keys)
    assert.equal(opened.root, null)
    assert.equal(opened.private.labels.get(device.member.id), "laptop")
    assert.throws(
      () => nextTrust(opened),
      (error) => isEngineError(error, "not-full") && error.kind === "denied",
    )
  })
})

describe("removeSlot() and endDevice()", () => {
  test("start an epoch that the removed member can't open, and the past stays readable for the others", () => {
    const device = smallDevice(random, key)
    const second = signTrust(addDevice(nextTrust(reopen(first, key.pair)), device.member, "", random), random)
    const third = signTrust(removeSlot(nextTrust(reopen(second, key.pair)), recovery.id, random), random)
    assert.throws(() => reopen(third, recovery.pair), notMember)
    const fourth = signTrust(
      endDevice(nextTrust(reopen(third, key.pair)), device.member.id, "revoked", random),
      random,
    )
    assert.throws(() => reopen(fourth, device.sealing), notMember)

    const before = reopen(first, key.pair).keys
    const after = reopen(fourth, key.pair).keys
    assert.equal(after.epoch, 3)
    assert.deepEqual(after.sealing[0], before.sealing[0])
    assert.deepEqual(reopen(third, device.sealing).keys.sealing, after.sealing.slice(0, 2))
    assert.deepEqual([after.chunkKey, after.chunkerKey], [before.chunkKey, before.chunkerKey])
    assert.equal(new Set(after.sealing.map(({ key: bytes }) => Buffer.from(bytes).toString("hex"))).size, 3)
    assert.ok(fourth.state.epochs.slice(0, -1).every((epoch) => epoch.boxes.length === 0))
  })

  test("refuse the last full slot and unknown members", () => {
    const draft = nextTrust(reopen(first, key.pair))
    assert.throws(
      () => removeSlot(draft, key.id, random),
      (error) => isEngineError(error, "last-full-slot"),
    )
    const nobody = "0".repeat(64) as Digest
    assert.throws(
      () => removeSlot(draft, nobody, random),
      (error) => isEngineError(error, "no-such-slot"),
    )
    const noDevice = "0".repeat(32) as DeviceId
    assert.throws(
      () => endDevice(draft, noDevice, "retired", random),
      (e) => isEngineError(e, "no-such-device"),
    )
  })
})

describe("addSlot()", () => {
  test("lets a second full slot continue alone after the first was removed", () => {
    const pair = sealingPair(random.bytes(32))
    const slot = {
      id: "ab".repeat(32) as Digest,
      public: pair.public,
      kind: "recovery" as const,
      role: "full" as const,
    }
    const second = signTrust(addSlot(nextTrust(reopen(first, key.pair)), slot, "safe", random), random)
    assert.deepEqual(second.state.rootBoxes.length, 2)
    const third = signTrust(removeSlot(nextTrust(reopen(second, pair)), key.id, random), random)
    const opened = reopen(third, pair)
    assert.deepEqual(opened.root, root)
    assert.equal(opened.private.labels.has(key.id), false)
    assert.equal(opened.private.labels.get(slot.id), "safe")
  })

  test("refuses a slot that exists already", () => {
    const slot = first.state.slots[0]
    assert.ok(slot)
    const draft = addSlot(nextTrust(reopen(first, key.pair)), slot, "", random)
    assert.throws(() => signTrust(draft, random), /one of them twice/)
  })
})

describe("newEpoch()", () => {
  test("can be repeated: the newest root leads to every older one", () => {
    let entry: { bytes: Bytes; state: TrustState } = first
    for (let i = 0; i < 5; i++)
      entry = signTrust(newEpoch(nextTrust(reopen(entry, key.pair)), random), random)
    const { keys } = reopen(entry, recovery.pair)
    assert.deepEqual(
      keys.sealing.map((each) => each.epoch),
      [1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(keys.sealing[0], reopen(first, key.pair).keys.sealing[0])
  })

  test("refuses a broken chain of roots", () => {
    const second = signTrust(newEpoch(nextTrust(reopen(first, key.pair)), random), random)
    const [one, two] = second.state.epochs
    assert.ok(one && two)
    const state = { ...second.state, epochs: [one, { ...two, previous: new Uint8Array(48) }] }
    assert.throws(
      () => reopen({ bytes: signed(state), state }, key.pair),
      /root of the epoch before 2 cannot be decrypted/,
    )
  })
})

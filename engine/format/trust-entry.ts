/**
 * A trust entry: the full state of who may read, write and decide, signed by the repository's root key.
 * This file knows its bytes and the rules that hold inside one state; signatures and boxes are opened
 * in crypto/trust-state.ts, chains of entries are followed in trust/. spec/trust.md.
 *
 *     object = "HFTR" ‖ format u8 ‖ msgpack state ‖ Ed25519 signature 64
 *     signed = "holdfast/1/trust" ‖ everything before the signature
 */
import { type Bytes, compareBytes, concatBytes, equalBytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import { decodeCanonical, encodeCanonical, type Value } from "./msgpack.ts"
import { refuseNewerFormat } from "./repository-record.ts"
import type { SlotKind } from "./keyslot.ts"
import { schema, type Schema } from "./schema.ts"

/** `writer` backs up and restores; `full` also forgets, prunes, fences, and changes keys and policy. */
export type Role = "full" | "writer"
export type DeviceStatus = "active" | "retired" | "revoked"

export interface TrustDevice {
  readonly id: DeviceId
  /** Ed25519 and X25519 public keys. The id is derived from both. */
  readonly sign: Bytes
  readonly seal: Bytes
  readonly role: Role
  /** The slot that allowed it to enrol. */
  readonly slot: Digest | null
  readonly status: DeviceStatus
  /** The device whose series it continues, after that device's home was lost or cloned. */
  readonly continues: DeviceId | null
}

export interface TrustSlot {
  /** The digest of the keyslot object. Only slots listed here are trusted. */
  readonly id: Digest
  readonly public: Bytes
  readonly kind: SlotKind
  readonly role: Role
}

/** `box` opens with the secret of the public key `to`. */
export interface TrustBox {
  readonly to: Bytes
  readonly box: Bytes
}

export interface TrustEpoch {
  readonly number: number
  /** The epoch's root for every member. Empty in older epochs, whose roots follow from the newest. */
  readonly boxes: readonly TrustBox[]
  /** The root of the previous epoch, sealed under this one's. */
  readonly previous: Bytes | null
}

export interface TrustState {
  readonly repository: RepositoryId
  readonly number: number
  readonly previous: Digest | null
  readonly devices: readonly TrustDevice[]
  readonly slots: readonly TrustSlot[]
  readonly epochs: readonly TrustEpoch[]
  /** The root signing secret, for full slots. */
  readonly rootBoxes: readonly TrustBox[]
  readonly policy: Readonly<Record<string, Value>>
  /** The store's abilities as tested. */
  readonly store: Readonly<Record<string, Value>>
  /** A sealed object of kind 4; see trust-private.ts. */
  readonly private: Bytes
}

/** Never change. */
const TRUST_SIGNATURE_BYTES = 64
/** An X25519 public key, 32 sealed bytes and a tag. */
const BOX_BYTES = 80
const PREVIOUS_ROOT_BYTES = 48
const MAGIC: Bytes = utf8("HFTR")
const TRUST_FORMAT = 0
const TRUST_BYTES_MAX = 4 * 1024 * 1024
const DOMAIN: Bytes = utf8("holdfast/1/trust")

const DEVICES_MAX = 4096
const SLOTS_MAX = 256
const EPOCHS_MAX = 4096
const BOXES_MAX: number = DEVICES_MAX + SLOTS_MAX

/** Encodes everything before the signature. */
export function encodeTrustState(state: TrustState): Bytes {
  const fields: Value = {
    devices: state.devices.map(encodeDevice),
    epochs: state.epochs.map(({ number, boxes, previous }) => ({
      boxes: boxes.map(plainBox),
      n: number,
      previous,
    })),
    n: state.number,
    policy: state.policy,
    previous: state.previous === null ? null : (fromHex(state.previous) as Bytes),
    private: state.private,
    repository: fromHex(state.repository) as Bytes,
    rootBoxes: state.rootBoxes.map(plainBox),
    slots: state.slots.map((slot) => ({ ...slot, id: fromHex(slot.id) as Bytes })),
    store: state.store,
    v: TRUST_FORMAT,
  }
  return concatBytes([MAGIC, new Uint8Array([TRUST_FORMAT]), encodeCanonical(fields)])
}

/** Returns the bytes that the root key signs. */
export function trustMessage(unsigned: Uint8Array): Bytes {
  return concatBytes([DOMAIN, unsigned])
}

/** Splits a trust entry into its parts, which aren't trusted yet. */
export function splitTrustEntry(
  bytes: Uint8Array,
  object: string,
): { unsigned: Uint8Array; signature: Uint8Array } {
  const end = bytes.length - TRUST_SIGNATURE_BYTES
  if (end <= MAGIC.length || bytes.length > TRUST_BYTES_MAX) {
    throw corrupt("trust", object, `${bytes.length} bytes are no possible length`)
  }
  return { unsigned: bytes.subarray(0, end), signature: bytes.subarray(end) }
}

/** Call only after the signature over `unsigned` was verified. */
export function decodeTrustState(unsigned: Uint8Array, object: string): TrustState {
  const check = schema("trust", object)
  if (!equalBytes(unsigned.subarray(0, 4), MAGIC)) throw check.refuse("magic", "is not a trust entry's")
  refuseNewerFormat(unsigned[4], TRUST_FORMAT, object)
  const fields = check.map(decodeCanonical(unsigned.subarray(5), object), "state", [
    ...(["devices", "epochs", "n", "policy", "previous", "private", "repository", "rootBoxes"] as const),
    ...(["slots", "store", "v"] as const),
  ])
  check.int(fields.v, "v", { min: TRUST_FORMAT, max: TRUST_FORMAT })
  const state: TrustState = {
    repository: toHex(check.bytes(fields.repository, "repository", 16)) as RepositoryId,
    number: check.int(fields.n, "n", { min: 1, max: 9_999_999_999 }),
    previous: check.optional(fields.previous, "previous", (value, field) => digest(check, value, field)),
    devices: check.array(fields.devices, "devices", DEVICES_MAX).map((value) => decodeDevice(check, value)),
    slots: check.array(fields.slots, "slots", SLOTS_MAX).map((value) => decodeSlot(check, value)),
    epochs: check.array(fields.epochs, "epochs", EPOCHS_MAX).map((value) => decodeEpoch(check, value)),
    rootBoxes: decodeBoxes(check, fields.rootBoxes, "rootBoxes"),
    policy: check.dictionary(fields.policy, "policy", 256),
    store: check.dictionary(fields.store, "store", 256),
    private: check.bytesUpTo(fields.private, "private", TRUST_BYTES_MAX).slice(),
  }
  checkTrustRules(state, check.refuse)
  return state
}

function encodeDevice(device: TrustDevice): Value {
  const { sign, seal, role, status } = device
  const slot = device.slot === null ? null : (fromHex(device.slot) as Bytes)
  const continues = device.continues === null ? null : (fromHex(device.continues) as Bytes)
  return { continues, id: fromHex(device.id) as Bytes, role, seal, sign, slot, status }
}

function decodeDevice(check: Schema, value: Value): TrustDevice {
  const keys = ["continues", "id", "role", "seal", "sign", "slot", "status"] as const
  const fields = check.map(value, "devices", keys)
  const id = (each: Value, field: string): DeviceId => toHex(check.bytes(each, field, 16)) as DeviceId
  return {
    id: id(fields.id, "devices.id"),
    sign: check.bytes(fields.sign, "devices.sign", 32).slice(),
    seal: check.bytes(fields.seal, "devices.seal", 32).slice(),
    role: check.oneOf(fields.role, "devices.role", ["full", "writer"]),
    slot: check.optional(fields.slot, "devices.slot", (each, field) => digest(check, each, field)),
    status: check.oneOf(fields.status, "devices.status", ["active", "retired", "revoked"]),
    continues: check.optional(fields.continues, "devices.continues", id),
  }
}

function decodeSlot(check: Schema, value: Value): TrustSlot {
  const fields = check.map(value, "slots", ["id", "kind", "public", "role"])
  return {
    id: digest(check, fields.id, "slots.id"),
    public: check.bytes(fields.public, "slots.public", 32).slice(),
    kind: check.oneOf(fields.kind, "slots.kind", ["passphrase", "key", "recovery"]),
    role: check.oneOf(fields.role, "slots.role", ["full", "writer"]),
  }
}

function decodeEpoch(check: Schema, value: Value): TrustEpoch {
  const fields = check.map(value, "epochs", ["boxes", "n", "previous"])
  const root = (each: Value, field: string): Bytes => check.bytes(each, field, PREVIOUS_ROOT_BYTES).slice()
  return {
    number: check.int(fields.n, "epochs.n", { min: 1, max: EPOCHS_MAX }),
    boxes: decodeBoxes(check, fields.boxes, "epochs.boxes"),
    previous: check.optional(fields.previous, "epochs.previous", root),
  }
}

function decodeBoxes(check: Schema, value: Value, field: string): readonly TrustBox[] {
  return check.array(value, field, BOXES_MAX).map((each) => {
    const { to, box } = check.map(each, field, ["box", "to"])
    const bytes = check.bytes(box, `${field}.box`, BOX_BYTES).slice()
    return { to: check.bytes(to, `${field}.to`, 32).slice(), box: bytes }
  })
}

function plainBox({ to, box }: TrustBox): Value {
  return { box, to }
}

function digest(check: Schema, value: Value, field: string): Digest {
  return toHex(check.bytes(value, field, 32)) as Digest
}

type Refuse = (field: string, found: string) => Error

/**
 * Checks the rules inside one state, beyond the types of its fields: every list is sorted without
 * duplicates, and boxes are for exactly the members. Then a mistake in a change of trust can't lock
 * a member out or leave a removed one in.
 * @throws the error of `refuse`
 */
function checkTrustRules(state: TrustState, refuse: Refuse): void {
  if ((state.number === 1) !== (state.previous === null)) {
    throw refuse("previous", "only the first entry has no predecessor")
  }
  const increasing = (field: string, keys: readonly Uint8Array[]): void => {
    if (!isIncreasing(keys)) throw refuse(field, "not sorted, or one of them twice")
  }
  increasing(
    "devices",
    state.devices.map((device) => fromHex(device.id) as Bytes),
  )
  increasing(
    "slots",
    state.slots.map((slot) => fromHex(slot.id) as Bytes),
  )
  checkEpochs(state, refuse)

  const newest = state.epochs.at(-1)?.boxes ?? []
  const full = state.slots.filter((slot) => slot.role === "full").map((slot) => slot.public)
  if (full.length === 0) throw refuse("slots", "no slot of role full is left")
  if (!isExactlyFor(newest, memberKeys(state))) {
    throw refuse("epochs.boxes", "the newest epoch is not sealed to exactly the active members")
  }
  if (!isExactlyFor(state.rootBoxes, full)) throw refuse("rootBoxes", "not sealed to exactly the full slots")
}

/** Returns the public keys that an epoch's root is sealed to: every slot's and every active device's. */
export function memberKeys(state: Pick<TrustState, "devices" | "slots">): readonly Bytes[] {
  const devices = state.devices.filter((device) => device.status === "active")
  return [...state.slots.map((slot) => slot.public), ...devices.map((device) => device.seal)]
}

function checkEpochs(state: TrustState, refuse: Refuse): void {
  if (state.epochs.length === 0) throw refuse("epochs", "there is none")
  for (const [index, epoch] of state.epochs.entries()) {
    const isNewest = index === state.epochs.length - 1
    if (epoch.number !== index + 1) throw refuse("epochs.n", `${epoch.number} instead of ${index + 1}`)
    if ((epoch.number === 1) !== (epoch.previous === null)) {
      throw refuse("epochs.previous", "only the first epoch has no root before it")
    }
    if (!isNewest && epoch.boxes.length > 0) throw refuse("epochs.boxes", "only the newest epoch has boxes")
  }
}

function isExactlyFor(boxes: readonly TrustBox[], keys: readonly Uint8Array[]): boolean {
  const wanted = keys.toSorted(compareBytes)
  if (!isIncreasing(wanted) || boxes.length !== wanted.length) return false
  return boxes.every((box, i) => compareBytes(box.to, wanted[i] as Uint8Array) === 0)
}

function isIncreasing(keys: readonly Uint8Array[]): boolean {
  return keys.every((key, i) => i === 0 || compareBytes(keys[i - 1] as Uint8Array, key) < 0)
}

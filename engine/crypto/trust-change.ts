/**
 * Writes trust: the first state of a repository, and the change from one entry to the next. A
 * change works on a draft, which needs the root signing key. Signing the draft makes the entry. A
 * removed member can't open the next epoch. spec/trust.md.
 *
 * Every function returns a new draft. Randomness comes from the given port.
 */
import { type Bytes, compareBytes, concatBytes, fromHex } from "../base/bytes.ts"
import { assert, EngineError } from "../base/errors.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import type { Value } from "../format/msgpack.ts"
import { KIND_TRUST_PRIVATE, SALT_BYTES } from "../format/sealed-header.ts"
import {
  decodeTrustState,
  type DeviceStatus,
  encodeTrustState,
  memberKeys,
  type TrustBox,
  type TrustDevice,
  type TrustEpoch,
  trustMessage,
  type TrustSlot,
  type TrustState,
} from "../format/trust-entry.ts"
import { encodeTrustPrivate, type TrustPrivate } from "../format/trust-private.ts"
import { type BoxContext, sealBox } from "./box.ts"
import { deriveSealingKey } from "./derive.ts"
import { digestOf } from "./digest.ts"
import type { KeyPair } from "./keypair.ts"
import { sealObject } from "./sealed-object.ts"
import { sign } from "./sign.ts"
import { type OpenedTrust, sealPreviousRoot, type VerifiedTrust } from "./trust-state.ts"

/** An entry that isn't signed yet. */
export interface TrustDraft {
  /** Everything but the private part, which is sealed when the draft is signed. */
  readonly state: Omit<TrustState, "private">
  readonly epochRoot: Bytes
  readonly private: TrustPrivate
  readonly root: KeyPair
}

export interface FirstTrust {
  readonly repository: RepositoryId
  /** The signing pair with the public key in the object `repository`. */
  readonly root: KeyPair
  /** At least one has the role full. */
  readonly slots: readonly TrustSlot[]
  readonly labels: ReadonlyMap<string, string>
  readonly policy: Readonly<Record<string, Value>>
  readonly store: Readonly<Record<string, Value>>
}

/** Returns a repository's first state: new data keys sealed to its slots, and no device. */
export function firstTrust(input: FirstTrust, random: Random): TrustDraft {
  const { repository, root, labels, policy, store } = input
  const draft: TrustDraft = {
    state: {
      repository,
      number: 1,
      previous: null,
      devices: [],
      slots: sortedById(input.slots),
      epochs: [{ number: 1, boxes: [], previous: null }],
      rootBoxes: [],
      policy,
      store,
    },
    epochRoot: random.bytes(32),
    private: { chunkKey: random.bytes(32), chunkerKey: random.bytes(32), labels },
    root,
  }
  return sealToMembers(draft, random)
}

/**
 * Returns the draft of the entry after `trust`.
 * @throws denied "not-full" unless a full slot opened it
 */
export function nextTrust(trust: OpenedTrust): TrustDraft {
  if (trust.root === null) {
    const message = "changing keys and devices requires a passphrase, key or recovery words with role full"
    throw new EngineError("denied", "not-full", message)
  }
  const { private: _, ...state } = trust.state
  return {
    state: { ...state, number: state.number + 1, previous: trust.digest },
    epochRoot: trust.epochRoot,
    private: trust.private,
    root: trust.root,
  }
}

/** Returns the entry of a draft: its bytes, and the state that a reader decodes. */
export function signTrust(draft: TrustDraft, random: Random): VerifiedTrust & { readonly bytes: Bytes } {
  const { repository, epochs } = draft.state
  const sealing = deriveSealingKey(draft.epochRoot, repository, epochs.length)
  const body = encodeTrustPrivate(draft.private)
  const part = sealObject(sealing, KIND_TRUST_PRIVATE, random.bytes(SALT_BYTES), body)
  const unsigned = encodeTrustState({ ...draft.state, private: part })
  const bytes = concatBytes([unsigned, sign(draft.root, trustMessage(unsigned))])
  // Decoded again, so an entry that readers would refuse is never written.
  return { bytes, state: decodeTrustState(unsigned, "a new trust entry"), digest: digestOf(bytes) }
}

export function addSlot(draft: TrustDraft, slot: TrustSlot, label: string, random: Random): TrustDraft {
  const slots = sortedById([...draft.state.slots, slot])
  return sealToMembers(labelled({ ...draft, state: { ...draft.state, slots } }, slot.id, label), random)
}

/**
 * Removes a slot and starts a new epoch.
 * @throws invalid "last-full-slot"
 */
export function removeSlot(draft: TrustDraft, id: Digest, random: Random): TrustDraft {
  const slots = draft.state.slots.filter((slot) => slot.id !== id)
  if (slots.length === draft.state.slots.length) {
    throw new EngineError(
      "not-found",
      "no-such-slot",
      `no keyslot ${id}. Run \`holdfast key list\` to see them`,
    )
  }
  if (!slots.some((slot) => slot.role === "full")) {
    const message =
      "this is the last keyslot with role full. Without one, nobody could change keys. Add another key first"
    throw new EngineError("invalid", "last-full-slot", message)
  }
  return newEpoch(labelled({ ...draft, state: { ...draft.state, slots } }, id, undefined), random)
}

export function addDevice(draft: TrustDraft, device: TrustDevice, label: string, random: Random): TrustDraft {
  const devices = sortedById([...draft.state.devices, device])
  return sealToMembers(labelled({ ...draft, state: { ...draft.state, devices } }, device.id, label), random)
}

/** Removes a device and starts a new epoch. Its earlier entries stay trusted. */
export function endDevice(
  draft: TrustDraft,
  id: DeviceId,
  status: Exclude<DeviceStatus, "active">,
  random: Random,
): TrustDraft {
  if (!draft.state.devices.some((device) => device.id === id)) {
    throw new EngineError(
      "not-found",
      "no-such-device",
      `no device ${id}. Run \`holdfast device list\` to see them`,
    )
  }
  const devices = draft.state.devices.map((device) => (device.id === id ? { ...device, status } : device))
  return newEpoch({ ...draft, state: { ...draft.state, devices } }, random)
}

/** Makes new data keys for all remaining members. It needs no member's secret. */
export function newEpoch(draft: TrustDraft, random: Random): TrustDraft {
  const { epochs, repository } = draft.state
  const epochRoot = random.bytes(32)
  const number = epochs.length + 1
  const older = epochs.map((epoch): TrustEpoch => ({ ...epoch, boxes: [] }))
  const previous = sealPreviousRoot(repository, number, epochRoot, draft.epochRoot)
  const state = { ...draft.state, epochs: [...older, { number, boxes: [], previous }] }
  return sealToMembers({ ...draft, state, epochRoot }, random)
}

/** Makes boxes for exactly the current members. Existing boxes are kept. */
function sealToMembers(draft: TrustDraft, random: Random): TrustDraft {
  const { state } = draft
  const newest = state.epochs.at(-1)
  assert(newest !== undefined, "a state has an epoch")
  const rootOf: BoxContext = { purpose: "epoch-root", repository: state.repository }
  const boxes = boxesFor(memberKeys(state), newest.boxes, (to) =>
    sealBox(to, draft.epochRoot, rootOf, random.bytes(32)),
  )
  const full = state.slots.filter((slot) => slot.role === "full").map((slot) => slot.public)
  const signing: BoxContext = { purpose: "root-signing", repository: state.repository }
  const rootBoxes = boxesFor(full, state.rootBoxes, (to) =>
    sealBox(to, draft.root.secret, signing, random.bytes(32)),
  )
  const epochs = [...state.epochs.slice(0, -1), { ...newest, boxes }]
  return { ...draft, state: { ...state, epochs, rootBoxes } }
}

function boxesFor(
  keys: readonly Bytes[],
  existing: readonly TrustBox[],
  seal: (to: Bytes) => Bytes,
): readonly TrustBox[] {
  return keys.toSorted(compareBytes).map((to) => {
    const known = existing.find((box) => compareBytes(box.to, to) === 0)
    return known ?? { to, box: seal(to) }
  })
}

function labelled(draft: TrustDraft, id: DeviceId | Digest, label: string | undefined): TrustDraft {
  const labels = new Map(draft.private.labels)
  if (label === undefined || label === "") labels.delete(id)
  else labels.set(id, label)
  return { ...draft, private: { ...draft.private, labels } }
}

function sortedById<T extends { readonly id: DeviceId | Digest }>(members: readonly T[]): readonly T[] {
  return members.toSorted((a, b) => compareBytes(fromHex(a.id) as Bytes, fromHex(b.id) as Bytes))
}

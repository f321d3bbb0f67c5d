/**
 * The rules inside one trust state, beyond the types of its fields: one order for every list, no
 * member twice, and boxes for exactly those who should hold them, so that a mistake in a change of
 * trust can neither lock a member out nor leave a removed one in. spec/trust.md.
 */
import { type Bytes, compareBytes, fromHex } from "../base/bytes.ts"
import type { TrustBox, TrustState } from "./trust-entry.ts"

type Refuse = (field: string, found: string) => Error

/** Throws what `refuse` makes when a rule is broken. */
export function checkTrustRules(state: TrustState, refuse: Refuse): void {
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

/** The public keys that an epoch's root is sealed to: every slot's and every active device's. */
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

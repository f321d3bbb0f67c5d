/**
 * Merges trust entries that were written at the same time: what an entry changed against its predecessor is
 * repeated on top of the entry that comes first. Each writer lists the log after its PUT, so at least one
 * of two writers sees the other and merges. spec/log.md, rule T2.
 */
import type { DeviceId, Digest } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import { addDevice, addSlot, endDevice, removeSlot, type TrustDraft } from "../crypto/trust-change.ts"
import type { DeviceStatus, TrustDevice, TrustSlot, TrustState } from "../format/trust-entry.ts"

/** What one entry changed. */
export interface TrustDifference {
  readonly addedDevices: readonly TrustDevice[]
  readonly endedDevices: readonly { readonly id: DeviceId; readonly status: DeviceStatus }[]
  readonly addedSlots: readonly TrustSlot[]
  readonly removedSlots: readonly Digest[]
}

type Members = Pick<TrustState, "devices" | "slots">

const STATUS_ORDER: Readonly<Record<DeviceStatus, number>> = { active: 0, retired: 1, revoked: 2 }

export function trustDifference(before: Members, after: Members): TrustDifference {
  const devices = byId(before.devices)
  const slots = byId(before.slots)
  const slotsAfter = byId(after.slots)
  return {
    addedDevices: after.devices.filter((device) => !devices.has(device.id)),
    endedDevices: after.devices.filter((device) => {
      const was = devices.get(device.id)
      return was !== undefined && isFurther(device.status, was.status)
    }),
    addedSlots: after.slots.filter((slot) => !slots.has(slot.id)),
    removedSlots: before.slots.filter((slot) => !slotsAfter.has(slot.id)).map((slot) => slot.id),
  }
}

/** The part of `difference` that `state` does not have yet. */
export function missingFrom(state: Members, difference: TrustDifference): TrustDifference {
  const devices = byId(state.devices)
  const slots = byId(state.slots)
  return {
    addedDevices: difference.addedDevices.filter((device) => !devices.has(device.id)),
    endedDevices: difference.endedDevices.filter(({ id, status }) => {
      const device = devices.get(id)
      return device !== undefined && isFurther(status, device.status)
    }),
    addedSlots: difference.addedSlots.filter((slot) => !slots.has(slot.id)),
    removedSlots: difference.removedSlots.filter((id) => slots.has(id)),
  }
}

export function isNoDifference(difference: TrustDifference): boolean {
  return Object.values(difference).every((list: readonly unknown[]) => list.length === 0)
}

/**
 * Slots are added before others are removed, so that a full one is left. A removal of the last full slot,
 * which happens if two devices removed one each, is skipped.
 */
export function applyDifference(
  start: TrustDraft,
  difference: TrustDifference,
  labels: ReadonlyMap<string, string>,
  random: Random,
): TrustDraft {
  const missing = missingFrom(start.state, difference)
  const labelOf = (id: string): string => labels.get(id) ?? ""
  let draft = start
  for (const slot of missing.addedSlots) draft = addSlot(draft, slot, labelOf(slot.id), random)
  for (const device of missing.addedDevices) draft = addDevice(draft, device, labelOf(device.id), random)
  for (const id of missing.removedSlots) {
    const isLastFull = !draft.state.slots.some((slot) => slot.role === "full" && slot.id !== id)
    if (!isLastFull) draft = removeSlot(draft, id, random)
  }
  for (const { id, status } of missing.endedDevices) {
    if (status !== "active") draft = endDevice(draft, id, status, random)
  }
  return draft
}

function isFurther(status: DeviceStatus, than: DeviceStatus): boolean {
  return STATUS_ORDER[status] > STATUS_ORDER[than]
}

function byId<T extends { readonly id: string }>(members: readonly T[]): ReadonlyMap<string, T> {
  return new Map(members.map((member) => [member.id, member]))
}

/**
 * Enrols a device: makes two key pairs, writes a trust entry that names them, and only then the home's
 * device.json. A crash leaves a member that nobody uses, never a home that is not a member. A secret of
 * role full is needed once. After that the device opens the repository by itself. spec/trust.md, rule W6.
 */
import { EngineError } from "../base/errors.ts"
import type { DeviceId } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import { deviceId, sealingPair, signingPair } from "../crypto/keypair.ts"
import type { OpenedSlot } from "../crypto/keyslots.ts"
import { addDevice } from "../crypto/trust-change.ts"
import { type OpenedTrust, openTrust } from "../crypto/trust-state.ts"
import { encodeRepository } from "../format/repository-record.ts"
import type { Role, TrustDevice } from "../format/trust-entry.ts"
import { writeDeviceFile } from "../home/device-file.ts"
import type { RepositoryHome } from "../home/home.ts"
import { type ChangedTrust, changeTrust, type TrustChange } from "../trust/change-trust.ts"
import { listLog } from "../log/log-names.ts"
import type { Repository } from "./repository.ts"
import { becomeDevice, type Device } from "./session.ts"
import { newestTrust, noTrust } from "../trust/trust-log.ts"
import { unlock } from "../trust/unlock.ts"
import { trustSource } from "./accepted-trust.ts"

export interface NewDevice {
  readonly role: Role
  readonly slot: OpenedSlot
  readonly continues: DeviceId | null
}

export function makeDevice(random: Random): Device {
  const signing = signingPair(random.bytes(32))
  const sealing = sealingPair(random.bytes(32))
  return { id: deviceId(signing.public, sealing.public), signing, sealing }
}

export function trustDevice(device: Device, { role, slot, continues }: NewDevice): TrustDevice {
  const { id, signing, sealing } = device
  return { id, sign: signing.public, seal: sealing.public, role, slot: slot.id, status: "active", continues }
}

/** Durable in the store when it resolves. The caller then writes the home. */
export async function enrolDevice(
  change: TrustChange,
  device: Device,
  how: NewDevice,
  label: string,
): Promise<ChangedTrust> {
  const member = trustDevice(device, how)
  return await changeTrust(change, (draft) => addDevice(draft, member, label, change.random))
}

/** The highest role that a slot may enrol. */
export function roleOf({ state }: Pick<OpenedTrust, "state">, slot: OpenedSlot): Role {
  return state.slots.find((each) => each.id === slot.id)?.role ?? "writer"
}

export function keepDevice(
  home: RepositoryHome,
  { id, signing, sealing }: Device,
  repository: Pick<Repository, "id" | "digest" | "record">,
): void {
  writeDeviceFile(home, {
    device: id,
    signing,
    sealing,
    repository: repository.id,
    repositoryDigest: repository.digest,
    rootPublic: repository.record.root,
  })
}

/**
 * Enrols this home again. Needs a secret.
 * @param continues the old device, if the home was cloned or restored: it gets a new one. Null if the
 * device's enrolment was lost: it is enrolled with the keys it has
 */
export async function enrolAnew(
  repository: Repository,
  why: string,
  continues: DeviceId | null,
): Promise<void> {
  const secret = await repository.askSecret()
  if (secret === undefined) {
    const message = `${why}. It needs a new identity: run the command again with the repository's passphrase, key or recovery words`
    throw new EngineError("denied", "enrol-anew", message)
  }
  const { store, random } = repository
  const names = await listLog(store)
  const source = trustSource(repository)
  const newest = await newestTrust(source, names.trust)
  if (newest === undefined) throw noTrust()
  const from = newest.trust
  const record = encodeRepository(repository.record)
  const slot = await unlock(store, { record, slots: from.state.slots }, secret)
  const device =
    continues === null && repository.session.device !== undefined
      ? repository.session.device
      : makeDevice(random)
  const how: NewDevice = { role: roleOf(from, slot), slot, continues }
  const label = repository.session.trust.labels.get(repository.session.device?.id ?? "") ?? ""
  const { trust } = await enrolDevice(
    { source, members: [slot.pair], random, names, from },
    device,
    how,
    label,
  )
  keepDevice(repository.home, device, repository)
  becomeDevice(repository, device, openTrust(trust, device.sealing))
}

/**
 * The verbs for the secrets and devices of a repository. Each change is a trust entry and needs a secret
 * of role full as its authority: a device alone cannot let anyone in. spec/keys.md, spec/trust.md.
 */
import { EngineError } from "../base/errors.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import { makeKeyslot, type OpenedSlot, type SlotSecret } from "../crypto/keyslots.ts"
import { addSlot, nextTrust, removeSlot, type TrustDraft } from "../crypto/trust-change.ts"
import { openTrust, type VerifiedTrust } from "../crypto/trust-state.ts"
import { RECOVERY_BYTES, wordsOf } from "../crypto/words.ts"
import type { KdfParameters, SlotKind } from "../format/keyslot.ts"
import { keyslotName } from "../format/names.ts"
import { encodeRepository } from "../format/repository-record.ts"
import type { DeviceStatus, Role, TrustSlot } from "../format/trust-entry.ts"
import { changeTrust } from "../trust/change-trust.ts"
import { trustSource } from "./accepted-trust.ts"
import { noTrust, newestTrust, type TrustSource } from "../trust/trust-log.ts"
import { look } from "./look.ts"
import { listLog, type LogNames } from "../log/log-names.ts"
import { isMirrorMark, mirrorMark, refuseMirror } from "../log/mirror.ts"
import type { Repository } from "./repository.ts"
import { acceptOwnTrust, warnOnce } from "./session.ts"
import { type Secret, slotSecret, unlock } from "../trust/unlock.ts"

export interface KeyInfo {
  readonly id: Digest
  readonly kind: SlotKind
  readonly role: Role
  readonly label: string
}

export interface DeviceInfo {
  readonly id: DeviceId
  readonly label: string
  readonly role: Role
  readonly status: DeviceStatus
  readonly continues: DeviceId | null
  /** This device. */
  readonly current: boolean
}

/** With a secret of role full that opens the repository now. */
interface Authorized {
  readonly authority: Secret
}

/** A function is called after the authority was verified, and may ask a person. */
type NewSecret = Secret | (() => Promise<Secret>)

export interface AddKeyRequest extends Authorized {
  /** Or `recovery`, for new recovery words. */
  readonly secret?: NewSecret
  readonly recovery?: boolean
  /** Gets the new words before they open anything: no slot is committed whose words were not shown. */
  readonly showWords?: (words: string) => void
  readonly label?: string
  readonly kdf?: KdfParameters
}

export interface AddedKey {
  readonly id: Digest
  readonly kind: SlotKind
  /** Kept nowhere: show them once. "" if none were made. */
  readonly recoveryWords: string
}

/**
 * Lists the secrets that open the repository, without their values. One LIST.
 * @throws as `snapshots`
 */
export async function listKeys(repository: Repository): Promise<KeyInfo[]> {
  await look(repository)
  const { state, labels } = repository.session.trust
  return state.slots.map(({ id, kind, role }) => ({ id, kind, role, label: labels.get(id) ?? "" }))
}

/**
 * Lists the devices that may read or write. One LIST.
 * @throws as `snapshots`
 */
export async function listDevices(repository: Repository): Promise<DeviceInfo[]> {
  await look(repository)
  const { state, labels } = repository.session.trust
  return state.devices.map(({ id, role, status, continues }) => ({
    id,
    role,
    status,
    continues,
    label: labels.get(id) ?? "",
    current: id === repository.session.device?.id,
  }))
}

/**
 * Adds a secret that opens the repository. The keyslot is durable before the trust entry that counts it.
 * @throws denied "wrong-key" for a wrong authority, before anything is written; invalid "no-new-secret"
 */
export async function addKey(repository: Repository, request: AddKeyRequest): Promise<AddedKey> {
  const allowed = await authorize(repository, request.authority)
  const entropy = repository.random.bytes(RECOVERY_BYTES)
  const secret = await newSlotSecret(request, entropy)
  const slot = await putKeyslot(repository, secret, request.kdf)
  const added: TrustSlot = { id: slot.id, public: slot.pair.public, kind: slot.kind, role: "full" }
  const recoveryWords = request.recovery === true ? await wordsOf(entropy) : ""
  let isShown = recoveryWords === ""
  await changeKeys(repository, allowed, (draft) => {
    if (!isShown) request.showWords?.(recoveryWords)
    isShown = true // a change that collides with another one is repeated
    return addSlot(draft, added, request.label ?? "", repository.random)
  })
  return { id: slot.id, kind: slot.kind, recoveryWords }
}

/**
 * Removes a secret and begins a new epoch: data written from now on can't be opened with it.
 * With `dryRun` everything is checked and nothing is written.
 * @throws denied "wrong-key" for a wrong authority; not-found "no-such-slot"; invalid "last-full-slot"
 */
export async function removeKey(
  repository: Repository,
  request: Authorized & { readonly id: Digest; readonly dryRun?: boolean },
): Promise<void> {
  const { random } = repository
  const { authority, dryRun = false, id } = request
  const allowed = await authorize(repository, authority)
  const edit = (draft: TrustDraft): TrustDraft => removeSlot(draft, id, random)
  if (dryRun) return void edit(nextTrust(openTrust(allowed.from, allowed.slot.pair)))
  await changeKeys(repository, allowed, edit)
  await removeKeyslot(repository, id)
}

/**
 * Replaces the passphrase that is the authority, or the only one.
 * @throws denied "wrong-key" for a wrong authority; invalid "which-passphrase" if there is none, or if there are several and
 * the authority is another secret; invalid "not-a-passphrase"
 */
export async function changePassphrase(
  repository: Repository,
  request: Authorized & { readonly secret: NewSecret; readonly kdf?: KdfParameters },
): Promise<AddedKey> {
  const { random } = repository
  const { kdf } = request
  const allowed = await authorize(repository, request.authority)
  const secret = await secretOf(request.secret)
  if (secret.kind !== "passphrase") {
    throw new EngineError(
      "invalid",
      "not-a-passphrase",
      "the new secret is not a passphrase. Use `key add` for other kinds",
    )
  }
  const slot = await putKeyslot(repository, await slotSecret(secret), kdf)
  const added: TrustSlot = { id: slot.id, public: slot.pair.public, kind: slot.kind, role: "full" }
  let old: Digest | undefined
  await changeKeys(repository, allowed, (draft) => {
    old = passphraseToChange(draft, allowed.slot)
    const label = draft.private.labels.get(old) ?? ""
    return removeSlot(addSlot(draft, added, label, random), old, random)
  })
  if (old !== undefined) await removeKeyslot(repository, old)
  return { id: slot.id, kind: slot.kind, recoveryWords: "" }
}

async function secretOf(secret: NewSecret): Promise<Secret> {
  return typeof secret === "function" ? await secret() : secret
}

async function newSlotSecret({ secret, recovery }: AddKeyRequest, entropy: Uint8Array): Promise<SlotSecret> {
  if (recovery === true) return { kind: "recovery", bytes: entropy }
  if (secret !== undefined) return await slotSecret(await secretOf(secret))
  throw new EngineError("invalid", "no-new-secret", "give a new passphrase, key or recovery words to add")
}

function passphraseToChange({ state }: TrustDraft, authority: OpenedSlot): Digest {
  if (authority.kind === "passphrase") return authority.id
  const [only, another] = state.slots.filter((slot) => slot.kind === "passphrase")
  if (only !== undefined && another === undefined) return only.id
  const message =
    only === undefined
      ? "the repository has no passphrase. Add one with `key add`"
      : "the repository has several passphrases. Give the one to change"
  throw new EngineError("invalid", "which-passphrase", message)
}

async function putKeyslot(
  { store, random, id, digest }: Repository,
  secret: SlotSecret,
  kdf: KdfParameters | undefined,
): Promise<OpenedSlot> {
  refuseMirror({ isMirror: isMirrorMark(await mirrorMark(store)) }, store)
  const how = { repository: id, repositoryDigest: digest, secret, salt: random.bytes(32) }
  const { bytes, ...slot } = await makeKeyslot(kdf === undefined ? how : { ...how, kdf })
  await store.put(keyslotName(slot.id), bytes)
  return slot
}

/** The trust state no longer counts the slot, so its object is harmless if it stays. */
async function removeKeyslot(repository: Repository, id: Digest): Promise<void> {
  try {
    await repository.store.remove(keyslotName(id))
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    warnOnce(repository, `the key was removed, but its object could not be deleted: ${error.message}`)
  }
}

/** What the authority opened, and the log at that time. */
interface Allowed {
  readonly source: TrustSource
  readonly names: LogNames
  readonly from: VerifiedTrust
  readonly slot: OpenedSlot
}

/** Throws denied "wrong-key" before anything is written. */
async function authorize(repository: Repository, authority: Secret): Promise<Allowed> {
  await look(repository)
  const { store } = repository
  const source = trustSource(repository)
  const names = await listLog(store)
  refuseMirror(names, store)
  const newest = await newestTrust(source, names.trust)
  if (newest === undefined) throw noTrust()
  const from = newest.trust
  const record = encodeRepository(repository.record)
  return { source, names, from, slot: await unlock(store, { record, slots: from.state.slots }, authority) }
}

/** `changeTrust` merges what others wrote since. */
async function changeKeys(
  repository: Repository,
  { slot, ...from }: Allowed,
  edit: (draft: TrustDraft) => TrustDraft,
): Promise<void> {
  const { random } = repository
  const { member } = repository.session
  // The change may remove the authority's own slot.
  const { trust } = await changeTrust({ ...from, members: [slot.pair, member], random }, edit)
  acceptOwnTrust(repository, openTrust(trust, member))
}

/**
 * Opens a trust entry: first its signature, then its state, then, with a member's X25519 pair, the
 * roots of all epochs and the private part. All data keys follow from these. trust-change.ts writes
 * entries. spec/trust.md.
 */
import { type Bytes, concatBytes } from "../base/bytes.ts"
import { corrupt, EngineError } from "../base/errors.ts"
import type { Digest, RepositoryId } from "../base/ids.ts"
import { trustName } from "../format/names.ts"
import { KIND_TRUST_PRIVATE } from "../format/sealed-header.ts"
import {
  decodeTrustState,
  splitTrustEntry,
  type TrustBox,
  trustMessage,
  type TrustState,
} from "../format/trust-entry.ts"
import { decodeTrustPrivate, type TrustPrivate } from "../format/trust-private.ts"
import { ONCE_KEY_BYTES, openOnce, sealOnce } from "./aead.ts"
import { type BoxContext, openBox } from "./box.ts"
import { deriveSealingKey, hkdf, idBytes, purpose, type RepositoryKeys } from "./derive.ts"
import { checkDigest, digestOf } from "./digest.ts"
import { deviceId, type KeyPair, signingPair } from "./keypair.ts"
import { openObject } from "./sealed-object.ts"
import { verify } from "./sign.ts"

/** A state signed by the repository's root key, and the digest of its entry. */
export interface VerifiedTrust {
  readonly state: TrustState
  readonly digest: Digest
}

/** The state as a member can open it. */
export interface OpenedTrust extends VerifiedTrust {
  readonly keys: RepositoryKeys
  /** The newest epoch's root. */
  readonly epochRoot: Bytes
  readonly private: TrustPrivate
  /** The root signing pair; null unless a full slot opened the state. */
  readonly root: KeyPair | null
}

/** What a trust entry must match: its name and the object `repository`. */
export interface TrustExpectation {
  readonly number: number
  readonly digest: Digest
  readonly repository: RepositoryId
  readonly root: Uint8Array
}

/**
 * Returns the verified state in `bytes`.
 * @throws corrupt if they don't match the name or aren't a state; untrusted if this repository's
 * root key didn't sign them
 */
export function verifyTrust(bytes: Uint8Array, expected: TrustExpectation): VerifiedTrust {
  const object = trustName(expected.number, expected.digest)
  checkDigest(bytes, expected.digest, object)
  const { unsigned, signature } = splitTrustEntry(bytes, object)
  if (!verify(expected.root, trustMessage(unsigned), signature)) {
    throw untrusted("trust-signature", object, "is not signed by this repository's root key")
  }
  const state = decodeTrustState(unsigned, object)
  if (state.repository !== expected.repository) {
    throw untrusted("trust-repository", object, `belongs to repository ${state.repository}`)
  }
  if (state.number !== expected.number) throw corrupt("trust", object, `contains number ${state.number}`)
  for (const device of state.devices) {
    if (deviceId(device.sign, device.seal) !== device.id) {
      throw corrupt("trust", object, `the keys of device ${device.id} do not match its ID`)
    }
  }
  return { state, digest: digestOf(bytes) }
}

/**
 * Returns all keys that a member can reach.
 * @param member a slot's or device's X25519 pair
 * @throws denied "not-a-member"
 */
export function openTrust(trust: VerifiedTrust, member: KeyPair): OpenedTrust {
  const { state } = trust
  const object = trustName(state.number, trust.digest)
  const newest = state.epochs.at(-1)
  const box = newest && findBox(newest.boxes, member)
  if (box === undefined) {
    throw new EngineError(
      "denied",
      "not-a-member",
      "this device or keyslot is not a member of the repository, or was removed",
    )
  }
  const epochRoot = unbox(member, box, { purpose: "epoch-root", repository: state.repository }, object)
  const roots = walkRoots(state, epochRoot, object)
  const sealing = roots.map((root, i) => deriveSealingKey(root, state.repository, i + 1))
  const newestKey = sealing.at(-1)
  if (newestKey === undefined) throw corrupt("trust", object, "has no epoch")
  const body = openObject(newestKey, KIND_TRUST_PRIVATE, state.private, object)
  const part = decodeTrustPrivate(body, object)
  const { chunkKey, chunkerKey } = part
  const keys: RepositoryKeys = {
    repository: state.repository,
    epoch: sealing.length,
    sealing,
    chunkKey,
    chunkerKey,
  }
  return { ...trust, keys, epochRoot, private: part, root: openRoot(state, member, object) }
}

function openRoot(state: TrustState, member: KeyPair, object: string): KeyPair | null {
  const box = findBox(state.rootBoxes, member)
  if (box === undefined) return null
  const context: BoxContext = { purpose: "root-signing", repository: state.repository }
  return signingPair(unbox(member, box, context, object))
}

/** Returns the roots of all epochs, oldest first. Each root opens the one before. */
function walkRoots(state: TrustState, newest: Bytes, object: string): Bytes[] {
  const roots = [newest]
  for (const epoch of state.epochs.toReversed()) {
    if (epoch.previous === null) break
    const root = roots[0] as Bytes
    const before = openOnce(
      previousRootKey(state.repository, epoch.number, root),
      epoch.previous,
      new Uint8Array(0),
    )
    if (before === undefined)
      throw corrupt("trust", object, `the root of the epoch before ${epoch.number} cannot be decrypted`)
    roots.unshift(before)
  }
  return roots
}

/**
 * Seals the root of the previous epoch with `root`, of epoch `number`. New members can then read
 * older data.
 */
export function sealPreviousRoot(
  repository: RepositoryId,
  number: number,
  root: Bytes,
  before: Bytes,
): Bytes {
  return sealOnce(previousRootKey(repository, number, root), before, new Uint8Array(0))
}

function previousRootKey(repository: RepositoryId, number: number, root: Bytes): Bytes {
  const epoch = new Uint8Array(4)
  new DataView(epoch.buffer).setUint32(0, number, true)
  const info = concatBytes([purpose("previous-root"), epoch])
  return hkdf({ key: root, salt: idBytes(repository), info, length: ONCE_KEY_BYTES })
}

function findBox(boxes: readonly TrustBox[], member: KeyPair): Bytes | undefined {
  return boxes.find((box) => Buffer.compare(box.to, member.public) === 0)?.box
}

function unbox(member: KeyPair, box: Bytes, context: BoxContext, object: string): Bytes {
  const plaintext = openBox(member, box, context)
  if (plaintext === undefined)
    throw corrupt("trust", object, `the box for ${context.purpose} cannot be decrypted`)
  return plaintext
}

function untrusted(code: string, object: string, found: string): EngineError {
  return new EngineError("untrusted", code, `${object}: ${found}`, { detail: { object } })
}

/**
 * Key derivation: HKDF with SHA-512 (RFC 5869), the only way from one key to another. Every info text
 * starts with "holdfast/1/" and names a purpose, which keeps derived keys independent. spec/keys.md.
 */
import { hkdfSync } from "node:crypto"

import { assert } from "../base/errors.ts"
import { type Bytes, concatBytes, fromHex, utf8 } from "../base/bytes.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"

/** The key for the objects of one epoch. */
export interface SealingKey {
  readonly epoch: number
  readonly repository: RepositoryId
  /** K_seal, 32 bytes. */
  readonly key: Bytes
}

/** Every data key of a repository that a member has. */
export interface RepositoryKeys {
  readonly repository: RepositoryId
  /** The newest epoch. New objects are sealed under it. */
  readonly epoch: number
  /** One key per epoch, oldest first. */
  readonly sealing: readonly SealingKey[]
  readonly chunkKey: Bytes
  readonly chunkerKey: Bytes
}

export interface HkdfInput {
  readonly key: Uint8Array
  readonly salt: Uint8Array
  readonly info: Uint8Array
  readonly length: number
}

export function hkdf({ key, salt, info, length }: HkdfInput): Bytes {
  return new Uint8Array(hkdfSync("sha512", key, salt, info, length))
}

/** Returns the purpose's bytes, followed by the context it is bound to. */
export function purpose(text: string, ...context: readonly Uint8Array[]): Bytes {
  return concatBytes([utf8(`holdfast/1/${text}`), ...context])
}

/** Derives K_seal of an epoch from the epoch's root. */
export function deriveSealingKey(root: Uint8Array, repository: RepositoryId, epoch: number): SealingKey {
  assert(root.length === 32, "an epoch root has 32 bytes")
  const salt = idBytes(repository)
  return { epoch, repository, key: hkdf({ key: root, salt, info: purpose("seal"), length: 32 }) }
}

/** Returns an id's bytes. The text was checked when it was read. */
export function idBytes(id: RepositoryId | DeviceId | Digest): Bytes {
  const bytes = fromHex(id)
  assert(bytes !== undefined && (bytes.length === 16 || bytes.length === 32), "an id is lower-case hex")
  return bytes
}

/**
 * The start of a repository, made from a seed: root pair, `repository` object, a raw-key slot and a
 * recovery slot, and its first trust entry. There is no passphrase, which would cost a second.
 */
import { type Bytes, toHex } from "../base/bytes.ts"
import type { RepositoryId } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import { digestOf } from "../crypto/digest.ts"
import { deviceId, type KeyPair, sealingPair, signingPair } from "../crypto/keypair.ts"
import { makeKeyslot, type OpenedSlot, type SlotSecret } from "../crypto/keyslots.ts"
import { firstTrust, signTrust } from "../crypto/trust-change.ts"
import type { VerifiedTrust } from "../crypto/trust-state.ts"
import { encodeRepository } from "../format/repository-record.ts"
import type { TrustDevice } from "../format/trust-entry.ts"
import { seededRandom } from "./seeded-random.ts"

interface MadeSlot extends OpenedSlot {
  readonly bytes: Bytes
  readonly secret: SlotSecret
}

export interface SmallTrust {
  readonly repository: RepositoryId
  readonly root: KeyPair
  /** The object `repository`. */
  readonly record: Bytes
  /** A raw key with role full, and recovery words with role writer. */
  readonly key: MadeSlot
  readonly recovery: MadeSlot
  readonly first: VerifiedTrust & { readonly bytes: Bytes }
  readonly random: Random
}

export async function smallTrust(seed: string): Promise<SmallTrust> {
  const random = seededRandom(seed)
  const repository = toHex(random.bytes(16)) as RepositoryId
  const root = signingPair(random.bytes(32))
  const record = encodeRepository({ id: repository, root: root.public, parameters: {}, createdNs: 1n })
  const makeSlot = async (kind: "key" | "recovery"): Promise<MadeSlot> => {
    const secret: SlotSecret = { kind, bytes: random.bytes(32) }
    const repositoryDigest = digestOf(record)
    const slot = await makeKeyslot({ repository, repositoryDigest, secret, salt: random.bytes(32) })
    return { ...slot, secret }
  }
  const key = await makeSlot("key")
  const recovery = await makeSlot("recovery")
  const slots = [
    { id: key.id, public: key.pair.public, kind: key.kind, role: "full" as const },
    { id: recovery.id, public: recovery.pair.public, kind: recovery.kind, role: "writer" as const },
  ]
  const labels = new Map([[key.id, "agent configuration"]])
  const draft = firstTrust({ repository, root, slots, labels, policy: {}, store: {} }, random)
  return { repository, root, record, key, recovery, first: signTrust(draft, random), random }
}

export interface MadeDevice {
  readonly member: TrustDevice
  readonly signing: KeyPair
  readonly sealing: KeyPair
}

export function smallDevice(random: Random, slot: OpenedSlot): MadeDevice {
  const signing = signingPair(random.bytes(32))
  const sealing = sealingPair(random.bytes(32))
  const id = deviceId(signing.public, sealing.public)
  const member: TrustDevice = {
    id,
    sign: signing.public,
    seal: sealing.public,
    role: "full",
    slot: slot.id,
    status: "active",
    continues: null,
  }
  return { member, signing, sealing }
}

/**
 * Checks what everything else is verified with: the object `repository`, every entry of the trust log and its
 * links, and the keyslots that the newest state names. All are fetched. spec/check.md.
 */
import { forEachBounded } from "../base/concurrency.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import { checkDigest, digestOf } from "../crypto/digest.ts"
import type { VerifiedTrust } from "../crypto/trust-state.ts"
import { decodeKeyslot } from "../format/keyslot.ts"
import { keyslotName, REPOSITORY_NAME, trustName } from "../format/names.ts"
import type { TrustState } from "../format/trust-entry.ts"
import type { Repository } from "../session/repository.ts"
import { isLocalFault, loadTrust } from "../trust/trust-log.ts"
import { trustSource } from "../session/accepted-trust.ts"
import type { Findings } from "./findings.ts"
import type { Inventory } from "./inventory.ts"

export const GETS_AT_ONCE = 8

export async function checkTrust(
  repository: Repository,
  inventory: Inventory,
  findings: Findings,
): Promise<void> {
  await checkRepositoryObject(repository, findings)
  const states = await verifyAll(repository, inventory, findings)
  const present = new Set(inventory.log.trust.map(({ digest }) => digest))
  for (const { state } of states) {
    if (state.previous === null || present.has(state.previous)) continue
    findings.add(
      trustName(state.number - 1, state.previous),
      `missing: trust entry ${state.number} follows it`,
    )
  }
  await checkKeyslots(repository, newestOf(states) ?? repository.session.trust.state, inventory, findings)
}

async function checkRepositoryObject({ store, digest }: Repository, findings: Findings): Promise<void> {
  try {
    const found = digestOf(await store.get(REPOSITORY_NAME))
    if (found !== digest)
      findings.add(REPOSITORY_NAME, "damaged or replaced: it differs from the one this device pinned")
  } catch (error) {
    if (!isLocalFault(error)) throw error
    if (error.kind === "not-found")
      findings.add(REPOSITORY_NAME, "missing: other devices cannot open the repository")
    else findings.addError(error, REPOSITORY_NAME)
  }
}

async function verifyAll(
  repository: Repository,
  { log }: Inventory,
  findings: Findings,
): Promise<VerifiedTrust[]> {
  const verified: VerifiedTrust[] = []
  await forEachBounded(log.trust, GETS_AT_ONCE, async (name) => {
    const object = trustName(name.number, name.digest)
    try {
      verified.push(await loadTrust(trustSource(repository), name))
    } catch (error) {
      if (!isLocalFault(error)) throw error
      // Anyone who can write to the store can add such an object. Every reader ignores it.
      if (error.kind === "untrusted")
        findings.note(object, "is not signed by the repository's root key; ignored")
      else findings.addError(error, object)
    }
  })
  return verified
}

function newestOf(states: readonly VerifiedTrust[]): TrustState | undefined {
  return states.toSorted((a, b) => b.state.number - a.state.number)[0]?.state
}

async function checkKeyslots(
  { store }: Repository,
  { slots }: TrustState,
  { keyslots }: Inventory,
  findings: Findings,
): Promise<void> {
  const counted = new Set<Digest>(slots.map(({ id }) => id))
  for (const id of keyslots) {
    if (!counted.has(id))
      findings.note(keyslotName(id), "not a keyslot of the current trust state; it opens nothing")
  }
  await forEachBounded(slots, GETS_AT_ONCE, async ({ id, kind }) => {
    const object: ObjectName = keyslotName(id)
    try {
      const bytes = await store.get(object)
      checkDigest(bytes, id, object)
      decodeKeyslot(bytes, object)
    } catch (error) {
      if (!isLocalFault(error)) throw error
      if (error.kind === "not-found")
        findings.add(object, `missing: the ${SECRETS[kind]} of this slot can no longer open the repository`)
      else findings.addError(error, object)
    }
  })
}

const SECRETS = { passphrase: "passphrase", key: "key", recovery: "recovery words" } as const

/**
 * The trust state of an open repository: a look accepts a newer one here, and entries of the log are
 * believed only from the devices that it names. spec/log.md, spec/trust.md.
 */
import { EngineError, isEngineError } from "../base/errors.ts"
import type { DeviceId } from "../base/ids.ts"
import { openTrust } from "../crypto/trust-state.ts"
import type { TrustDevice } from "../format/trust-entry.ts"
import { chainPrefix } from "../format/names.ts"
import type { LogNames } from "../log/log-names.ts"
import { isLocalFault, loadTrust, newestTrust, type TrustSource } from "../trust/trust-log.ts"
import type { Repository } from "./repository.ts"
import { acceptExclusion, acceptTrust, warnOnce } from "./session.ts"

/** This many trust entries are searched for a device that the newest one does not have. */
const OLDER_ENTRIES_MAX = 8

export function trustSource({ store, objects, id, record }: Repository): TrustSource {
  return { store, objects, repository: id, root: record.root }
}

/**
 * Accepts the newest trust entry of a listing. No request if nothing changed. An entry that the root never
 * signed is ignored with a warning; a missing entry that was seen before is `checkLog`'s to report.
 * @returns what is damaged
 */
export async function refreshTrust(repository: Repository, names: LogNames): Promise<EngineError[]> {
  const { number, digest } = repository.session.trust
  const candidates = names.trust.filter((each) => each.number >= number)
  if (candidates.every((each) => each.digest === digest)) return []
  const newest = await newestTrust(trustSource(repository), candidates)
  const ignored = newest?.ignored ?? []
  for (const { kind, message } of ignored) {
    if (kind === "untrusted") warnOnce(repository, `${message}; ignored`)
  }
  if (newest !== undefined && newest.trust.digest !== digest) {
    try {
      acceptTrust(repository, openTrust(newest.trust, repository.session.member))
    } catch (error) {
      if (!isEngineError(error, "not-a-member")) throw error
      acceptExclusion(repository, newest.trust.state)
      warnOnce(repository, "this device is no longer a member of the repository; reading what it still can")
    }
  }
  return ignored.filter((error) => error.kind === "corrupt")
}

/**
 * The device that may have signed entries of a chain, or the reason why none of them is believed. A device
 * that two simultaneous changes of trust have lost for a moment is found in the entry that enrolled it:
 * what the root has signed stays true until a revocation is signed too. Rule T3 of spec/log.md.
 */
export async function findWriter(
  repository: Repository,
  device: DeviceId,
  names: LogNames,
): Promise<TrustDevice | EngineError> {
  const known = repository.session.trust.state.devices.find((each) => each.id === device)
  if (known !== undefined)
    return known.status === "revoked" ? refusal(device, "revoked-writer", REVOKED) : known
  const others = names.trust.filter((each) => each.digest !== repository.session.trust.digest)
  for (const name of others.slice(-OLDER_ENTRIES_MAX).toReversed()) {
    try {
      const { state } = await loadTrust(trustSource(repository), name)
      const found = state.devices.find((each) => each.id === device)
      if (found !== undefined) return found
    } catch (error) {
      if (!isLocalFault(error)) throw error
    }
  }
  return refusal(device, "unenrolled-writer", UNENROLLED)
}

const REVOKED = "contains entries of a revoked device; they are ignored"
const UNENROLLED =
  "contains entries of a device that was never enrolled; someone else wrote them to the store"

function refusal(device: DeviceId, code: string, found: string): EngineError {
  const object = chainPrefix(device).slice(0, -1)
  return new EngineError("untrusted", code, `${object}: ${found}`, { detail: { object, device } })
}

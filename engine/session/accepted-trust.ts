/**
 * Who may have signed a chain entry: the devices of the trust state. A device that two simultaneous
 * changes of trust have lost for a moment is found in the entry that enrolled it, for what the root has
 * signed stays true until a revocation is signed too. spec/log.md, rule T3.
 */
import { EngineError } from "../base/errors.ts"
import type { DeviceId } from "../base/ids.ts"
import type { TrustDevice } from "../format/trust-entry.ts"
import { chainPrefix } from "../format/names.ts"
import type { LogNames } from "../log/log-names.ts"
import type { Repository } from "./repository.ts"
import { isLocalFault, loadTrust, type TrustSource } from "../trust/trust-log.ts"

/** How many trust entries are looked through for a device that the newest one does not know. */
const OLDER_ENTRIES_MAX = 8

export function trustSource({ store, objects, id, record }: Repository): TrustSource {
  return { store, objects, repository: id, root: record.root }
}

/** The device, or the reason why nothing of its chain is believed. */
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

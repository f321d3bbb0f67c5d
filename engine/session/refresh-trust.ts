/** The newest trust entry that a listing shows becomes this run's state: members, keys, labels. */
import { type EngineError, isEngineError } from "../base/errors.ts"
import { openTrust } from "../crypto/trust-state.ts"
import type { LogNames } from "../log/log-names.ts"
import type { Repository } from "./repository.ts"
import { acceptExclusion, acceptTrust, warnOnce } from "./session.ts"
import { newestTrust } from "../trust/trust-log.ts"
import { trustSource } from "./accepted-trust.ts"

/**
 * No request when nothing changed. Gives what is damaged. That an entry which was seen is missing is
 * told by `checkLog`; what the root never signed is passed over with a warning.
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

/**
 * Compares this device's own chain with what it has signed (rule W6). The next entry may follow only if
 * both agree. An entry that was signed and never arrived is sent now, byte for byte. If the chain has
 * entries that this home never signed, another copy of this home wrote them, and this one takes a new id.
 * spec/log.md.
 */
import { assert } from "../base/errors.ts"
import type { Head } from "../format/entry.ts"
import { entryName } from "../format/names.ts"
import { enrolAnew } from "./enrol.ts"
import type { Repository } from "./repository.ts"
import { warnOnce } from "./session.ts"
import { readSignedEntry, type SignedEntry } from "../log/signed-file.ts"

type OwnChain =
  | { readonly state: "agreed"; readonly head: Head | undefined }
  | { readonly state: "unsent"; readonly entry: SignedEntry }
  | { readonly state: "cloned" }
  /** An older store was put back and accepted: the sequences that were signed before are never signed again. */
  | { readonly state: "shorter" }

/** Call it after a look, with the chain's lock held. True if something was sent or changed. */
export async function settleOwnChain(repository: Repository): Promise<boolean> {
  const own = compareOwnChain(repository)
  if (own.state === "agreed") return false
  if (own.state === "unsent") {
    const { device, sequence, digest, bytes } = own.entry
    await repository.store.put(entryName(device, sequence, digest), bytes)
    return true
  }
  repository.log.verify() // a damaged cache would cost this device its id
  const old = repository.session.device
  assert(old !== undefined, "only a device has a chain")
  const why = WHY_ANEW[own.state]
  await enrolAnew(repository, why, old.id)
  warnOnce(repository, `${why}. It continues as a new device after ${old.id.slice(0, 8)}`)
  return true
}

const WHY_ANEW: Readonly<Record<"cloned" | "shorter", string>> = {
  cloned:
    "this home was copied or restored from a backup: the repository has entries of this device that this home did not write",
  shorter: "the repository is older than this device's last write",
}

/** The head of the own chain, after it was settled. */
export function ownHead(repository: Repository): Head | undefined {
  const own = compareOwnChain(repository)
  assert(own.state === "agreed", "the own chain is settled before anything follows it")
  return own.head
}

function compareOwnChain({ log, home, session }: Repository): OwnChain {
  const { device } = session
  assert(device !== undefined, "only a device has a chain")
  const head = log.heads().find((each) => each.device === device.id)
  const kept = readSignedEntry(home)
  if (kept?.device !== device.id) return head === undefined ? { state: "agreed", head } : { state: "cloned" }
  const last = head?.sequence ?? 0
  if (last === kept.sequence) {
    const [digest, another] = log.at(device.id, last)
    return digest === kept.digest && another === undefined ? { state: "agreed", head } : { state: "cloned" }
  }
  const { bytes } = kept
  if (last === kept.sequence - 1 && bytes !== undefined) return { state: "unsent", entry: { ...kept, bytes } }
  return { state: last < kept.sequence ? "shorter" : "cloned" }
}

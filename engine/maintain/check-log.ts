/**
 * Checks every chain: fetches each entry and verifies its digest, signature, place and links. Problems with
 * what was seen before (pins, heads) are found by `look`.
 * spec/check.md, spec/log.md.
 */
import { decodeEntryBody } from "../format/entry-body.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { EngineError, isEngineError } from "../base/errors.ts"
import type { DeviceId, ObjectName } from "../base/ids.ts"
import { checkDigest } from "../crypto/digest.ts"
import { openEntry } from "../crypto/signed-entry.ts"
import type { Entry } from "../format/entry.ts"
import { entryName, trustName } from "../format/names.ts"
import type { TrustDevice } from "../format/trust-entry.ts"
import { readEntry } from "../session/import-entries.ts"
import { hasEntry, hasTrust, type ChainName, type LogNames } from "../log/log-names.ts"
import type { Repository } from "../session/repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"
import { findWriter } from "../session/accepted-trust.ts"
import { GETS_AT_ONCE } from "./check-trust.ts"
import type { Findings } from "./findings.ts"

export type CheckedEntry = Entry & ChainName

/** @returns all entries that verify, each chain in order */
export async function checkLog(
  repository: Repository,
  log: LogNames,
  findings: Findings,
): Promise<CheckedEntry[]> {
  const all: CheckedEntry[] = []
  for (const [device, names] of log.chains) {
    const writer = await findWriter(repository, device, log)
    if (writer instanceof EngineError) {
      findings.addError(writer, `log/${device}`)
      await lookAtStrangers(repository, { device, names }, log, findings)
      continue
    }
    const entries = await readChain(repository, { writer, names }, findings)
    for (const entry of entries) checkLinks(entry, log, findings)
    all.push(...entries)
  }
  return all
}

interface Chain {
  readonly writer: TrustDevice
  readonly names: readonly ChainName[]
}

async function readChain(
  repository: Repository,
  { writer, names }: Chain,
  findings: Findings,
): Promise<CheckedEntry[]> {
  const found = new Map<ChainName, CheckedEntry>()
  await forEachBounded(names, GETS_AT_ONCE, async (name) => {
    try {
      const entry = await readEntry(repository, { ...name, device: writer.id }, writer)
      found.set(name, { ...entry, digest: name.digest })
    } catch (error) {
      if (!isLocalFault(error)) throw error
      loseEntry(repository, { device: writer.id, ...name, found: error }, findings)
    }
  })
  return names.flatMap((name) => found.get(name) ?? [])
}

/**
 * Checks entries of a device that no trust entry knows. Their bytes can be verified only against the digests
 * in their names. If a member has sealed the newest one, it names the state of trust under which it was
 * written, which may be missing. That is only a hint, because no known signature covers it.
 */
async function lookAtStrangers(
  repository: Repository,
  { device, names }: { device: DeviceId; names: readonly ChainName[] },
  log: LogNames,
  findings: Findings,
): Promise<void> {
  await forEachBounded(names, GETS_AT_ONCE, async (name) => {
    const object = entryName(device, name.sequence, name.digest)
    try {
      const bytes = await repository.store.get(object)
      checkDigest(bytes, name.digest, object)
      if (name === names.at(-1)) findEnrolment(repository, { object, bytes, log }, findings)
    } catch (error) {
      if (!isLocalFault(error)) throw error
      loseEntry(repository, { device, ...name, found: error }, findings)
    }
  })
}

interface Stranger {
  readonly object: ObjectName
  readonly bytes: Uint8Array
  readonly log: LogNames
}

function findEnrolment(
  { session: { keys } }: Repository,
  { object, bytes, log }: Stranger,
  findings: Findings,
): void {
  try {
    const { trust } = decodeEntryBody(openEntry(bytes, keys, object), object)
    if (!hasTrust(log, trust))
      findings.add(trustName(trust.number, trust.digest), `missing: ${object} refers to it`)
  } catch (error) {
    if (!isEngineError(error)) throw error
  }
}

interface LostEntry extends ChainName {
  readonly device: DeviceId
  readonly found: EngineError | string
}

/** A snapshot whose entry is lost can't be restored. This home may still know that it was a snapshot. */
export function loseEntry(
  { log }: Repository,
  { device, sequence, digest, found }: LostEntry,
  findings: Findings,
): void {
  const object = entryName(device, sequence, digest)
  const finding = typeof found === "string" ? findings.add(object, found) : findings.addError(found, object)
  if (log.entry(digest)?.type === "snapshot") finding.snapshots.add(digest)
}

/** The heads that the entry names must be listed. */
function checkLinks(entry: CheckedEntry, log: LogNames, findings: Findings): void {
  const { device, sequence, previous } = entry
  const object = entryName(device, sequence, entry.digest)
  if ((previous === null) !== (sequence === 1))
    findings.add(object, "its link to the previous entry is wrong")
  if (previous !== null && !hasEntry(log, device, { sequence: sequence - 1, digest: previous })) {
    findings.add(
      entryName(device, sequence - 1, previous),
      `missing: entry ${sequence} of this chain follows it`,
    )
  }
}

/** Returns the newest verified entry of each chain, which names all live segments of the chain. */
export function newestEntries(entries: readonly CheckedEntry[]): CheckedEntry[] {
  return [...new Map(entries.map((entry) => [entry.device, entry])).values()]
}

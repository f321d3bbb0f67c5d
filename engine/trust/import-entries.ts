/**
 * What is new in the log: each entry is fetched once, its digest, signature and place are checked
 * before anything is decoded, and then its packs go into the chunk index and it goes into the log
 * table. What is wrong with one entry is told of and leaves the others alone. spec/log.md.
 */
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { DeviceId } from "../base/ids.ts"
import { openEntry, verifyEntry } from "../crypto/signed-entry.ts"
import { decodeEntryBody } from "../format/entry.ts"
import type { Entry } from "../format/entry.ts"
import { entryName } from "../format/names.ts"
import type { TrustDevice } from "../format/trust-entry.ts"
import { importPacks, importSegment } from "./import-packs.ts"
import type { ChainName, LogNames } from "./log-names.ts"
import type { Repository } from "./repository-ports.ts"
import { fetchObject, isLocalFault } from "./trust-log.ts"
import { findWriter } from "./writers.ts"

const GETS_AT_ONCE = 8

interface NewEntry extends ChainName {
  readonly device: DeviceId
}

/** What was damaged or not to be believed. */
export async function importEntries(repository: Repository, names: LogNames): Promise<EngineError[]> {
  const problems: EngineError[] = []
  const complete = repository.log.complete()
  const isNew = (entry: ChainName): boolean => !complete.has(entry.digest)
  const wanted: { entry: NewEntry; writer: TrustDevice }[] = []
  for (const [device, chain] of names.chains) {
    const entries = chain.filter(isNew)
    if (entries.length === 0) continue
    const writer = await findWriter(repository, device, names)
    if (writer instanceof EngineError) problems.push(writer)
    else for (const entry of entries) wanted.push({ entry: { ...entry, device }, writer })
  }
  await forEachBounded(wanted, GETS_AT_ONCE, async ({ entry, writer }) => {
    try {
      problems.push(...(await importEntry(repository, names, entry, writer)))
    } catch (error) {
      if (!isLocalFault(error)) throw error
      problems.push(missingNow(error, entry))
    }
  })
  problems.push(...(await importSegments(repository)))
  return problems
}

async function importEntry(
  repository: Repository,
  names: LogNames,
  name: NewEntry,
  writer: TrustDevice,
): Promise<EngineError[]> {
  const entry = await readEntry(repository, name, writer)
  checkLink(entry, names, name)
  const object = entryName(name.device, name.sequence, name.digest)
  const problems = await importPacks(repository, entry.packs, object)
  repository.log.add(name.digest, entry, problems.length === 0)
  return problems
}

/** An entry as its device signed it; from the home, or from the store. */
export async function readEntry(
  repository: Repository,
  { device, sequence, digest }: NewEntry,
  writer: TrustDevice,
): Promise<Entry> {
  const object = entryName(device, sequence, digest)
  const bytes = await fetchObject(repository, object, digest)
  verifyEntry(bytes, { repository: repository.id, device, sequence }, digest, writer.sign)
  const entry = decodeEntryBody(openEntry(bytes, repository.keys, object), object)
  if (entry.repository !== repository.id || entry.device !== device || entry.sequence !== sequence) {
    throw corrupt("entry", object, "its body names another place in the log")
  }
  return entry
}

/** The entry before, if there is one in the log, must be the one that this one was built on. */
function checkLink(entry: Entry, names: LogNames, { device, sequence, digest }: NewEntry): void {
  const before = (names.chains.get(device) ?? []).filter((each) => each.sequence === sequence - 1)
  if (before.length === 0 || before.some((each) => each.digest === entry.previous)) return
  const object = entryName(device, sequence, digest)
  const message = `${object}: follows ${entry.previous?.slice(0, 8)}, which is not in the log; another entry stands in its place`
  throw new EngineError("untrusted", "chain-broken", message, { detail: { object, device } })
}

/** The newest entry of each chain names all of its live segments. */
async function importSegments(repository: Repository): Promise<EngineError[]> {
  const { log } = repository
  const problems: EngineError[] = []
  for (const head of log.heads()) {
    const entry = log.entry(head.digest)
    const segments = entry?.segments.filter((digest) => !log.hasSegment(digest)) ?? []
    const object = entryName(head.device, head.sequence, head.digest)
    await forEachBounded(segments, GETS_AT_ONCE, async (digest) => {
      const found = await importSegment(repository, digest, object)
      if (found.length === 0) log.addSegment(digest)
      problems.push(...found)
    })
  }
  return problems
}

/** The LIST had it, the GET had not. */
function missingNow(error: EngineError, { device, sequence, digest }: NewEntry): EngineError {
  if (!isEngineError(error, "object-not-found")) return error
  const object = entryName(device, sequence, digest)
  return new EngineError("untrusted", "entry-missing", `${object}: listed, and gone when it was read`, {
    detail: { object, device },
  })
}

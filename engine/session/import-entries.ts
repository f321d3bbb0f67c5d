/**
 * Imports the log's new entries. Each entry is fetched once. Its digest, signature and place are verified
 * before anything is decoded. Then its packs enter the chunk index, and the entry enters the log table. A
 * problem with one entry is reported and does not affect the others. The newest entry of each chain comes
 * first: with its segments and the few entries that it names, it has all packs. spec/log.md.
 */
import { firstOfEach } from "../log/log-check.ts"
import { decodeEntryBody } from "../format/entry-body.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import { openEntry, verifyEntry } from "../crypto/signed-entry.ts"
import type { Entry, Head } from "../format/entry.ts"
import { entryName } from "../format/names.ts"
import type { TrustDevice } from "../format/trust-entry.ts"
import { type Fetching, importPacks, importSegment } from "./import-packs.ts"
import { type ChainName, hasEntry, type LogNames } from "../log/log-names.ts"
import type { Repository } from "./repository.ts"
import { fetchObject, isLocalFault } from "../trust/trust-log.ts"
import { findWriter } from "./accepted-trust.ts"

const GETS_AT_ONCE = 8

/**
 * "all": every entry that is new to this home. "newest": the newest entry of each chain, the entries that it
 * needs for the chain's packs, and every entry that shares its sequence with another.
 */
export type Extent = "all" | "newest"

interface Chain {
  readonly device: DeviceId
  readonly names: readonly ChainName[]
  readonly writer: TrustDevice
}

interface Import {
  readonly repository: Repository
  readonly names: LogNames
  /** Entries that are known with their packs, or were tried in this run. */
  readonly done: Set<Digest>
  readonly fetching: Fetching
  readonly problems: EngineError[]
}

/** Gives what was damaged or not trusted. */
export async function importEntries(
  repository: Repository,
  names: LogNames,
  extent: Extent = "all",
): Promise<EngineError[]> {
  const problems: EngineError[] = []
  const done = repository.log.complete()
  const run: Import = { repository, names, done, fetching: new Map(), problems }
  const chains = await newChains(run)
  await forEachBounded(chains, GETS_AT_ONCE, (chain) => importNewest(run, chain))
  await importSegments(run)
  const isWanted = extent === "all" ? () => true : wantedOf(run, chains)
  const wanted = chains.flatMap((chain) =>
    chain.names.filter((name) => !done.has(name.digest) && isWanted(name)).map((name) => ({ name, chain })),
  )
  await forEachBounded(wanted, GETS_AT_ONCE, ({ name, chain }) => importEntry(run, name, chain))
  // a pack that several entries carry along is missed once
  return firstOfEach(problems, ({ code, detail, message }) => `${code} ${detail["object"] ?? message}`)
}

/** Imports one entry that an earlier look with "newest" skipped. Gives what is wrong with it. */
export async function importOne(
  repository: Repository,
  names: LogNames,
  { device, ...name }: Head,
): Promise<EngineError[]> {
  const writer = await findWriter(repository, device, names)
  if (writer instanceof EngineError) return [writer]
  const run: Import = { repository, names, done: new Set(), fetching: new Map(), problems: [] }
  await importEntry(run, name, { device, names: names.chains.get(device) ?? [], writer })
  return run.problems
}

/** Chains with entries that are new to this home, of devices that may write. */
async function newChains(run: Import): Promise<Chain[]> {
  const chains: Chain[] = []
  for (const [device, names] of run.names.chains) {
    if (names.every(({ digest }) => run.done.has(digest))) continue
    const writer = await findWriter(run.repository, device, run.names)
    if (writer instanceof EngineError) run.problems.push(writer)
    else chains.push({ device, names, writer })
  }
  return chains
}

/** Imports the last entry that verifies. Later ones were tried and reported. */
async function importNewest(run: Import, chain: Chain): Promise<void> {
  for (const name of chain.names.toReversed()) {
    if (!run.done.has(name.digest)) await importEntry(run, name, chain)
    if (run.repository.log.has(name.digest)) return
  }
}

/** The entries that "newest" includes. Reports those that the log lacks. */
function wantedOf(
  { repository, names, problems }: Import,
  chains: readonly Chain[],
): (name: ChainName) => boolean {
  const wanted = new Set<Digest>()
  for (const { device, names: listed } of chains) {
    const head = repository.log.heads().find((each) => each.device === device)
    const rest = (head === undefined ? undefined : repository.log.entry(head.digest))?.rest ?? []
    for (const place of rest) {
      wanted.add(place.digest)
      if (!hasEntry(names, device, place))
        problems.push(missing({ ...place, device }, "is missing, and later entries need it"))
    }
    const last = new Map<number, Digest>()
    for (const { sequence, digest } of listed) {
      const other = last.get(sequence)
      if (other !== undefined) wanted.add(other).add(digest)
      last.set(sequence, digest)
    }
  }
  return ({ digest }) => wanted.has(digest)
}

async function importEntry(run: Import, name: ChainName, { device, writer }: Chain): Promise<void> {
  const { repository, names, done, fetching, problems } = run
  const place = { ...name, device }
  done.add(name.digest)
  try {
    const entry = await readEntry(repository, place, writer)
    checkLink(entry, names, place)
    const object = entryName(device, name.sequence, name.digest)
    const found = await importPacks(repository, entry.packs, object, fetching)
    problems.push(...found)
    repository.log.add(name.digest, entry, found.length === 0)
  } catch (error) {
    if (!isLocalFault(error)) throw error
    problems.push(
      isEngineError(error, "object-not-found")
        ? missing(place, "was listed, but was missing when it was read")
        : error,
    )
  }
}

/** An entry as its device signed it, from the home or the store. */
export async function readEntry(
  repository: Repository,
  { device, sequence, digest }: Head,
  writer: Pick<TrustDevice, "sign">,
): Promise<Entry> {
  const object = entryName(device, sequence, digest)
  const bytes = await fetchObject(repository, object, digest)
  verifyEntry(bytes, { repository: repository.id, device, sequence }, digest, writer.sign)
  const entry = decodeEntryBody(openEntry(bytes, repository.session.keys, object), object)
  if (entry.repository !== repository.id || entry.device !== device || entry.sequence !== sequence) {
    throw corrupt("entry", object, "its body belongs to another place in the log")
  }
  return entry
}

/** If the log has an entry before this one, it must be the one that this entry names. */
function checkLink(entry: Entry, names: LogNames, { device, sequence, digest }: Head): void {
  const before = (names.chains.get(device) ?? []).filter((each) => each.sequence === sequence - 1)
  if (before.length === 0 || before.some((each) => each.digest === entry.previous)) return
  const object = entryName(device, sequence, digest)
  const message = `${object}: follows ${entry.previous?.slice(0, 8)}, but the log has another entry in its place`
  throw new EngineError("untrusted", "chain-broken", message, { detail: { object, device } })
}

/** The newest entry of each chain names all of its live segments. */
async function importSegments({ repository, problems }: Import): Promise<void> {
  const { log } = repository
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
}

function missing({ device, sequence, digest }: Head, found: string): EngineError {
  const object = entryName(device, sequence, digest)
  return new EngineError("untrusted", "entry-missing", `${object}: ${found}`, { detail: { object, device } })
}

/**
 * What a new chain entry carries along from earlier ones: the newest entry of a chain and the few that it
 * names have every pack of the chain. Directories are merged as in a log-structured store: an entry takes
 * in the one before if that carries no more than itself. spec/log-entry.md, spec/decisions/0009.
 */
import { assert } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { Entry, EntryPack, EntryPlace, Head, NewestSnapshot } from "../format/entry.ts"
import { NEWEST_MAX } from "../format/entry-body.ts"
import type { LoggedEntry } from "../log/log-table.ts"
import { readEntry } from "./import-entries.ts"
import type { Repository } from "./repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"

/** Up to this much is always carried: it costs less than one more request on every new machine. */
const GATHERED_BYTES = 4 * 1024
/** An entry does not grow beyond this by what it carries. */
const GATHERED_BYTES_MAX = 1024 * 1024

export interface Carried {
  readonly packs: readonly EntryPack[]
  readonly rest: readonly EntryPlace[]
}

/**
 * @param own packs that the new entry adds
 * @param covered packs that are in segments which the new entry adds
 */
export async function carryAlong(
  repository: Repository,
  head: Head | undefined,
  own: readonly EntryPack[],
  covered: ReadonlySet<Digest>,
): Promise<Carried> {
  if (head === undefined) return { packs: own, rest: [] }
  const packs = new Map(own.map((pack) => [pack.record.name, pack]))
  const previous = await readOwn(repository, head)
  const isCarried = ({ record: { name } }: EntryPack): boolean => !packs.has(name) && !covered.has(name)
  // The newest entry has all packs without a directory: backup/cover.ts keeps them few.
  for (const pack of previous?.packs.filter(({ directory }) => directory === null) ?? [])
    if (isCarried(pack)) packs.set(pack.record.name, pack)

  const known = repository.log.entry(head.digest)?.rest ?? []
  const rest: EntryPlace[] = [...known, { sequence: head.sequence, digest: head.digest }]
  let bytes = directoryBytes(own)
  for (let place = rest.at(-1); place !== undefined; place = rest.at(-1)) {
    const entry = place.digest === head.digest ? previous : await readOwn(repository, { ...head, ...place })
    if (entry === undefined) break
    const found = entry.packs.filter((pack) => pack.directory !== null && isCarried(pack))
    const more = directoryBytes(found)
    const isSmall = more === 0 || bytes + more <= GATHERED_BYTES
    if (!isSmall && (more > bytes || bytes + more > GATHERED_BYTES_MAX)) break
    for (const pack of found) packs.set(pack.record.name, pack)
    bytes += more
    rest.pop()
  }
  return { packs: [...packs.values()], rest }
}

/** The newest entry of this device's chain that this home knows. */
export function newestOwn({ log, session: { device } }: Repository): Head | undefined {
  return log.heads().find((head) => head.device === device?.id)
}

/** Packs of this device's chain whose directories are in the packs alone: each costs a reader a request. */
export async function packsToRead(repository: Repository, head: Head | undefined): Promise<EntryPack[]> {
  const newest = head === undefined ? undefined : await readOwn(repository, head)
  return newest?.packs.filter(({ directory }) => directory === null) ?? []
}

/** The newest snapshot of each series up to `previous`. Null if there are too many to name. */
export function newestBefore(previous: LoggedEntry | undefined): NewestSnapshot[] | null {
  if (previous === undefined) return []
  if (previous.newest === null) return null
  const newest = new Map(previous.newest.map((each) => [each.series, each]))
  if (previous.type === "snapshot") {
    const { series, timeNs, sequence, digest } = previous
    const known = newest.get(series)
    if (known === undefined || known.timeNs <= timeNs)
      newest.set(series, { series, timeNs, sequence, digest })
  }
  return newest.size > NEWEST_MAX ? null : [...newest.values()]
}

function directoryBytes(packs: readonly EntryPack[]): number {
  return packs.reduce((sum, { directory }) => sum + (directory?.length ?? 0), 0)
}

/** From the home or the store. Undefined if it is damaged: then the new entry names it in `rest`. */
async function readOwn(repository: Repository, place: Head): Promise<Entry | undefined> {
  const { device } = repository.session
  assert(device !== undefined && device.id === place.device, "only a device's own chain goes on")
  try {
    return await readEntry(repository, place, { sign: device.signing.public })
  } catch (error) {
    if (!isLocalFault(error)) throw error
    return undefined
  }
}

/**
 * What this machine knows of an agent's snapshots from the home's log, without a request: the newest ones, their
 * number and sizes, and how many files changed in each.
 */
import { localPackedBytes, localSnapshots, locationName, type LocalSnapshots } from "../../../engine/index.ts"
import type { Setup } from "../setup.ts"
import { withRecord } from "./record.ts"

export interface Known extends LocalSnapshots {
  readonly packedBytes: number | undefined
  /** Of the files of all snapshots. */
  readonly logicalBytes: number
}

/** Decoding a snapshot takes 0.1 ms, so only the newest ones are decoded. */
const NEWEST = 100

/** Undefined if this home has never opened the repository. */
export function known(
  setup: Setup,
  environment: Readonly<Record<string, string | undefined>>,
): Known | undefined {
  const { destination, home, series } = setup
  const { location, endpoint } = destination
  const name = locationName(location, { endpoint }, environment)
  const found = localSnapshots(home, name, { series, newest: NEWEST })
  if (found === undefined) return undefined
  const all = (): LocalSnapshots | undefined => localSnapshots(home, name, { series })
  return {
    ...found,
    packedBytes: localPackedBytes(home, name),
    logicalBytes: logicalBytes(setup, found, all),
  }
}

interface Totals {
  readonly newest: string
  readonly count: number
  readonly bytes: number
}

/** The sum of the last time, and the snapshots since then. */
function logicalBytes(
  setup: Setup,
  { snapshots: newest, count }: LocalSnapshots,
  all: () => LocalSnapshots | undefined,
): number {
  const sum = (some: LocalSnapshots["snapshots"]): number =>
    some.reduce((bytes, { summary }) => bytes + summary.bytes, 0)
  return withRecord(setup, (record) => {
    const before = JSON.parse(record.fact("totals") ?? "null") as Totals | null
    const since = newest.slice(newest.findIndex(({ digest }) => digest === before?.newest) + 1)
    const fits = before !== null && since.length < newest.length && before.count + since.length === count
    if (fits && since.length === 0) return before.bytes
    const bytes = fits ? before.bytes + sum(since) : sum(all()?.snapshots ?? [])
    const last = newest.at(-1)
    if (last !== undefined)
      record.setFact("totals", JSON.stringify({ newest: last.digest, count, bytes } satisfies Totals))
    return bytes
  })
}

type Counted = Pick<LocalSnapshots["snapshots"][number], "digest" | "parent" | "summary">

/**
 * New, changed and removed files. A snapshot doesn't store the number of removed ones: the parent's files tell it.
 * @param all among them the parents, if they still exist
 */
export function changedFiles(all: readonly Counted[]): (snapshot: Counted) => number {
  const byDigest = new Map(all.map((each) => [each.digest, each]))
  return ({ parent, summary: { files, filesNew, filesChanged } }) => {
    const before = parent === null ? undefined : byDigest.get(parent)?.summary.files
    const removed = before === undefined ? 0 : Math.max(0, before + filesNew - files)
    return filesNew + filesChanged + removed
  }
}

type Judged = LocalSnapshots["snapshots"][number]

/** The newest that is a backup of the workspace: not one before a restore. */
export function newestBackup(local: LocalSnapshots | undefined): Judged | undefined {
  return local?.snapshots.findLast(({ flag }) => flag !== "pre-restore")
}

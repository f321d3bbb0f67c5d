/**
 * Commit, the last stage: compares the new listing with the parent's, makes the packs' directories durable
 * (rule W2), and puts the signed entry (W3). Only then does this device's own state follow: the file cache
 * takes the new base, and the journal drops the packs that the entry names. A run without changes ends here
 * too, without an entry. spec/ordering.md.
 */
import { equalBytes } from "../base/bytes.ts"
import { keptPaths } from "../source/kept-paths.ts"
import { keptSelection } from "../source/kept-selection.ts"
import type { SnapshotFlag, SnapshotSummary } from "../format/entry.ts"
import type { BuiltListing } from "../listing/build.ts"
import { diffListings } from "../listing/diff.ts"
import { walkListing } from "../listing/walk.ts"
import { look } from "../session/look.ts"
import { publish } from "../session/publish.ts"
import type { Repository } from "../session/repository.ts"
import { LABEL_OPTION, LIVE_NS, samePaths, SHARED_OPTION } from "../log/sources.ts"
import { requireFolder } from "../store/open-store.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { BackupRequest, BackupResult } from "./backup-request.ts"
import { coverPacks } from "./cover.ts"
import { isTimeToTrim, trimNodes } from "./kept-nodes.ts"
import type { Run } from "./run.ts"
import type { RunSource } from "./run-source.ts"
import type { RunStore } from "./run-store.ts"
import type { Counts } from "./tally.ts"

export interface Finished extends Run {
  readonly store: RunStore
  readonly listing: BuiltListing
  /** The series' newest snapshot, as of the look before the run's first write. */
  readonly parent: SnapshotRecord | undefined
  /** Raw bytes of the chunks that the run stored. */
  readonly rawBytes: number
}

const SKIPPED_MAX = 100
/** Fewer removed files are no reason to warn. */
const LOST_FILES_MIN = 3
/** A run without changes needs no request if the last look is younger than this. */
const LOOK_AGE_NS_MAX = 24n * 3600n * 1_000_000_000n

export async function commit(repository: Repository, run: Finished): Promise<BackupResult> {
  const { request, parent, listing, tally } = run
  const { summary, filesRemoved } = await summarize(run)
  const unchanged =
    parent !== undefined &&
    parent.root.level === listing.root.level &&
    equalBytes(parent.root.id, listing.root.id)
  if (request.dryRun) return tally.result({ snapshot: undefined, parent, summary, filesRemoved })
  if (unchanged && !isForced(request) && !isNews(parent, request, run.source)) {
    remember(repository, run, parent)
    return tally.result({ snapshot: undefined, parent, summary, filesRemoved })
  }
  const flag = await flagOf(run)
  if (parent !== undefined) warnOfLoss(run, parent, filesRemoved)
  const pending = repository.journal.pending()
  const coverage = await coverPacks(pending, repository)
  const { digest, sequence } = await publish(repository, { ...draft(run, { summary, flag }), ...coverage })
  remember(repository, run, { digest })
  repository.journal.settle(pending.map((pack) => pack.record.name))
  if (isTimeToTrim(sequence)) trim(repository, run)
  return tally.result({ snapshot: digest, parent, summary, flag, filesRemoved })
}

/** Warns if half of the files are gone and the request has no alarm of its own. */
function warnOfLoss(
  { request, source, tally }: Finished,
  parent: SnapshotRecord,
  filesRemoved: number,
): void {
  const { files } = parent.summary
  if (request.flag !== undefined || filesRemoved < LOST_FILES_MIN || filesRemoved * 2 < files) return
  // with other paths or filters it was meant
  if (!samePaths(parent, source) || selectionOf(source) !== parent.options["selection"]) return
  tally.notice(
    `${filesRemoved} of the ${files} files of snapshot ${parent.shortId} are gone. If that was not meant, restore them from it`,
  )
}

/** Whether the request wants a snapshot of an equal tree too. */
function isForced({ forceSnapshot, flag, accepts }: BackupRequest): boolean {
  const hasFlag = typeof flag === "string"
  return forceSnapshot === true || hasFlag || accepts !== undefined
}

async function flagOf({ request, listing, store }: Finished): Promise<SnapshotFlag> {
  const { flag = null } = request
  if (typeof flag !== "function") return flag
  return await flag({
    async *files() {
      for await (const { path, type, size } of walkListing(listing.root, store.nodes.read))
        if (type === "file") yield { path, size }
    },
  })
}

/** Ends a run whose scan found no change, without a look at the store if the last one is young. Undefined if it must go on. */
export async function endUnchanged(repository: Repository, run: Run): Promise<BackupResult | undefined> {
  const { request, source, base, parentHere, lookedNs, tally } = run
  if (parentHere === undefined || parentHere.digest !== base?.snapshot) return undefined
  if (isForced(request) || isNews(parentHere, request, source)) return undefined
  const age = repository.clock.now() - lookedNs
  if (age < 0n || age > LOOK_AGE_NS_MAX) await look(repository)
  else requireFolder(repository.store)
  const summary = unchangedSummary(tally.counts)
  return tally.result({ snapshot: undefined, parent: parentHere, summary, filesRemoved: 0 })
}

/** Whether a given value differs from the newest snapshot's: then an equal tree is worth a snapshot too. */
function isNews(parent: SnapshotRecord, request: BackupRequest, source: RunSource): boolean {
  const { tags = [], timeNs, host } = request
  if (timeNs !== undefined || host !== parent.host || !samePaths(parent, source)) return true
  if (tags.length > 0 && tags.toSorted().join("\0") !== parent.tags.toSorted().join("\0")) return true
  return source.stdin === undefined && selectionOf(source) !== parent.options["selection"]
}

function selectionOf({ selection }: RunSource): string | undefined {
  return keptSelection(selection)
}

/** Makes the listing and its folder records the base of the next run. */
function remember(
  repository: Repository,
  { cache, listing, records, captureRecords, source }: Finished,
  { digest }: Pick<SnapshotRecord, "digest">,
): void {
  cache?.replace({ root: listing.root.id, level: listing.root.level, snapshot: digest }, records.changed())
  if (captureRecords !== undefined)
    repository.captureRecords(source.series, source.key).replace(digest, captureRecords)
}

/** Removes cached nodes that no base of the series needs. Sources that share a series have a base each. */
function trim(repository: Repository, { source: { series }, listing }: Finished): void {
  const bases = repository.fileCacheBases(series).map(({ root, level }) => ({ id: root, level }))
  trimNodes(repository.nodeCache(series), [listing.root, ...bases])
}

/**
 * Records when another source of the series was saved last, while that snapshot is live: an empty home
 * reads the newest entry only, and then knows that `latest` could mean another source.
 */
function sharedWith({ request: { host }, source, parent, startedNs }: Finished): Record<string, string> {
  if (parent === undefined) return {}
  const isOwn = parent.host === host && samePaths(parent, source)
  const otherNs = isOwn ? parent.options[SHARED_OPTION] : String(parent.timeNs)
  const isLive = otherNs !== undefined && /^\d{1,20}$/.test(otherNs) && BigInt(otherNs) >= startedNs - LIVE_NS
  return isLive ? { [SHARED_OPTION]: otherNs } : {}
}

interface Findings {
  readonly summary: SnapshotSummary
  readonly flag: SnapshotFlag
}

function draft(run: Finished, { summary, flag }: Findings) {
  const { request, source, listing, tally, startedNs } = run
  const errors = tally.errors
  return {
    type: "snapshot" as const,
    timeNs: request.timeNs ?? startedNs,
    startedNs,
    series: source.series,
    host: request.host,
    user: request.user,
    paths: source.paths,
    tags: request.tags ?? [],
    trigger: request.trigger ?? "manual",
    root: listing.root,
    summary,
    skipped: errors.slice(0, SKIPPED_MAX).map(({ path, message }) => ({ path, reason: message })),
    skippedCount: errors.length,
    // a stream has no origin
    options: {
      ...(source.stdin === undefined ? originOf(source) : {}),
      ...sharedWith(run),
      ...(request.label === undefined ? {} : { [LABEL_OPTION]: request.label }),
    },
    single: source.single,
    flag,
    accepts: request.accepts ?? null,
  }
}

/** Where `restore --in-place` puts the snapshot, and what the backup did not look at, which must not count as removed. */
function originOf({ origin, renamed, named, selection, unseen }: RunSource): Record<string, string> {
  const texts = {
    base: origin,
    renamed: renamed ? "yes" : undefined,
    named: renamed ? keptPaths(named) : undefined,
    selection: keptSelection(selection),
    unseen: keptPaths([...unseen]),
  }
  return Object.fromEntries(
    Object.entries(texts).filter((each): each is [string, string] => each[1] !== undefined),
  )
}

/** Counts new, changed and unmodified entries by comparing the listing with the parent's where they differ. */
async function summarize(run: Finished): Promise<{ summary: SnapshotSummary; filesRemoved: number }> {
  const { listing, parent, request, observe, store } = run
  const { counts } = run.tally
  const { read: readNodes } = store.nodes
  const found = { filesNew: 0, filesChanged: 0, dirsNew: 0, dirsChanged: 0 }
  let filesRemoved = 0
  if (parent === undefined) {
    found.filesNew = counts.files
    found.dirsNew = counts.dirs
  }
  if (parent === undefined && request.verbose) {
    for await (const { path } of walkListing(listing.root, readNodes))
      observe({ type: "entry", path, action: "new" })
  }
  if (parent !== undefined) {
    for await (const { path, before, after } of diffListings(parent.root, listing.root, readNodes)) {
      const action = after === undefined ? "removed" : before === undefined ? "new" : "changed"
      if (request.verbose) observe({ type: "entry", path, action })
      if (after === undefined) {
        if (before?.type !== "directory") filesRemoved++
        continue
      }
      const isDirectory = after.type === "directory"
      if (action === "new") found[isDirectory ? "dirsNew" : "filesNew"]++
      else found[isDirectory ? "dirsChanged" : "filesChanged"]++
    }
  }
  const summary = {
    ...found,
    filesUnmodified: counts.files - found.filesNew - found.filesChanged,
    dirsUnmodified: counts.dirs - found.dirsNew - found.dirsChanged,
    files: counts.files,
    dirs: counts.dirs,
    bytes: counts.bytes,
    dataAdded: run.rawBytes,
    dataAddedPacked: store.packedBytes(),
  }
  return { summary, filesRemoved }
}

function unchangedSummary({ files, dirs, bytes }: Counts): SnapshotSummary {
  return {
    filesNew: 0,
    filesChanged: 0,
    filesUnmodified: files,
    dirsNew: 0,
    dirsChanged: 0,
    dirsUnmodified: dirs,
    files,
    dirs,
    bytes,
    dataAdded: 0,
    dataAddedPacked: 0,
  }
}

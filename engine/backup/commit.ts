/**
 * Commit, the last stage: the new listing is compared with the parent's, directories are made
 * durable (W2), the signed entry is put (W3), and only then does this device's own memory move on:
 * the file cache takes its new base, the journal lets go of the packs that are named now.
 */
import { equalBytes } from "../base/bytes.ts"
import { keptPaths, keptSelection } from "../source/kept-selection.ts"
import type { SnapshotSummary } from "../format/entry.ts"
import type { FileCache } from "../home/file-cache.ts"
import type { BuiltListing } from "../listing/build.ts"
import { diffListings } from "../listing/diff.ts"
import { walkListing } from "../listing/walk.ts"
import { publish } from "../session/publish.ts"
import type { Repository } from "../session/repository.ts"
import { LIVE_NS, samePaths, SHARED_OPTION } from "../session/sources.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { BackupObserver, BackupRequest, BackupResult } from "./backup-request.ts"
import { coverPacks } from "./cover.ts"
import type { FolderRecords } from "./folder-records.ts"
import type { RunSource } from "./run-source.ts"
import type { RunStore } from "./run-store.ts"
import type { ScanCounts } from "./scan.ts"
import type { Tally } from "./tally.ts"
import { isTimeToTrim, trimNodes } from "./kept-nodes.ts"

export interface Finished {
  readonly request: BackupRequest
  readonly source: RunSource
  readonly store: RunStore
  /** Undefined for a stream, which has nothing to be recognised by. */
  readonly cache: FileCache | undefined
  readonly records: FolderRecords
  readonly tally: Tally
  readonly counts: ScanCounts
  readonly listing: BuiltListing
  readonly parent: SnapshotRecord | undefined
  readonly startedNs: bigint
  readonly rawBytes: number
  readonly observe: BackupObserver
}

const SKIPPED_MAX = 100

export async function commit(repository: Repository, run: Finished): Promise<BackupResult> {
  const { request, parent, listing, tally } = run
  const summary = await summarize(run)
  const unchanged =
    parent !== undefined &&
    parent.root.level === listing.root.level &&
    equalBytes(parent.root.id, listing.root.id)
  if (request.dryRun) return tally.result({ snapshot: undefined, parent, summary })
  if (unchanged && !request.forceSnapshot && !isNews(parent, request, run.source)) {
    remember(run, parent)
    return tally.result({ snapshot: undefined, parent, summary })
  }
  const pending = repository.journal.pending()
  const coverage = await coverPacks(pending, repository)
  const { digest, sequence } = await publish(repository, { ...draft(run, summary), ...coverage })
  remember(run, { digest })
  repository.journal.settle(pending.map((pack) => pack.record.name))
  if (isTimeToTrim(sequence)) trim(repository, run)
  return tally.result({ snapshot: digest, parent, summary })
}

/** A value that was given differs from the newest snapshot's: an equal tree is worth a snapshot then, too. */
export function isNews(parent: SnapshotRecord, request: BackupRequest, source: RunSource): boolean {
  const { tags = [], timeNs, host } = request
  if (timeNs !== undefined || host !== parent.host || !samePaths(parent, source)) return true
  if (tags.length > 0 && tags.toSorted().join("\0") !== parent.tags.toSorted().join("\0")) return true
  return source.stdin === undefined && originOf(source)["selection"] !== parent.options["selection"]
}

/** The folder records are those of this listing from now on. */
function remember({ cache, listing, records }: Finished, { digest }: Pick<SnapshotRecord, "digest">): void {
  cache?.replace({ root: listing.root.id, level: listing.root.level, snapshot: digest }, records.changed())
}

/** Sources that share a series have a base each. */
function trim(repository: Repository, { source: { series }, listing }: Finished): void {
  const bases = repository.fileCacheBases(series).map(({ root, level }) => ({ id: root, level }))
  trimNodes(repository.nodeCache(series), [listing.root, ...bases])
}

/**
 * When another source of the series was saved last, while that is live: an empty home, which reads the
 * newest entry alone, then knows that `latest` could mean another source.
 */
function sharedWith({ request: { host }, source, parent, startedNs }: Finished): Record<string, string> {
  if (parent === undefined) return {}
  const isOwn = parent.host === host && samePaths(parent, source)
  const otherNs = isOwn ? parent.options[SHARED_OPTION] : String(parent.timeNs)
  const isLive = otherNs !== undefined && /^\d{1,20}$/.test(otherNs) && BigInt(otherNs) >= startedNs - LIVE_NS
  return isLive ? { [SHARED_OPTION]: otherNs } : {}
}

function draft(run: Finished, summary: SnapshotSummary) {
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
    // a stream came from nowhere
    options: { ...(source.stdin === undefined ? originOf(source) : {}), ...sharedWith(run) },
    single: source.single,
  }
}

/** Where `restore --in-place` puts it, and what the backup did not look at: nothing there may be taken for removed. */
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

/** New, changed and unmodified against the parent, by comparing the two trees where they differ. */
async function summarize(run: Finished): Promise<SnapshotSummary> {
  const { counts, listing, parent, request, observe, store } = run
  const found = { filesNew: 0, filesChanged: 0, dirsNew: 0, dirsChanged: 0 }
  if (parent === undefined) {
    found.filesNew = counts.files
    found.dirsNew = counts.dirs
  }
  if (parent === undefined && request.verbose) {
    for await (const { path } of walkListing(listing.root, store.readNodes))
      observe({ type: "entry", path, action: "new" })
  }
  if (parent !== undefined) {
    for await (const { path, before, after } of diffListings(parent.root, listing.root, store.readNodes)) {
      const action = after === undefined ? "removed" : before === undefined ? "new" : "changed"
      if (request.verbose) observe({ type: "entry", path, action })
      if (after === undefined) continue
      const isDirectory = after.type === "directory"
      if (action === "new") found[isDirectory ? "dirsNew" : "filesNew"]++
      else found[isDirectory ? "dirsChanged" : "filesChanged"]++
    }
  }
  return {
    ...found,
    filesUnmodified: counts.files - found.filesNew - found.filesChanged,
    dirsUnmodified: counts.dirs - found.dirsNew - found.dirsChanged,
    files: counts.files,
    dirs: counts.dirs,
    bytes: counts.bytes,
    dataAdded: run.rawBytes,
    dataAddedPacked: store.packedBytes(),
  }
}

/** A run that found nothing to do. */
export function unchangedSummary({ files, dirs, bytes }: ScanCounts): SnapshotSummary {
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

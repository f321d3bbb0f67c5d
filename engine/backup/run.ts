/**
 * One run of a backup: what was asked for, the source, and what changes while the stages work. The scan
 * and assemble change `tally` and `records`; the commit gives the records to `cache`.
 */
import type { FileCache, FileCacheBase } from "../home/file-cache.ts"
import type { SnapshotRecord, View } from "../log/view.ts"
import { localView } from "../session/look.ts"
import type { Repository } from "../session/repository.ts"
import type { Requests } from "../store/wrappers/metered-store.ts"
import type { BackupObserver, BackupRequest } from "./backup-request.ts"
import { createFolderRecords, type FolderRecords } from "./folder-records.ts"
import type { RunSource } from "./run-source.ts"
import { createTally, type Tally } from "./tally.ts"

export interface RunRequest {
  readonly request: BackupRequest
  readonly source: RunSource
  readonly observe: BackupObserver
  /** Taken before the source was opened, which may need a request to find its series. */
  readonly requestsBefore: Requests
}

export interface Run extends RunRequest {
  readonly startedNs: bigint
  readonly tally: Tally
  readonly records: FolderRecords
  /** This source's folder records of the last run. Undefined for a stream, which has none. */
  readonly cache: FileCache | undefined
  /** The listing that the run starts from; undefined to read every file. */
  readonly base: FileCacheBase | undefined
  /** The series' newest snapshot as of this device's last look. */
  readonly parentHere: SnapshotRecord | undefined
  /** What the captured databases look like, for the next run; undefined without capture. */
  readonly captureRecords: string | undefined
  /** When the log was last listed, by this machine's clock. */
  readonly lookedNs: bigint
}

export function beginRun(repository: Repository, asked: RunRequest): Run {
  const { request, source } = asked
  const startedNs = repository.clock.now()
  const tally = createTally(repository, asked)
  for (const { path, message } of source.missing) tally.failed(path, message)
  const cache = source.stdin === undefined ? repository.fileCache(source.series, source.key) : undefined
  const local = localView(repository)
  return {
    ...asked,
    startedNs,
    tally,
    records: createFolderRecords(() => repository.clock.now()),
    cache,
    base: request.force || cache === undefined ? undefined : usableBase(cache, local),
    captureRecords: undefined,
    parentHere: local.newest(source.series),
    lookedNs: local.lookedNs,
  }
}

/** The cache's base, if this device knows the snapshot that it mirrors. */
function usableBase(cache: FileCache, view: View): FileCacheBase | undefined {
  const base = cache.base()
  return base !== undefined && view.has(base.snapshot) ? base : undefined
}

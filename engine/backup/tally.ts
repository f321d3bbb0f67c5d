/**
 * What a run counts and reports: files and bytes scanned, progress, and the paths that could not be kept.
 * Every stage from the scan to the commit adds to the tally of its run; the result is made here.
 */
import type { RawPath } from "../base/ids.ts"
import { monotonicMs } from "../base/ports.ts"
import type { SnapshotFlag, SnapshotSummary } from "../format/entry.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { Repository } from "../session/repository.ts"
import { type Requests, requestsSince } from "../store/wrappers/metered-store.ts"
import type { BackupObserver, BackupResult, UnkeptPath } from "./backup-request.ts"

/** Number of entries that the scan has met, without those that turned out to be unreadable. */
export interface Counts {
  files: number
  dirs: number
  bytes: number
}

export interface Amount {
  readonly files: number
  readonly bytes: number
}

interface Failures {
  readonly errors: readonly UnkeptPath[]
  /** Reports an entry that is kept in part. */
  readonly failed: (path: RawPath, message: string) => void
  /** Reports an entry that the snapshot lacks: a file, or a folder with everything in it. */
  readonly unread: (path: RawPath, message: string) => void
  readonly isUnread: (path: RawPath) => boolean
}

interface Progress {
  /** Counts an entry whose content is not known yet. */
  readonly scanned: (size: number) => void
  /** Counts it as done, with the same size. */
  readonly fileDone: (path: RawPath, size: number) => void
  /** Sets the estimated total, which holds until the scan has ended. */
  readonly expect: (amount: Amount) => void
  readonly scanEnded: () => void
  /** Counts bytes of unfinished files in progress events until the returned function is called. */
  readonly watch: (bytesUnderWay: () => number) => () => void
}

export interface Tally extends Failures, Progress {
  /** Changed by the scan, by assemble and by a stream. */
  readonly counts: Counts
  readonly notice: (message: string) => void
  /** Counts a database that is read as it is. */
  readonly readRaw: (path: RawPath, reason: string) => void
  readonly result: (outcome: Outcome) => BackupResult
}

export interface Outcome {
  readonly snapshot: string | undefined
  readonly parent: SnapshotRecord | undefined
  readonly summary: SnapshotSummary
  /** By default null. */
  readonly flag?: SnapshotFlag
  readonly filesRemoved: number
}

export interface TalliedRun {
  readonly source: { readonly series: string }
  readonly observe: BackupObserver
  /** The repository's requests before the run. */
  readonly requestsBefore: Requests
}

const PROGRESS_EVERY_MS = 100

export function createTally(
  repository: Repository,
  { source: { series }, observe, requestsBefore }: TalliedRun,
): Tally {
  const startedMs = monotonicMs()
  const counts: Counts = { files: 0, dirs: 0, bytes: 0 }
  const failures = collectFailures(observe)
  const rawDatabases: UnkeptPath[] = []
  return {
    counts,
    ...failures,
    ...reportProgress(counts, failures, observe),
    notice: (message) => observe({ type: "notice", message }),
    readRaw: (path, message) => void rawDatabases.push({ path, message }),
    result({ snapshot, parent, summary, flag = null, filesRemoved }) {
      return {
        snapshotId: snapshot ?? null,
        parentId: parent?.digest ?? null,
        series,
        flag,
        filesRemoved,
        summary,
        durationMs: monotonicMs() - startedMs,
        errors: failures.errors,
        rawDatabases,
        requests: requestsSince(requestsBefore, repository.requests()),
      }
    },
  }
}

function collectFailures(observe: BackupObserver): Failures {
  const errors: UnkeptPath[] = []
  const unread = new Set<RawPath>()
  const reported = new Set<string>()
  const failed = (path: RawPath, message: string): void => {
    // content and attributes of a file may fail with the same message
    const key = `${path}\0${message}`
    if (reported.has(key)) return
    reported.add(key)
    errors.push({ path, message })
    observe({ type: "error", path, message })
  }
  return {
    errors,
    failed,
    unread(path, message) {
      unread.add(path)
      failed(path, message)
    },
    isUnread: (path) => unread.has(path),
  }
}

function reportProgress(counts: Counts, { errors }: Failures, observe: BackupObserver): Progress {
  const pending = { files: 0, bytes: 0 }
  let expected: Amount | undefined
  let hasAll = false
  let current: RawPath | undefined
  let underWay = (): number => 0
  let reportedBytes = 0
  let reportedMs = monotonicMs()
  const total = (): { filesTotal: number | undefined; bytesTotal: number | undefined } => {
    if (hasAll) return { filesTotal: counts.files, bytesTotal: counts.bytes }
    if (expected === undefined) return { filesTotal: undefined, bytesTotal: undefined }
    return {
      filesTotal: Math.max(expected.files, counts.files),
      bytesTotal: Math.max(expected.bytes, counts.bytes),
    }
  }
  const report = (): void => {
    const nowMs = monotonicMs()
    if (nowMs - reportedMs < PROGRESS_EVERY_MS) return
    reportedMs = nowMs
    // a file counts nowhere between its end and its result
    reportedBytes = Math.max(reportedBytes, counts.bytes - pending.bytes + underWay())
    observe({
      type: "progress",
      filesDone: counts.files - pending.files,
      bytesDone: reportedBytes,
      ...total(),
      errors: errors.length,
      current,
    })
  }
  return {
    scanned(size) {
      pending.files++
      pending.bytes += size
    },
    fileDone(path, size) {
      pending.files--
      pending.bytes -= size
      current = path
      report()
    },
    expect(amount) {
      expected = amount
    },
    scanEnded() {
      hasAll = true
    },
    watch(bytesUnderWay) {
      underWay = bytesUnderWay
      const timer = setInterval(report, PROGRESS_EVERY_MS)
      return () => clearInterval(timer)
    },
  }
}

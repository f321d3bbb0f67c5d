/** Counts what a run does and tells whoever watches; what could not be kept is listed here. */
import { unreadableReason } from "./split/steady-read.ts"
import type { RawPath } from "../base/ids.ts"
import { monotonicMs } from "../base/monotonic.ts"
import type { SnapshotSummary } from "../format/entry.ts"
import type { Repository, Requests } from "../session/repository.ts"
import { requestsSince } from "../session/requests.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { BackupObserver, BackupResult, UnkeptPath } from "./backup-request.ts"
import type { Amount } from "./count-ahead.ts"
import type { ScanCounts } from "./scan.ts"

export interface Tally {
  readonly errors: readonly UnkeptPath[]
  /** An entry that could not be read; `error` is a code of the system or a sentence. */
  readonly failed: (path: RawPath, error: string) => void
  /** The same for an entry of which the snapshot has nothing: a file, or all that is in a folder. */
  readonly unread: (path: RawPath, error: string) => void
  readonly isUnread: (path: RawPath) => boolean
  readonly notice: (message: string) => void
  /** The scan has counted an entry of this size whose content is not known yet. */
  readonly scanned: (size: number) => void
  /** The end of it, with the same size. */
  readonly fileDone: (path: RawPath, size: number) => void
  /** About how much there is, until the scan has ended and knows it. */
  readonly expect: (amount: Amount) => void
  readonly scanEnded: () => void
  /** Counts bytes of unfinished files in progress events until the returned function is called. */
  readonly watch: (bytesUnderWay: () => number) => () => void
  readonly result: (outcome: Outcome) => BackupResult
}

export interface Outcome {
  readonly snapshot: string | undefined
  readonly parent: SnapshotRecord | undefined
  readonly summary: SnapshotSummary
}

const PROGRESS_EVERY_MS = 100

export interface TalliedRun {
  readonly source: { readonly series: string }
  readonly observe: BackupObserver
  /** The repository's, when the run began. */
  readonly requestsBefore: Requests
}

/** @param counts what the scan has counted so far; it goes on counting there */
export function createTally(
  repository: Repository,
  { source: { series }, observe, requestsBefore }: TalliedRun,
  counts: Pick<ScanCounts, "files" | "bytes">,
): Tally {
  const startedMs = monotonicMs()
  const errors: UnkeptPath[] = []
  const pending = { files: 0, bytes: 0 }
  let expected: Amount | undefined
  let hasAll = false
  let current: RawPath | undefined
  let underWay = (): number => 0
  let toldBytes = 0
  let toldMs = startedMs
  const tell = (): void => {
    const nowMs = monotonicMs()
    if (nowMs - toldMs < PROGRESS_EVERY_MS) return
    toldMs = nowMs
    // between the end of a file and its result it is counted nowhere
    toldBytes = Math.max(toldBytes, counts.bytes - pending.bytes + underWay())
    observe({
      type: "progress",
      filesDone: counts.files - pending.files,
      bytesDone: toldBytes,
      ...total(),
      errors: errors.length,
      current,
    })
  }
  const total = (): { filesTotal: number | undefined; bytesTotal: number | undefined } => {
    if (hasAll) return { filesTotal: counts.files, bytesTotal: counts.bytes }
    if (expected === undefined) return { filesTotal: undefined, bytesTotal: undefined }
    return {
      filesTotal: Math.max(expected.files, counts.files),
      bytesTotal: Math.max(expected.bytes, counts.bytes),
    }
  }
  const unread = new Set<RawPath>()
  const reported = new Set<string>()
  const failed = (path: RawPath, error: string): void => {
    const message = /^E[A-Z0-9]+$/.test(error) ? unreadableReason(error) : error
    // its content and its attributes may fail alike
    const key = `${path}\0${message}`
    if (reported.has(key)) return
    reported.add(key)
    errors.push({ path, message })
    observe({ type: "error", path, message })
  }
  return {
    errors,
    failed,
    unread(path, error) {
      unread.add(path)
      failed(path, error)
    },
    isUnread: (path) => unread.has(path),
    notice: (message) => observe({ type: "notice", message }),
    scanned(size) {
      pending.files++
      pending.bytes += size
    },
    fileDone(path, size) {
      pending.files--
      pending.bytes -= size
      current = path
      tell()
    },
    expect(amount) {
      expected = amount
    },
    scanEnded() {
      hasAll = true
    },
    watch(bytesUnderWay) {
      underWay = bytesUnderWay
      const timer = setInterval(tell, PROGRESS_EVERY_MS)
      return () => clearInterval(timer)
    },
    result({ snapshot, parent, summary }) {
      return {
        snapshotId: snapshot ?? null,
        parentId: parent?.digest ?? null,
        series,
        summary,
        durationMs: monotonicMs() - startedMs,
        errors,
        requests: requestsSince(requestsBefore, repository.requests()),
      }
    },
  }
}

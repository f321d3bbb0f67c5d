/** Counts what a restore does, lists what failed, and reports both to the observer. */
import type { RawPath } from "../base/ids.ts"
import type { LeftOut } from "../target/target.ts"
import { monotonicMs } from "../base/ports.ts"
import type { Repository } from "../session/repository.ts"
import { requestsSince } from "../store/wrappers/metered-store.ts"
import type {
  RestoreObserver,
  RestoreRequest,
  RestoreResult,
  StayReason,
  Unrestored,
} from "./restore-request.ts"

export type EntryAction = "restored" | "updated" | "equal" | "kept"

export interface Progress {
  failed(failure: Unrestored): void
  notice(message: string): void
  /** The amount to be restored, if it is known ahead. */
  expectAll(amount: { readonly files: number; readonly bytes: number }): void
  /** For another name of a file: its size counts once. */
  expectLess(bytes: number): void
  folder(): void
  /** @param bytes written of it @param size of a file that was left as it is */
  entry(path: RawPath, action: EntryAction, bytes: number, size?: number): void
  /** Metadata of the entry that was not set; most often nothing. */
  leftOut(path: RawPath, what: readonly LeftOut[]): void
  deleted(path: RawPath, isFolder: boolean): void
  /** For an extra entry that is not deleted, nor what is in it. */
  stays(path: RawPath, reason: StayReason): void
  /** For an entry whose place is in a repository or in holdfast's own folders: it is not written. */
  leaveAlone(path: RawPath, size: number): void
  /** More bytes of a file that is not whole yet. They are subtracted again before its entry. */
  underWay(bytes: number): void
  /** False for what failed or was kept: it may differ from the snapshot. */
  isPlaced(path: RawPath): boolean
  /** In a dry run: whether the file would be placed again. */
  isReplaced(path: RawPath): boolean
  result(): RestoreResult
}

const PROGRESS_EVERY_MS = 100

/** What one restore has come to so far. */
interface Counts extends ReturnType<typeof noCounts> {
  /** What is going to be restored, if that is known. */
  expected: { files: number; bytes: number } | undefined
  /** Bytes written of files that are not whole yet. */
  bytesUnderWay: number
}

/** Named as in the result. */
const noCounts = () => ({
  placed: {
    filesRestored: 0,
    filesSkipped: 0,
    filesKept: 0,
    leftAlone: 0,
    dirs: 0,
    bytesRestored: 0,
    bytesSkipped: 0,
  },
  deleted: { filesDeleted: 0, dirsDeleted: 0 },
  leftOut: {} as Partial<Record<LeftOut, number>>,
  stayed: {} as Partial<Record<StayReason, number>>,
})

export function createProgress(
  repository: Repository,
  request: RestoreRequest,
  observe: RestoreObserver,
): Progress {
  const startedMs = monotonicMs()
  const before = repository.requests()
  const errors: Unrestored[] = []
  const unplaced = new Set<RawPath>()
  const replaced = new Set<RawPath>()
  const counts: Counts = { ...noCounts(), expected: undefined, bytesUnderWay: 0 }
  const { placed, deleted, leftOut, stayed } = counts
  const report = createReport(counts, startedMs, observe)
  return {
    ...countUnwritten(counts, request, observe),
    failed(failure) {
      errors.push(failure)
      unplaced.add(failure.path)
      observe({ type: "error", ...failure })
    },
    notice: (message) => observe({ type: "notice", message }),
    expectAll(amount) {
      counts.expected = { files: amount.files, bytes: amount.bytes }
    },
    expectLess(bytes) {
      if (counts.expected !== undefined) counts.expected.bytes -= bytes
    },
    folder() {
      placed.dirs++
    },
    entry(path, action, bytes, size = 0) {
      if (action === "kept") {
        unplaced.add(path)
        placed.filesKept++
      }
      if (request.dryRun === true && action === "restored") replaced.add(path)
      if (action === "equal" || action === "kept") placed.filesSkipped++
      else placed.filesRestored++
      placed.bytesRestored += bytes
      placed.bytesSkipped += size
      if (request.verbose) observe({ type: "entry", path, action })
      report()
    },
    underWay(bytes) {
      counts.bytesUnderWay += bytes
      if (bytes > 0) report()
    },
    isPlaced: (path) => !unplaced.has(path),
    isReplaced: (path) => replaced.has(path),
    result: () => ({
      ...placed,
      leftOut,
      ...deleted,
      stayed,
      errors,
      durationMs: monotonicMs() - startedMs,
      requests: requestsSince(before, repository.requests()),
    }),
  }
}

/** Sends a progress event if the last one was 100 ms ago. The bytes in it never decrease, also when a file fails. */
function createReport(counts: Counts, startedMs: number, observe: RestoreObserver): () => void {
  let bytesDone = 0
  let reportedMs = startedMs
  return () => {
    const nowMs = monotonicMs()
    if (nowMs - reportedMs < PROGRESS_EVERY_MS) return
    reportedMs = nowMs
    const { placed, deleted, expected, bytesUnderWay } = counts
    bytesDone = Math.max(bytesDone, placed.bytesRestored + bytesUnderWay)
    observe({
      type: "progress",
      filesDone: placed.filesRestored,
      filesSkipped: placed.filesSkipped,
      filesDeleted: deleted.filesDeleted,
      filesTotal: expected?.files,
      bytesDone,
      bytesSkipped: placed.bytesSkipped,
      bytesTotal: expected?.bytes,
    })
  }
}

/** Counts what is not written: metadata, extra entries, and entries that have their place elsewhere. */
function countUnwritten(
  counts: Counts,
  request: RestoreRequest,
  observe: RestoreObserver,
): Pick<Progress, "leftOut" | "deleted" | "stays" | "leaveAlone"> {
  const { placed, deleted, leftOut, stayed } = counts
  const isVerbose = request.verbose === true
  return {
    leftOut(path, what) {
      for (const each of what) leftOut[each] = (leftOut[each] ?? 0) + 1
      if (isVerbose && what.length > 0) observe({ type: "left-out", path, what })
    },
    deleted(path, isFolder) {
      deleted[isFolder ? "dirsDeleted" : "filesDeleted"]++
      if (isVerbose || request.dryRun === true) observe({ type: "entry", path, action: "deleted" })
    },
    stays(path, reason) {
      stayed[reason] = (stayed[reason] ?? 0) + 1
      if (isVerbose) observe({ type: "stays", path, reason })
    },
    leaveAlone(path, size) {
      placed.leftAlone++
      if (counts.expected !== undefined) counts.expected.bytes -= size
      if (isVerbose) observe({ type: "entry", path, action: "left-alone" })
    },
  }
}

/** Counts what a restore does and tells whoever watches; what failed is listed here. */
import type { RawPath } from "../base/ids.ts"
import type { LeftOut } from "../target/target.ts"
import { monotonicMs } from "../base/ports.ts"
import type { Repository } from "../session/repository.ts"
import { requestsSince } from "../session/requests.ts"
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
  /** All that is going to be restored, as far as that is known ahead. */
  expectAll(amount: { readonly files: number; readonly bytes: number }): void
  /** Another name of a file: its size is counted once. */
  expectLess(bytes: number): void
  folder(): void
  /** @param bytes what was written of it; what was left as it is has a `size` instead */
  entry(path: RawPath, action: EntryAction, bytes: number, size?: number): void
  /** What of an entry's metadata was not set; most often nothing. */
  leftOut(path: RawPath, what: readonly LeftOut[]): void
  deleted(path: RawPath, isFolder: boolean): void
  /** It is extra, and not deleted, with all that is in it. */
  stays(path: RawPath, reason: StayReason): void
  /** It has its place in a repository or in holdfast's own folders, and is not written. */
  leaveAlone(path: RawPath, size: number): void
  /** So many more bytes of a file that is not whole yet were written; all come off again before its entry. */
  underWay(bytes: number): void
  /** False for what failed or was kept as it stood: it may not be what the snapshot has there. */
  isPlaced(path: RawPath): boolean
  /** Of a dry run: whether the file would be placed anew. */
  isReplaced(path: RawPath): boolean
  result(): RestoreResult
}

const PROGRESS_EVERY_MS = 100

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
  const deleted = { filesDeleted: 0, dirsDeleted: 0 }
  const stayed: Partial<Record<StayReason, number>> = {}
  const leftOut: Partial<Record<LeftOut, number>> = {}
  const counts = {
    filesRestored: 0,
    filesSkipped: 0,
    filesKept: 0,
    leftAlone: 0,
    dirs: 0,
    bytesRestored: 0,
    bytesSkipped: 0,
  }
  let expected: { files: number; bytes: number } | undefined
  let bytesUnderWay = 0
  /** A file that fails takes back what was written of it. */
  let toldBytes = 0
  let toldMs = startedMs
  const tell = (): void => {
    const nowMs = monotonicMs()
    if (nowMs - toldMs < PROGRESS_EVERY_MS) return
    toldMs = nowMs
    toldBytes = Math.max(toldBytes, counts.bytesRestored + bytesUnderWay)
    observe({
      type: "progress",
      filesDone: counts.filesRestored,
      filesSkipped: counts.filesSkipped,
      filesDeleted: deleted.filesDeleted,
      filesTotal: expected?.files,
      bytesDone: toldBytes,
      bytesSkipped: counts.bytesSkipped,
      bytesTotal: expected?.bytes,
    })
  }
  return {
    failed(failure) {
      errors.push(failure)
      unplaced.add(failure.path)
      observe({ type: "error", ...failure })
    },
    notice: (message) => observe({ type: "notice", message }),
    expectAll({ files, bytes }) {
      expected = { files, bytes }
    },
    expectLess(bytes) {
      if (expected !== undefined) expected.bytes -= bytes
    },
    folder() {
      counts.dirs++
    },
    entry(path, action, bytes, size = 0) {
      if (action === "kept") {
        unplaced.add(path)
        counts.filesKept++
      }
      if (request.dryRun === true && action === "restored") replaced.add(path)
      if (action === "equal" || action === "kept") counts.filesSkipped++
      else counts.filesRestored++
      counts.bytesRestored += bytes
      counts.bytesSkipped += size
      if (request.verbose) observe({ type: "entry", path, action })
      tell()
    },
    leftOut(path, what) {
      for (const each of what) leftOut[each] = (leftOut[each] ?? 0) + 1
      if (request.verbose && what.length > 0) observe({ type: "left-out", path, what })
    },
    deleted(path, isFolder) {
      deleted[isFolder ? "dirsDeleted" : "filesDeleted"]++
      if (request.verbose === true || request.dryRun === true)
        observe({ type: "entry", path, action: "deleted" })
    },
    stays(path, reason) {
      stayed[reason] = (stayed[reason] ?? 0) + 1
      if (request.verbose === true) observe({ type: "stays", path, reason })
    },
    leaveAlone(path, size) {
      counts.leftAlone++
      if (expected !== undefined) expected.bytes -= size
      if (request.verbose === true) observe({ type: "entry", path, action: "left-alone" })
    },
    underWay(bytes) {
      bytesUnderWay += bytes
      if (bytes > 0) tell()
    },
    isPlaced: (path) => !unplaced.has(path),
    isReplaced: (path) => replaced.has(path),
    result: () => ({
      ...counts,
      leftOut,
      ...deleted,
      stayed,
      errors,
      durationMs: monotonicMs() - startedMs,
      requests: requestsSince(before, repository.requests()),
    }),
  }
}

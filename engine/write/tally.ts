/** Counts what a run does and tells whoever watches; what could not be kept is listed here. */
import type { RawPath } from "../base/ids.ts"
import { monotonicMs } from "../base/monotonic.ts"
import type { SnapshotSummary } from "../format/entry.ts"
import type { Repository } from "../trust/repository-ports.ts"
import { requestsSince } from "../trust/requests.ts"
import type { SnapshotRecord } from "../trust/view.ts"
import type { BackupObserver, BackupResult, UnkeptPath } from "./backup-request.ts"

export interface Tally {
  readonly errors: readonly UnkeptPath[]
  /** An entry that could not be read; `error` is a code of the system or a sentence. */
  readonly failed: (path: RawPath, error: string) => void
  readonly fileDone: (path: RawPath, bytes: number) => void
  /** Tells of files that are not done yet, too, until what it returns is called. */
  readonly watch: (bytesUnderWay: () => number) => () => void
  readonly result: (outcome: Outcome) => BackupResult
}

export interface Outcome {
  readonly snapshot: string | undefined
  readonly parent: SnapshotRecord | undefined
  readonly summary: SnapshotSummary
}

const PROGRESS_EVERY_MS = 100

export function createTally(repository: Repository, series: string, observe: BackupObserver): Tally {
  const startedMs = monotonicMs()
  const before = repository.requests()
  const errors: UnkeptPath[] = []
  let filesDone = 0
  let bytesDone = 0
  let current: RawPath | undefined
  let underWay = (): number => 0
  let toldBytes = 0
  let toldMs = startedMs
  const tell = (): void => {
    const nowMs = monotonicMs()
    if (nowMs - toldMs < PROGRESS_EVERY_MS) return
    toldMs = nowMs
    // between the end of a file and its result it is counted nowhere
    toldBytes = Math.max(toldBytes, bytesDone + underWay())
    observe({ type: "progress", filesDone, bytesDone: toldBytes, current })
  }
  return {
    errors,
    failed(path, error) {
      const message = /^E[A-Z0-9]+$/.test(error) ? reasonOf(error) : error
      errors.push({ path, message })
      observe({ type: "error", path, message })
    },
    fileDone(path, bytes) {
      filesDone++
      bytesDone += bytes
      current = path
      tell()
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
        requests: requestsSince(before, repository.requests()),
      }
    },
  }
}

function reasonOf(code: string): string {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return "permission denied"
    case "ENOENT":
      return "it vanished while the backup ran"
    case "ELOOP":
    case "ENOTDIR":
      return "it turned into something else while the backup ran"
    default:
      return `could not be read (${code})`
  }
}

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
  let toldMs = startedMs
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
      const nowMs = monotonicMs()
      if (nowMs - toldMs < PROGRESS_EVERY_MS) return
      toldMs = nowMs
      observe({ type: "progress", filesDone, bytesDone, current: path })
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
    default:
      return `could not be read (${code})`
  }
}

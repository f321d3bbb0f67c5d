/** What a backup is asked for, what it tells while it runs, and what it comes to. */
import type { RawPath } from "../base/ids.ts"
import type { SelectionRequest } from "../source/select.ts"
import type { SnapshotSummary } from "../format/entry.ts"
import type { Requests } from "../session/repository.ts"

export interface BackupRequest {
  /** As typed, relative to `cwd` or absolute, each perhaps `name=path`. */
  readonly paths: readonly RawPath[]
  /** From `--files-from`: taken literally. */
  readonly filesFrom?: readonly RawPath[] | undefined
  /** Instead of paths: one file of this name with the stream's content. */
  readonly stdin?: { readonly name: RawPath; readonly stream: AsyncIterable<Uint8Array> } | undefined
  /** Absolute raw path. */
  readonly cwd: string
  /** Default: the base name of the source. */
  readonly series?: string | undefined
  readonly host: string
  readonly user: string
  readonly tags?: readonly string[] | undefined
  /** The snapshot's time; default: when the run began. */
  readonly timeNs?: bigint | undefined
  /** Who asked: "manual", "schedule", … */
  readonly trigger?: string | undefined
  /** Read every file, also those that look unchanged. */
  readonly force?: boolean | undefined
  /** Write a snapshot even when nothing changed. */
  readonly forceSnapshot?: boolean | undefined
  readonly dryRun?: boolean | undefined
  /** Observe an "entry" event for each path that is new, changed or removed. */
  readonly verbose?: boolean | undefined
  /** Counts a source that has no earlier run while it is backed up, for progress events. */
  readonly countAhead?: boolean | undefined
  readonly selection?: Omit<SelectionRequest, "own" | "named"> | undefined
}

export interface UnkeptPath {
  readonly path: RawPath
  readonly message: string
}

export interface BackupResult {
  /** 64 hex digits; null when nothing changed, and for dry runs. */
  readonly snapshotId: string | null
  readonly parentId: string | null
  readonly series: string
  readonly summary: SnapshotSummary
  readonly durationMs: number
  /** What could not be read: it is not in the snapshot. */
  readonly errors: readonly UnkeptPath[]
  readonly requests: Requests
}

export type BackupEvent =
  | {
      readonly type: "progress"
      /** Unchanged ones too. */
      readonly filesDone: number
      /** With what was read of long files that are not done yet. */
      readonly bytesDone: number
      /** From the last run or a count ahead, exact once all is scanned; undefined while nothing is known. */
      readonly filesTotal: number | undefined
      readonly bytesTotal: number | undefined
      /** Of "error" events so far. */
      readonly errors: number
      /** The last one done; undefined before the first. */
      readonly current: RawPath | undefined
    }
  | { readonly type: "error"; readonly path: RawPath; readonly message: string }
  | { readonly type: "notice"; readonly message: string }
  | { readonly type: "entry"; readonly path: RawPath; readonly action: "new" | "changed" | "removed" }

export type BackupObserver = (event: BackupEvent) => void

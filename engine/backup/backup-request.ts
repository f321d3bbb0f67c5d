/** The request of a backup, its progress events, and its result: the types of the engine's door. */
import type { Digest, RawPath } from "../base/ids.ts"
import type { SelectionRequest } from "../source/select.ts"
import type { SnapshotFlag, SnapshotSummary } from "../format/entry.ts"
import type { Requests } from "../store/wrappers/metered-store.ts"

/** How files are read that other programs write meanwhile. */
export interface CaptureRules {
  /** Copies live SQLite databases consistently, before anything else is read. */
  readonly sqlite: boolean
  /** Tables that are emptied in the copies; a database with one of them is not saved if it can't be copied. */
  readonly emptyTables?: readonly string[] | undefined
  /** Ends of the names of files that are only appended to, such as ".jsonl": what they have when opened is saved. */
  readonly appended?: readonly string[] | undefined
}

/** The files of the listing that a run is about to commit. */
export interface NewListing {
  /** In listing order, from the nodes of this run. Can be called again. */
  files(): AsyncIterable<{ readonly path: RawPath; readonly size: number }>
}

export interface BackupRequest {
  /** As typed: relative to `cwd` or absolute, optionally `name=path`. */
  readonly paths: readonly RawPath[]
  /** Paths from `--files-from`, taken literally. */
  readonly filesFrom?: readonly RawPath[] | undefined
  /** Backs up one file of this name with the stream's content, instead of paths. */
  readonly stdin?: { readonly name: RawPath; readonly stream: AsyncIterable<Uint8Array> } | undefined
  /** Absolute raw path. */
  readonly cwd: string
  /** The base name of the source by default. */
  readonly series?: string | undefined
  readonly host: string
  readonly user: string
  readonly tags?: readonly string[] | undefined
  /** The snapshot's time, by default the start of the run. */
  readonly timeNs?: bigint | undefined
  /** What started the run: "manual" (the default), "schedule", … */
  readonly trigger?: string | undefined
  /** Reads every file, even if it looks unchanged. */
  readonly force?: boolean | undefined
  /** Writes a snapshot even if nothing changed. */
  readonly forceSnapshot?: boolean | undefined
  /**
   * The snapshot's flag. A function decides it from the new listing; it is called only if a snapshot is about to be
   * written. A given flag forces a snapshot.
   */
  readonly flag?: SnapshotFlag | ((listing: NewListing) => Promise<SnapshotFlag>) | undefined
  /** A flagged snapshot of the series that the new one declares good. Forces a snapshot. */
  readonly accepts?: Digest | undefined
  /** A note that is stored with the snapshot. Forces none. */
  readonly label?: string | undefined
  readonly dryRun?: boolean | undefined
  /** Emits an "entry" event for each new, changed or removed path. */
  readonly verbose?: boolean | undefined
  /** Counts a source without an earlier run while it is backed up, for the total in progress events. */
  readonly countAhead?: boolean | undefined
  readonly capture?: CaptureRules | undefined
  readonly selection?: Omit<SelectionRequest, "own" | "named"> | undefined
}

export interface UnkeptPath {
  readonly path: RawPath
  readonly message: string
}

export interface BackupResult {
  /** 64 hex digits; null if nothing changed, and for dry runs. */
  readonly snapshotId: string | null
  readonly parentId: string | null
  readonly series: string
  /** Of the snapshot that was written; null if none was. */
  readonly flag: SnapshotFlag
  /** Entries of the parent, folders not counted, that are gone. */
  readonly filesRemoved: number
  readonly summary: SnapshotSummary
  readonly durationMs: number
  /** Paths that could not be read and are missing from the snapshot, wholly or in part. */
  readonly errors: readonly UnkeptPath[]
  /** With capture: databases that could not be copied and were read as they are, now or at their last change. */
  readonly rawDatabases: readonly UnkeptPath[]
  readonly requests: Requests
}

export type BackupEvent =
  | {
      readonly type: "progress"
      /** Includes unchanged files. */
      readonly filesDone: number
      /** Includes what was read of unfinished long files. */
      readonly bytesDone: number
      /** An estimate from the last run or a count ahead; exact when the scan has ended; undefined while unknown. */
      readonly filesTotal: number | undefined
      readonly bytesTotal: number | undefined
      /** The number of "error" events so far. */
      readonly errors: number
      /** The last finished file; undefined before the first. */
      readonly current: RawPath | undefined
    }
  | { readonly type: "error"; readonly path: RawPath; readonly message: string }
  | { readonly type: "notice"; readonly message: string }
  | { readonly type: "entry"; readonly path: RawPath; readonly action: "new" | "changed" | "removed" }

export type BackupObserver = (event: BackupEvent) => void

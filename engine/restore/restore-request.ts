/** The request, the events and the result of a restore. */
import type { RawPath } from "../base/ids.ts"
import type { LeftOut } from "../target/target.ts"
import type { Requests } from "../store/wrappers/metered-store.ts"
import type { SnapshotRecord } from "../log/view.ts"

export type Overwrite = "always" | "if-changed" | "if-newer" | "never"

/** When placed files are flushed to the disk: each file, once at the end, or never. */
export type Sync = "each" | "end" | "none"

export interface RestoreRequest {
  readonly snapshot: SnapshotRecord
  /** Only this path of the snapshot and its descendants. A folder's entries are placed in the target itself. */
  readonly within?: RawPath | undefined
  /** Only these paths of the snapshot and their descendants. Folders above are made as needed. Default: all. */
  readonly only?: readonly RawPath[] | undefined
  /** Absolute raw path of the folder that becomes the snapshot. */
  readonly target: string
  /** The target is a folder that the caller has made below the home for this; else such a target is refused. */
  readonly inHome?: boolean | undefined
  /**
   * gitignore patterns relative to the snapshot's root, or absolute below its source. If there are any, only what
   * they match is restored. A pattern that matches nothing is an error.
   */
  readonly include?: readonly RawPath[] | undefined
  readonly exclude?: readonly RawPath[] | undefined
  /** The same, ignoring case. */
  readonly iinclude?: readonly RawPath[] | undefined
  readonly iexclude?: readonly RawPath[] | undefined
  /** Default "always": files that differ are replaced; equal files are not touched. */
  readonly overwrite?: Overwrite | undefined
  /**
   * Removes, in the snapshot's folders, entries that the snapshot does not have and the backup would have saved.
   * With `dryRun`, each is an "entry" event.
   */
  readonly delete?: boolean | undefined
  /** Reads the placed files again and compares them. */
  readonly verify?: boolean | undefined
  readonly sync?: Sync | undefined
  readonly dryRun?: boolean | undefined
  /** Restores FIFOs and device nodes too. */
  readonly special?: boolean | undefined
  /** False: leaves out setuid, setgid and capabilities. Default true: they are restored where the owner is. */
  readonly setuid?: boolean | undefined
  /** False: never restores setuid, setgid, capabilities or device nodes, whatever the other options say. */
  readonly privileges?: boolean | undefined
  /** Restores trusted.* and security.* attributes too. */
  readonly systemAttributes?: boolean | undefined
  /** Default: true for root; other users restore the groups of their own files. False leaves out setuid and setgid too. */
  readonly owners?: boolean | undefined
  readonly verbose?: boolean | undefined
  /** Counts a part of a snapshot before the restore, for the totals in progress events. */
  readonly countAhead?: boolean | undefined
}

/**
 * Why an extra entry is not deleted. filter: the backup's filters or source paths leave it out; other-file-system: the
 * backup did not enter its file system; unread: the backup could not read it, or did not record all that it left out;
 * mount: a file system is mounted there; own: it is a repository or holdfast's own; not-asked: this restore leaves it out.
 */
export type StayReason = "filter" | "other-file-system" | "unread" | "mount" | "own" | "not-asked"

export interface Unrestored {
  readonly path: RawPath
  readonly message: string
  /** `corrupt`: the repository is damaged; `target`: the target refused; `unmatched`: a pattern has no match. */
  readonly kind: "corrupt" | "target" | "unmatched"
  /** The damaged object of the store, if there is one. */
  readonly object?: string | undefined
}

export interface RestoreResult {
  readonly filesRestored: number
  /** Files that were equal already, or kept because of `overwrite`. */
  readonly filesSkipped: number
  /** Those of `filesSkipped` that `overwrite` kept. Their content was not compared. */
  readonly filesKept: number
  /** Entries that `delete` removed: here all but folders, then folders. */
  readonly filesDeleted: number
  readonly dirsDeleted: number
  /** Number of extra entries that `delete` kept, by reason; entries in such a folder are not counted. */
  readonly stayed: Readonly<Partial<Record<StayReason, number>>>
  /** Entries that are not written, since their place is in a repository or in holdfast's own folders. */
  readonly leftAlone: number
  readonly dirs: number
  readonly bytesRestored: number
  /** Bytes of `filesSkipped`. */
  readonly bytesSkipped: number
  /** Number of entries without a part of their metadata, by part. */
  readonly leftOut: Readonly<Partial<Record<LeftOut, number>>>
  readonly errors: readonly Unrestored[]
  readonly durationMs: number
  readonly requests: Requests
}

export type RestoreEvent =
  | {
      readonly type: "progress"
      readonly filesDone: number
      readonly filesSkipped: number
      readonly filesDeleted: number
      /** Undefined until it is known. */
      readonly filesTotal: number | undefined
      /** Written, including files that are not whole yet. */
      readonly bytesDone: number
      /** In files that are left as they are. */
      readonly bytesSkipped: number
      readonly bytesTotal: number | undefined
    }
  | ({ readonly type: "error" } & Unrestored)
  | { readonly type: "notice"; readonly message: string }
  /** With `verbose`. */
  | { readonly type: "left-out"; readonly path: RawPath; readonly what: readonly LeftOut[] }
  | { readonly type: "stays"; readonly path: RawPath; readonly reason: StayReason }
  | {
      readonly type: "entry"
      readonly path: RawPath
      readonly action: "restored" | "updated" | "equal" | "kept" | "deleted" | "left-alone"
    }

export type RestoreObserver = (event: RestoreEvent) => void

/** What a restore is asked for, what it tells while it runs, and what it comes to. */
import type { RawPath } from "../base/ids.ts"
import type { LeftOut } from "../target/target.ts"
import type { Requests } from "../session/repository.ts"
import type { SnapshotRecord } from "../log/view.ts"

export type Overwrite = "always" | "if-changed" | "if-newer" | "never"

/** When what was placed is flushed to the disk: each file, once at the end, or never. */
export type Sync = "each" | "end" | "none"

export interface RestoreRequest {
  readonly snapshot: SnapshotRecord
  /** Only this path of the snapshot and what lies below it; a folder's content lands in the target itself. */
  readonly within?: RawPath | undefined
  /** Only these paths of the snapshot and what is below them; folders above come into being with them. Default: all. */
  readonly only?: readonly RawPath[] | undefined
  /** Absolute raw path of the folder that becomes the snapshot. */
  readonly target: string
  /**
   * gitignore patterns relative to the snapshot's root, or absolute below its source; with any, only what they
   * match is restored. One that matches nothing is an error.
   */
  readonly include?: readonly RawPath[] | undefined
  readonly exclude?: readonly RawPath[] | undefined
  /** The same two, upper and lower case being equal. */
  readonly iinclude?: readonly RawPath[] | undefined
  readonly iexclude?: readonly RawPath[] | undefined
  /** Default "always": what differs is replaced, what is equal is not touched. */
  readonly overwrite?: Overwrite | undefined
  /** Removes what the backup looked at and the snapshot does not have, in its folders. With `dryRun` each is an "entry" event. */
  readonly delete?: boolean | undefined
  /** Reads everything again afterwards. */
  readonly verify?: boolean | undefined
  readonly sync?: Sync | undefined
  readonly dryRun?: boolean | undefined
  /** FIFOs and device nodes too. */
  readonly special?: boolean | undefined
  /** False: leaves out setuid, setgid and capabilities. Default true: they come back where the owner does. */
  readonly setuid?: boolean | undefined
  /** False: restores nothing that could give rights: no setuid, setgid, capabilities or device nodes, whatever else is asked for. */
  readonly privileges?: boolean | undefined
  /** trusted.* and security.* attributes too. */
  readonly systemAttributes?: boolean | undefined
  /** Default: when run by root, and the groups of other users' own files. False leaves setuid and setgid out, too. */
  readonly owners?: boolean | undefined
  readonly verbose?: boolean | undefined
  /** Counts a part of a snapshot before it is restored, for progress events. */
  readonly countAhead?: boolean | undefined
}

/**
 * Why something extra is not deleted: the backup's own filters leave it out (or nobody named it); it is on another file system, which
 * the backup did not enter; the backup could not read it, or did not say all that it left out; something
 * is mounted there; it is the repository or holdfast's own; this restore does not ask for it.
 */
export type StayReason = "filter" | "other-file-system" | "unread" | "mount" | "own" | "not-asked"

export interface Unrestored {
  readonly path: RawPath
  readonly message: string
  /** `corrupt`: the repository is damaged; `target`: the target refused; `unmatched`: an include has no match. */
  readonly kind: "corrupt" | "target" | "unmatched"
  /** The damaged object of the store, when there is one. */
  readonly object?: string | undefined
}

export interface RestoreResult {
  readonly filesRestored: number
  /** Equal already, or kept because of `overwrite`. */
  readonly filesSkipped: number
  /** Those of `filesSkipped` that `overwrite` kept. Their content was not compared. */
  readonly filesKept: number
  /** With `delete`: everything but folders, and folders. */
  readonly filesDeleted: number
  readonly dirsDeleted: number
  /** Extra entries that `delete` left where they are, by the reason; what is in a folder of them is not counted. */
  readonly stayed: Readonly<Partial<Record<StayReason, number>>>
  /** Entries of the snapshot whose place is in a repository or in holdfast's own folders: these are not written. */
  readonly leftAlone: number
  readonly dirs: number
  readonly bytesRestored: number
  /** Of files that were left as they were. */
  readonly bytesSkipped: number
  /** How many entries lack a part of their metadata, by part. */
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
      /** Undefined while it is not known. */
      readonly filesTotal: number | undefined
      /** Written, in files that are not whole yet too. */
      readonly bytesDone: number
      /** Of files that are left as they are. */
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

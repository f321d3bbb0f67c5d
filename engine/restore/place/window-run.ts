/** One window of a restore: the files that are placed together, their plan, and how each is placed. */
import type { NewFile, Target } from "../../target/target.ts"
import type { Repository } from "../../session/repository.ts"
import type { Standing } from "../compare.ts"
import { metadataOf, type DecidedFile } from "../decide.ts"
import type { Flusher } from "../flusher.ts"
import type { PlaceFile } from "./place-jobs.ts"
import type { PlacePool } from "./place-pool.ts"
import type { Plan } from "../plan.ts"
import type { Progress } from "../progress.ts"
import type { RestoreRequest } from "../restore-request.ts"

export interface Window {
  readonly repository: Repository
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
  readonly pool: PlacePool
  readonly flusher: Flusher
  /** Files with several names that some entry has been found equal to: device and inode. */
  readonly sharedInodes: Set<string>
}

/** A file that is to be written, and what is known of it. */
export interface Wanted extends DecidedFile {
  readonly standing: Standing | undefined
  readonly size: number
  readonly own: Uint8Array | undefined
}

/** A file that several jobs write to. */
export interface Shared {
  begun: NewFile | undefined
  jobsLeft: number
  /** Bytes that jobs have written to it. */
  written: number
  failed: boolean
}

export interface WindowRun {
  readonly window: Window
  readonly files: readonly Wanted[]
  readonly plan: Plan
  readonly shared: ReadonlyMap<number, Shared>
}

export function placeFile({ files, shared, window }: WindowRun, position: number, pieces: number): PlaceFile {
  const { path, entry, existing } = files[position] as Wanted
  const { sync, overwrite } = window.request
  return {
    path,
    size: entry.size,
    sparse: entry.sparse,
    metadata: metadataOf(entry),
    replace: overwrite !== "never",
    sync: syncs(sync, existing !== undefined),
    pieces,
    begun: shared.get(position)?.begun ?? null,
  }
}

/** Over an existing file the new bytes are on the disk before they take its name. */
function syncs(sync: RestoreRequest["sync"], replaces: boolean): boolean {
  return sync === "each" || (replaces && sync !== "none")
}

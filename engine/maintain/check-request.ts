/** What a check is asked for, what it tells while it runs, and what it comes to. spec/check.md. */
import type { Digest } from "../base/ids.ts"

export interface CheckRequest {
  /** Fetches and opens whole packs too. */
  readonly readData?: boolean | undefined
  /** With `readData`: only these packs; default all. */
  readonly subset?: Subset | undefined
}

export type Subset =
  /** Of the packs, drawn at random: above 0, at most 1. */
  | { readonly share: number }
  /** Packs drawn at random until they have this many bytes; at least one. */
  | { readonly bytes: number }
  /** Group `part` of `of`, from 1 on. A pack's name decides on its group, so that all parts together are all packs. */
  | { readonly part: number; readonly of: number }

export interface CheckError {
  /** The object's name in the store; "packs" for content that no known pack holds. */
  readonly object: string
  readonly message: string
  /** Snapshots that can't be restored wholly because of it. */
  readonly snapshots: readonly Digest[]
}

/** Worth knowing, and no damage. */
export interface CheckNote {
  readonly object: string
  readonly message: string
}

export interface CheckResult {
  readonly errors: readonly CheckError[]
  readonly notes: readonly CheckNote[]
  readonly snapshots: number
  /** Packs that the log names and that are there, and their bytes. */
  readonly packs: number
  readonly bytes: number
  readonly chunks: number
  /** Packs that were fetched and opened. */
  readonly packsRead: number
  /** Packs that no accepted entry names: of a run at work, or left by one that was stopped. */
  readonly unreferenced: { readonly packs: number; readonly bytes: number }
}

export interface CheckEvent {
  readonly type: "progress"
  readonly bytesDone: number
  /** 0 while no data is read. */
  readonly bytesTotal: number
  /** Snapshots whose structure was verified, and all; 0 while data is read. */
  readonly snapshotsDone: number
  readonly snapshotsTotal: number
  /** What is looked at. */
  readonly current: string
}

export type CheckObserver = (event: CheckEvent) => void

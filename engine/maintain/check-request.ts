/** Request, progress events and result of a check. spec/check.md. */
import type { Digest } from "../base/ids.ts"

export interface CheckRequest {
  /** Also fetches and verifies whole packs. */
  readonly readData?: boolean | undefined
  /** With `readData`: the packs to read. Default: all. */
  readonly subset?: Subset | undefined
}

export type Subset =
  /** Share of the packs, drawn at random: above 0, at most 1. */
  | { readonly share: number }
  /** Packs drawn at random until they reach this size; at least one. */
  | { readonly bytes: number }
  /**
   * Group `part` of `of`, from 1. A pack's name decides its group, so that all parts together are all packs.
   */
  | { readonly part: number; readonly of: number }

export interface CheckError {
  /** The object's name in the store; "packs" for content that no known pack holds. */
  readonly object: string
  readonly message: string
  /** Snapshots that can't be restored completely because of it. */
  readonly snapshots: readonly Digest[]
}

/** An observation that is not damage. */
export interface CheckNote {
  readonly object: string
  readonly message: string
}

export interface CheckResult {
  readonly errors: readonly CheckError[]
  readonly notes: readonly CheckNote[]
  readonly snapshots: number
  /** Stored packs that the log names, and their size. */
  readonly packs: number
  readonly bytes: number
  readonly chunks: number
  /** Packs that were fetched and verified. */
  readonly packsRead: number
  /** Packs that no accepted entry names: from a run in progress or an interrupted one. */
  readonly unreferenced: { readonly packs: number; readonly bytes: number }
}

export interface CheckEvent {
  readonly type: "progress"
  readonly bytesDone: number
  /** 0 while no data is read. */
  readonly bytesTotal: number
  /** Snapshots whose structure was verified, and their total; 0 while data is read. */
  readonly snapshotsDone: number
  readonly snapshotsTotal: number
  /** The object or snapshot being verified. */
  readonly current: string
}

export type CheckObserver = (event: CheckEvent) => void

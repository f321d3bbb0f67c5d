/** The numbers of a run, as in the JSON. */
import type { Cost } from "./measure.ts"

/** One measured command. */
export interface Sample extends Cost {
  readonly peer: string
  /** Repetition, from 0. */
  readonly run: number
  /** The state's label, or one of these. */
  readonly work: string
}

export const NO_CHANGE = "no-change"
export const RESTORE = "restore"
/** A restore without a flush, like every peer's. */
export const UNFLUSHED = "restore unflushed"

/** The repository of one peer in one repetition. */
export interface Stored {
  readonly peer: string
  readonly run: number
  /** After the last state. */
  readonly bytes: number
  readonly objects: number
  /** Added since the first backup. */
  readonly newBytes: number
  readonly newObjects: number
  /** How the restored tree compares with the source: "exact", or counts by kind. */
  readonly restored: string
  /** Disk space of the restored tree, without holes. */
  readonly restoredDiskBytes: number
  /** Store requests of all backups together, if the peer reports them. */
  readonly requests: Readonly<Record<string, number>>
}

export interface ScenarioResult {
  readonly scenario: string
  readonly title: string
  readonly about: string
  readonly sourceBytes: number
  readonly sourceFiles: number
  readonly cold: boolean
  /** States that were run, and that the corpus has: fewer with --quick. */
  readonly states: number
  readonly statesWhole: number
  readonly samples: readonly Sample[]
  readonly stored: readonly Stored[]
}

export interface Machine {
  readonly date: string
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly memoryBytes: number
  readonly kernel: string
  readonly node: string
  /** Load average of the minute before the first command: above a half, times are not to be trusted. */
  readonly loadBefore: number
}

export interface BenchResult {
  readonly machine: Machine
  readonly peers: Readonly<Record<string, string>>
  readonly scenarios: readonly ScenarioResult[]
}

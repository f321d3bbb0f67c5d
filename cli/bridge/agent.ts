/**
 * The bridge's door: the agent of one workspace, with the functions that the command line, the MCP server and the
 * OpenClaw plugin call. All state that two copies of this module in one process share is in `globalThis` and in the
 * home's locks.
 */
import type {
  DiffInput,
  HistoryInput,
  NowInput,
  ReadInput,
  RestoreInput,
  StatusInput,
  SyncDiff,
  SyncHistory,
  SyncNow,
  SyncRead,
  SyncRestore,
  SyncStatus,
} from "./results.ts"
import type { Host, HostSecrets, Settings } from "./setup.ts"

export interface AgentRequest {
  /** Absolute. Undefined: found from `cwd` upward, then from the profile's root. */
  readonly workspace?: string | undefined
  readonly cwd: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly host: Host
  readonly hostSecrets?: HostSecrets | undefined
}

export interface SyncProgress {
  readonly filesDone: number
  readonly filesTotal: number | undefined
  readonly bytesDone: number
  readonly bytesTotal: number | undefined
}

export interface NowCall {
  /** What started it: manual, interval, wrap_up, session_end, before_reset, compaction, start, pre-restore. */
  readonly trigger?: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: SyncProgress) => void
}

/** Whether a plan may be carried out, and who can be asked. */
export interface RestoreCall {
  /** False: the caller has not proved to be the owner; a plan is given or files are staged, never written in place. */
  readonly mayWrite: boolean
  /** Shows the plan to a person and waits for the answer; undefined if nobody can be asked here. */
  readonly ask?: (plan: SyncRestore) => Promise<boolean>
  readonly signal?: AbortSignal
}

export interface Agent {
  readonly workspace: string
  /**
   * The values in force now; undefined while there is no approved configuration. `status` then says why, and each
   * other function fails with that as its AgentProblem. `openAgent` itself never fails for it.
   */
  settings(): Promise<Settings | undefined>
  status(input?: StatusInput): Promise<SyncStatus>
  now(input?: NowInput, call?: NowCall): Promise<SyncNow>
  restore(input: RestoreInput, call: RestoreCall): Promise<SyncRestore>
  history(input?: HistoryInput): Promise<SyncHistory>
  diff(input: DiffInput): Promise<SyncDiff>
  read(input: ReadInput): Promise<SyncRead>
  /** Keeps the interval until `stop`, if no other process keeps it; takes over when that one ends. */
  keepTimer(): { stop(): Promise<void> }
  /** Requests a run soon (debounced); returns at once. Survives a crash as a mark in the home. */
  want(trigger: string): void
}

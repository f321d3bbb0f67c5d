/** The agent that a run is for, and who runs it. */
import type { Host, Setup } from "../setup.ts"

export interface RunContext {
  readonly setup: Setup
  readonly by: Host
  /** Whether a file of the workspace is the host's own template now. */
  readonly isTemplate?: ((path: string, size: number) => boolean) | undefined
  /** Finishes or rolls back an unfinished restore. Called before each backup, with the lock of runs. */
  readonly settle?: (() => Promise<void>) | undefined
}

/**
 * State that all copies of this module in one process share. OpenClaw loads a plugin twice, and again after each
 * change of its configuration, so a variable of a module is not enough: the state is in `globalThis`. Another process
 * is kept apart by the locks of the home.
 */

/** The run that waits for its turn; every call until its scan begins belongs to it. */
export interface WaitingRun {
  readonly triggers: Set<string>
  /** The first one that was given. */
  label: string | undefined
  readonly observers: Set<(event: object) => void>
  /** The newest run that had begun anywhere at the last of its calls. */
  seenRun: number
  /** Ends with the result of the run, or fails with its error. */
  readonly ended: Promise<object>
}

/** The runs of one workspace in this process. */
export interface Line {
  waiting: WaitingRun | undefined
  /** Resolves when the runs so far have ended. */
  tail: Promise<unknown>
}

export interface Shared {
  /** By state folder. */
  readonly lines: Map<string, Line>
  /** Resolves when a repository is free, by its location: two agents of one process take turns. */
  readonly turns: Map<string, Promise<unknown>>
  /** Wishes of hooks that wait for quiet, by state folder. */
  readonly wishes: Map<string, { readonly timer: NodeJS.Timeout; readonly firstMs: number }>
  /** The copy of the module that answers for all. */
  door: { readonly version: string; readonly isAlive: () => boolean; readonly open: unknown } | undefined
}

const KEY = Symbol.for("holdfast.session-sync-cloud")

export function shared(): Shared {
  const all = globalThis as { [key: symbol]: Shared | undefined }
  return (all[KEY] ??= { lines: new Map(), turns: new Map(), wishes: new Map(), door: undefined })
}

/**
 * The bridge's door: the agent of one workspace, with the functions that the command line, the MCP server and the
 * OpenClaw plugin call. All state that two copies of this module in one process share is in `globalThis` and in the
 * home's locks.
 */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { VERSION } from "../../engine/base/version.ts"
import { AgentProblem } from "./problem.ts"
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
  Warning,
} from "./results.ts"
import type { Host, HostSecrets, NotReady, Settings, Setup } from "./setup.ts"
import type { RunContext } from "./run/context.ts"
import type { NowCall, SyncProgress } from "./run/queue.ts"
import type { RestoreCall } from "./recover/restore.ts"
import { shared } from "./run/shared.ts"
import { isUnsettled, settledNotes } from "./recover/unsettled.ts"
import { openTemplates } from "./recover/templates.ts"

export interface AgentRequest {
  /** Absolute. Undefined: found from `cwd` upward, then from the profile's root. */
  readonly workspace?: string | undefined
  readonly cwd: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly host: Host
  readonly hostSecrets?: HostSecrets | undefined
  /** The root of the host's package, for its templates, where the plugin knows it. */
  readonly hostPackage?: string | undefined
  /** Tells a person that backups are stale or fail. Called at most once a day, by the copy that keeps the timer. */
  readonly notify?: ((notice: Warning) => void | Promise<void>) | undefined
}

export type { NowCall, RestoreCall, SyncProgress }

export interface Agent {
  readonly workspace: string
  /**
   * The values in force now; undefined while there is no approved configuration. `status` then says why, and each
   * other function fails with that as its AgentProblem. `openAgent` itself never fails for it.
   */
  settings(): Promise<Settings | undefined>
  status(input?: StatusInput): Promise<SyncStatus>
  now(input?: NowInput, call?: NowCall): Promise<SyncNow>
  /**
   * One pass of a timer that another program keeps, with the trigger "interval" or "cron": backs up if that is due.
   * Undefined: it is not, or the agent is paused.
   */
  pass(input: NowInput, call: NowCall): Promise<SyncNow | undefined>
  restore(input: RestoreInput, call: RestoreCall): Promise<SyncRestore>
  history(input?: HistoryInput): Promise<SyncHistory>
  diff(input: DiffInput): Promise<SyncDiff>
  read(input: ReadInput): Promise<SyncRead>
  /** Keeps the interval until `stop`, if no other process keeps it; takes over when that one ends. */
  keepTimer(how?: KeepTimer): { stop(): Promise<void> }
  /** Requests a run soon (debounced); returns at once. Survives a crash as a mark in the home. */
  want(trigger: string): void
  /** Leaves only the mark of `want`, durable when it resolves: for a host or a daemon that is about to end. */
  mark(trigger: string): Promise<void>
  /** Resolves when the runs that this process has queued have ended, whatever came of them. */
  settled(): Promise<void>
  /** The timer starts no run until `resume`, or for `forMs` milliseconds. `now` still runs. */
  pause(forMs?: number): Promise<void>
  resume(): Promise<void>
  /** Makes a signed snapshot that declares a flagged one good. `snapshot`: an id, or its first digits. */
  accept(snapshot: string): Promise<SyncNow>
}

export interface KeepTimer {
  /** The timer keeps this process alive. Default false. */
  readonly keepsProcess?: boolean
}

type Open = typeof openHere

/**
 * Opens the agent of a workspace. Two copies of this module in one process share one of them: two copies of SQLite in
 * a process release each other's locks.
 */
export async function openAgent(request: AgentRequest): Promise<Agent> {
  const all = shared()
  if (all.door?.version !== VERSION || !all.door.isAlive())
    all.door = { version: VERSION, isAlive: () => existsSync(HERE), open: openHere }
  return await (all.door.open as Open)(request)
}

/** A host may remove the copy of a plugin that it has replaced. */
const HERE = fileURLToPath(import.meta.url)

async function openHere(request: AgentRequest): Promise<Agent> {
  const found = await findSetup(request)
  const { workspace } = found
  let opened: typeof found | undefined = found // the first question needs no second look
  const again: AgentRequest = { ...request, workspace }
  const setup = async (): Promise<Setup> => {
    const now = ready(await findSetup(again))
    await settle(now)
    return withNotes(now)
  }
  const context = async (): Promise<RunContext> => agentContext(await setup(), request)
  return {
    workspace,
    async settings() {
      const now = opened ?? (await findSetup(again))
      opened = undefined
      return "state" in now ? undefined : now.settings
    },
    async status({ verbose = false } = {}) {
      const { statusNotReady, statusOf } = await import("./run/status.ts")
      const now = await findSetup(again)
      if ("state" in now) return statusNotReady(now)
      const problem = await settle(now).catch(warningOf) // the status is given in any case
      return await statusOf(withNotes(now, problem), { environment: request.environment, verbose })
    },
    ...runs({ request, context, setup, unsettled: async () => await unsettled(again) }),
    ...recovery({ request, context, setup }),
  }
}

/** For the timer: its runs settle themselves, and record it if that fails. */
async function unsettled(request: AgentRequest): Promise<RunContext | undefined> {
  const found = await findSetup(request)
  return "state" in found ? undefined : agentContext(found, request)
}

async function findSetup(request: AgentRequest): Promise<Setup | NotReady> {
  const { openSetup } = await import("./config/open-setup.ts")
  return await openSetup({ ...request, prefersApproved: request.host === "mcp" })
}

function ready(found: Setup | NotReady): Setup {
  if (!("state" in found)) return found
  const { code, message, hint } = found.problem
  throw new AgentProblem(code, message, hint)
}

/** What a run or a restore of this set-up needs to know beside it. */
export function agentContext(
  setup: Setup,
  { host, environment, hostPackage }: Pick<AgentRequest, "host" | "environment" | "hostPackage">,
): RunContext {
  const { workspace, settings } = setup
  return {
    setup,
    by: host,
    isTemplate: openTemplates({ workspace, profile: settings.profile, environment, hostPackage }),
    settle: async () => {
      if (!isUnsettled(setup)) return
      const { settleHeld } = await import("./recover/journal.ts")
      await settleHeld(setup)
    },
  }
}

/** Finishes or rolls back what a killed restore left, before anything else. */
async function settle(setup: Setup): Promise<undefined> {
  if (!isUnsettled(setup)) return undefined
  const { settleRestore } = await import("./recover/journal.ts")
  await settleRestore(setup)
  return undefined
}

async function warningOf(error: unknown): Promise<Warning> {
  return (await import("./run/problems.ts")).problemOf(error)
}

/** With what the last settle has found. */
function withNotes(setup: Setup, problem?: Warning): Setup {
  const notes = [...settledNotes(setup), ...(problem === undefined ? [] : [problem])]
  return notes.length === 0 ? setup : { ...setup, warnings: [...setup.warnings, ...notes] }
}

interface RunParts extends Parts {
  /** Undefined while there is no approved configuration. */
  readonly unsettled: () => Promise<RunContext | undefined>
}

interface Parts {
  readonly request: AgentRequest
  readonly context: () => Promise<RunContext>
  readonly setup: () => Promise<Setup>
}

type Runs = Pick<
  Agent,
  "now" | "pass" | "keepTimer" | "want" | "mark" | "settled" | "pause" | "resume" | "accept"
>

/** Codes of warnings that the configuration in the workspace has no effect. */
const NO_EFFECT = [
  "config-missing",
  "config-unreadable",
  "config-invalid",
  "literal-secret",
  "command-reference",
]

/** The caller may have changed the configuration, and must not think that the backup followed it. */
function withWaiting(now: SyncNow, { waiting, warnings }: Setup): SyncNow {
  const found = [...waiting, ...warnings.filter(({ code }) => NO_EFFECT.includes(code))]
  return found.length === 0 ? now : { ...now, warnings: [...found, ...now.warnings] }
}

function runs({ request, context, setup, unsettled }: RunParts): Runs {
  return {
    async now(input = {}, call = {}) {
      const { requestRun, callOf } = await import("./run/queue.ts")
      const found = await context()
      return withWaiting(await requestRun(found, callOf(input, call)), found.setup)
    },
    async pass(input, call) {
      const { passOnce } = await import("./run/keep.ts")
      const { callOf } = await import("./run/queue.ts")
      const found = await context()
      const result = await passOnce(found, callOf(input, call))
      return result && withWaiting(result, found.setup)
    },
    keepTimer({ keepsProcess = false } = {}) {
      const timer = import("./run/keep.ts").then(({ keepInterval }) =>
        keepInterval({ host: request.host, notify: request.notify, context: unsettled, keepsProcess }),
      )
      return { stop: async () => (await timer).stop() }
    },
    want(trigger) {
      // a home that can't be used now is reported by the next run
      void import("./run/keep.ts")
        .then(async ({ wantRun }) => await wantRun(unsettled, trigger))
        .catch(() => {})
    },
    async mark(trigger) {
      ;(await import("./run/keep.ts")).markWanted(await setup(), trigger)
    },
    async settled() {
      const { queueIdle } = await import("./run/queue.ts")
      await queueIdle(await setup())
    },
    async pause(forMs) {
      ;(await import("./run/pause.ts")).pause(await setup(), forMs)
    },
    async resume() {
      ;(await import("./run/pause.ts")).resume(await setup())
    },
    async accept(snapshot) {
      const { acceptSnapshot } = await import("./run/accept.ts")
      const found = await context()
      return withWaiting(await acceptSnapshot(found, snapshot), found.setup)
    },
  }
}

type Recovery = Pick<Agent, "restore" | "history" | "diff" | "read">

function recovery({ context, setup }: Parts): Recovery {
  return {
    async restore(input, call) {
      const { restoreAgent } = await import("./recover/restore.ts")
      return await restoreAgent(await context(), input, call)
    },
    async history(input = {}) {
      const { historyOf } = await import("./recover/look.ts")
      return await historyOf(await setup(), input)
    },
    async diff(input) {
      const { diffOf } = await import("./recover/look.ts")
      return await diffOf(await setup(), input)
    },
    async read(input) {
      const { readFrom } = await import("./recover/look.ts")
      return await readFrom(await setup(), input)
    },
  }
}

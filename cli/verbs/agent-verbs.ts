/** The verbs of the agent bridge: set-up, runs, restores, the MCP server and schedules. */
import type { Verb } from "./verb.ts"

const SET_UP: readonly Verb[] = []

const RUNS: readonly Verb[] = []

const RECOVERY: readonly Verb[] = []

const SERVICES: readonly Verb[] = []

export const AGENT_VERBS: readonly Verb[] = [...SET_UP, ...RUNS, ...RECOVERY, ...SERVICES]

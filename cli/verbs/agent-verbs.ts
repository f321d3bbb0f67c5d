/** The verbs of the agent bridge: set-up, runs, restores, the MCP server and schedules. */
import { SCHEDULE_VERBS } from "./schedule-verbs.ts"
import type { Flag, Verb } from "./verb.ts"

const SET_UP: readonly Verb[] = []

const WORKSPACE: Flag = {
  name: "workspace",
  value: "DIR",
  text: "the agent's workspace (default: the nearest folder upward with a session-sync-config.json, then the host's own)",
}

const RUNS: readonly Verb[] = [
  {
    name: "agent sync",
    summary: "back up an agent's memory now",
    details: [
      "Backs up the agent's workspace as its configuration says, and does nothing if nothing has changed. If a backup of the agent is about to start in another process, the command joins it.",
      "A snapshot in which much of the memory is missing is flagged as a suspected wipe. `holdfast agent restore latest` then takes the last good one.",
    ],
    arguments: [],
    flags: [
      WORKSPACE,
      { name: "reason", value: "TEXT", text: "why: manual, wrap_up, before_risky_change, or your own words" },
      { name: "label", value: "TEXT", text: "a note that is stored with the snapshot" },
      {
        name: "trigger",
        value: "NAME",
        text: "what started it, for hooks and schedules: session_end, cron, …",
      },
      { name: "no-wait", text: "report that the backup is queued, then finish it before the command ends" },
    ],
    examples: [
      { line: "holdfast agent sync", does: "back up now" },
      { line: "holdfast agent sync --quiet --trigger cron", does: "for cron: print only problems" },
    ],
  },
  {
    name: "agent status",
    summary: "show the state of an agent's backups",
    details: [
      "Reads local files only. With --verbose it also lists the snapshots in the store.",
      "The exit code is 0 if backups are in order, 1 if they are stale or fail, and 2 without an approved configuration.",
    ],
    arguments: [],
    flags: [WORKSPACE],
    examples: [
      { line: "holdfast agent status", does: "show the last backup, the timer and the newest snapshots" },
      { line: "holdfast agent status --json", does: "print the same as one JSON object" },
    ],
  },
  {
    name: "agent run",
    summary: "keep an agent's backup interval until stopped",
    details: [
      "Backs up at the interval of the configuration, 15 minutes by default, until SIGTERM or SIGINT. If the OpenClaw plugin or an MCP server keeps the interval already, the command waits and takes over when that one ends.",
      "`holdfast schedule install` starts it with the session.",
    ],
    arguments: [],
    flags: [WORKSPACE, { name: "once", text: "back up once and end" }],
    examples: [
      { line: "holdfast agent run", does: "back up every 15 minutes" },
      { line: "holdfast agent run --once", does: "back up once" },
    ],
  },
  {
    name: "agent pause",
    summary: "stop an agent's timed backups for a while",
    details: ["The timer starts no backup until `holdfast agent resume`. `holdfast agent sync` still works."],
    arguments: [],
    flags: [WORKSPACE, { name: "for", value: "TIME", text: "resume by itself after 30m, 2h or 1d" }],
    examples: [
      { line: "holdfast agent pause", does: "pause until resume" },
      { line: "holdfast agent pause --for 2h", does: "pause for two hours" },
    ],
  },
  {
    name: "agent resume",
    summary: "start an agent's timed backups again",
    details: ["Ends `holdfast agent pause`. An overdue backup starts within a minute."],
    arguments: [],
    flags: [WORKSPACE],
    examples: [
      { line: "holdfast agent resume", does: "start the timer again" },
      { line: "holdfast agent resume --workspace ~/.claude", does: "of another agent" },
    ],
  },
  {
    name: "agent accept",
    summary: "accept a snapshot that was flagged as a suspected wipe",
    details: [
      "Makes a signed snapshot that declares the flagged one good. `latest` then means it, on every device.",
    ],
    arguments: [{ name: "snapshot", required: true, completes: "snapshots" }],
    flags: [WORKSPACE],
    examples: [
      { line: "holdfast agent accept 3f2a91c4", does: "the files were removed on purpose" },
      { line: "holdfast agent accept 3f2a91c4 --json", does: "print the new snapshot as a JSON object" },
    ],
  },
]

const RECOVERY: readonly Verb[] = []

const SERVICES: readonly Verb[] = [
  {
    name: "mcp",
    summary: "serve backup tools to an agent over MCP",
    details: [
      "Started by an MCP client such as Claude Code, Codex or Gemini CLI. It serves the tools sync_status, sync_now and sync_restore on standard input and output, and backs the workspace up every few minutes while the client runs.",
      "Without a configuration it starts as well, and its tools answer with the command to type.",
    ],
    arguments: [],
    flags: [
      {
        name: "workspace",
        value: "DIR",
        text: "the agent's workspace (default: the nearest folder upward with a session-sync-config.json)",
      },
    ],
    examples: [
      { line: "holdfast mcp --workspace ~/.openclaw/workspace", does: "serve the tools of this workspace" },
      {
        line: "claude mcp add holdfast -- holdfast mcp --workspace ~/.claude",
        does: "let Claude Code start it",
      },
    ],
  },
]

export const AGENT_VERBS: readonly Verb[] = [...SET_UP, ...RUNS, ...RECOVERY, ...SERVICES, ...SCHEDULE_VERBS]

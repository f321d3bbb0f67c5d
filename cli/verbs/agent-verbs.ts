/** The verbs of the agent bridge: set-up, runs, restores, the MCP server and schedules. */
import { SCHEDULE_VERBS } from "./schedule-verbs.ts"
import { RECOVERY_READ, RECOVERY_WRITE, WORKSPACE, YES } from "./flags.ts"
import type { Flag, Verb } from "./verb.ts"

const ROLE: Flag = {
  name: "role",
  value: "ROLE",
  choices: ["full", "writer"],
  text: "writer: another device removes old snapshots (default: full)",
}

const SET_UP: readonly Verb[] = [
  {
    name: "agent init",
    summary: "protect an agent's workspace",
    details: [
      "Finds out which host the workspace belongs to, proposes what to back up, creates the repository or connects to it, and writes session-sync-config.json. You see everything before it is done.",
      "Without -r the repository is the folder holdfast-backups in your home. All your agents can use it.",
      "24 recovery words are shown once, or written to a sheet that only you can read. They open the repository if this machine is lost.",
      "If the file is there, it is approved as it is. Later changes of it need `holdfast agent trust`. You can run the command again at any time: it continues where it was.",
      "The repository has format 0. It will have to be made again when the format changes.",
    ],
    arguments: [],
    flags: [
      WORKSPACE,
      {
        name: "profile",
        value: "NAME",
        choices: [
          "openclaw-memory",
          "openclaw-sessions",
          "openclaw-full",
          "claude-code",
          "codex",
          "gemini-cli",
          "custom",
        ],
        text: "what to back up (default: by the host)",
      },
      { name: "agent", value: "ID", text: "the agent's id at its host (default: main)" },
      { name: "without-auth", text: "leave the host's credentials out (auth profiles)" },
      ROLE,
      ...RECOVERY_WRITE,
      { name: "confirm-words", text: "confirm that you have the recovery words" },
      YES,
    ],
    examples: [
      { line: "holdfast agent init --workspace ~/.openclaw/workspace", does: "asks what it needs to know" },
      {
        line: "holdfast agent init --yes -r s3://bucket/nero --region eu-west-1 --credentials file:keys",
        does: "for a script: the words are written to a sheet in your home",
      },
    ],
  },
  {
    name: "agent import",
    summary: "move secrets out of an agent's configuration",
    details: [
      "Moves the secrets of session-sync-config.json to files that only you can read, or to the keychain, and writes references in their place. Comments and order of the file stay.",
      "Then it does what `holdfast agent init` does. Replace the cloud key at your provider afterwards: the old one was readable in the workspace.",
    ],
    arguments: [],
    flags: [
      WORKSPACE,
      { name: "keychain", text: "keep the secrets in the system's keychain" },
      ROLE,
      ...RECOVERY_WRITE,
      YES,
    ],
    examples: [
      { line: "holdfast agent import --workspace ~/.openclaw/workspace", does: "keep them in private files" },
      { line: "holdfast agent import --keychain", does: "keep them in GNOME Keyring, KWallet or macOS" },
    ],
  },
  {
    name: "agent trust",
    summary: "approve changes of an agent's configuration",
    details: [
      "Shows what has changed in session-sync-config.json since it was approved, and asks. The agent can write that file, so a change of the destination, of a secret's reference or of anything that protects less has no effect before.",
      "The question needs a terminal. A script can only look, with --show.",
    ],
    arguments: [],
    flags: [WORKSPACE, { name: "show", text: "print the changes; approve nothing" }],
    examples: [
      { line: "holdfast agent trust", does: "show the changes and ask" },
      { line: "holdfast agent trust --show --json", does: "print them for a program" },
    ],
  },
  {
    name: "agent remove",
    summary: "end an agent's protection on this machine",
    details: [
      "Removes this machine's approval and state of the workspace. The repository, its snapshots, the keys, and your files stay.",
    ],
    arguments: [],
    flags: [WORKSPACE, YES],
    examples: [
      { line: "holdfast agent remove --workspace ~/.openclaw/workspace", does: "asks first" },
      { line: "holdfast agent remove --yes", does: "doesn't ask" },
    ],
  },
  {
    name: "agent doctor",
    summary: "look for problems of an agent's protection",
    details: [
      "Reports what is wrong with the configuration, its secrets, the recovery words, the store, and the host, and what to do about it. Changes nothing.",
    ],
    arguments: [],
    flags: [WORKSPACE],
    examples: [
      { line: "holdfast agent doctor", does: "check everything, also the store" },
      { line: "holdfast agent doctor --json", does: "one line for each finding" },
    ],
  },
]

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
      "The exit code is 0 for the states ok, running and paused, 1 for stale, degraded and failing, and 2 for unconfigured and needs_approval.",
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
      "`holdfast schedule install` starts it with the session. With --once it makes one pass of the timer: it backs up if that is due or was requested, and does nothing while paused, before the interval is over, or too soon after a failure. `holdfast agent sync` always backs up.",
    ],
    arguments: [],
    flags: [WORKSPACE, { name: "once", text: "back up if that is due, and end" }],
    examples: [
      { line: "holdfast agent run", does: "back up every 15 minutes" },
      { line: "holdfast agent run --once", does: "for a scheduler of your own: back up if that is due" },
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

const RECOVERY: readonly Verb[] = [
  {
    name: "agent restore",
    summary: "restore an agent's workspace, also on a new machine",
    details: [
      "Shows what would be created and overwritten, asks, and restores in place: whole, or not at all. Files that the snapshot does not have are left. Before that, a snapshot of the workspace is made; `holdfast agent restore undo` goes back to it.",
      "TIMESTAMP is latest (the default: the newest good snapshot), undo, a time with a zone such as 2026-12-01T13:45:00Z, or a snapshot ID. `holdfast agent status` lists the newest.",
      "Databases and the host's own folder are restored too, unless --path is used. Their program must be stopped: for OpenClaw, run `openclaw gateway stop` first.",
      "On a new machine, name the repository with -r. The command shows where it connects to before it asks for the passphrase, the key file or the recovery words. Then it shows the configuration from the backup. It is approved only by a person on the terminal, or by --accept-config with the digest that a first run has printed. --yes does not approve it.",
    ],
    arguments: [{ name: "timestamp", completes: "snapshots" }],
    flags: [
      WORKSPACE,
      { name: "path", value: "PATH", many: true, text: "only this file or folder of the workspace" },
      {
        name: "mode",
        value: "HOW",
        choices: ["auto", "preview", "staged", "in_place"],
        text: "preview: only show the plan. staged: restore into a private folder beside, for a look",
      },
      YES,
      { name: "agent", value: "ID", text: "on a new machine: which agent of the repository" },
      {
        name: "accept-config",
        value: "SHA256",
        text: "on a new machine: approve the configuration with this digest",
      },
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast agent restore latest", does: "show the plan, ask, and restore" },
      { line: "holdfast agent restore undo", does: "take the last restore back" },
      {
        line: "holdfast agent restore latest --workspace ~/.openclaw/workspace -r s3://bucket/agents",
        does: "on a new machine",
      },
    ],
  },
]

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
      WORKSPACE,
      {
        name: "print-config",
        value: "HOST",
        choices: ["claude", "codex", "gemini", "json"],
        text: "print what to add to this host's configuration, with absolute paths, and end",
      },
    ],
    examples: [
      { line: "holdfast mcp --workspace ~/.openclaw/workspace", does: "serve the tools of this workspace" },
      {
        line: "holdfast mcp --print-config codex >> ~/.codex/config.toml",
        does: "let Codex start it",
      },
    ],
  },
  {
    name: "agent plugin",
    summary: "write a plugin with the backup tools for an agent's host",
    details: [
      "Writes a folder that Claude Code, Codex or Gemini CLI installs: the MCP server, the skill that says when to back up and, for Claude Code and Codex, hooks that back up when a session ends. The folder starts this program by its absolute path, so it is for this machine.",
      "OpenClaw has a plugin of its own.",
    ],
    arguments: [
      { name: "host", required: true },
      { name: "folder", required: true, completes: "files" },
    ],
    flags: [WORKSPACE],
    examples: [
      { line: "holdfast agent plugin claude ~/holdfast-plugin", does: "for Claude Code, or codex for Codex" },
      { line: "holdfast agent plugin gemini ~/holdfast-gemini", does: "for Gemini CLI" },
    ],
  },
]

export const AGENT_VERBS: readonly Verb[] = [...SET_UP, ...RUNS, ...RECOVERY, ...SERVICES, ...SCHEDULE_VERBS]

/**
 * What each host keeps where, as data: the folders, the files that are its memory, and what stays out of a backup.
 * These layouts are no contract of the hosts; each was read from a real install of the version named here. Patterns
 * are gitignore's, relative to their root. spec/agent.md.
 */
import type { Memory, ProfileName } from "../setup.ts"

/** Grows with every change of the table, and is reported with problems. */
export const PROFILES_VERSION = 1

export interface RootRules {
  /** Empty: everything. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

export interface Profile {
  readonly title: string
  /** The host and the version whose layout this is. */
  readonly host: "openclaw" | "claude-code" | "codex" | "gemini-cli" | undefined
  readonly seenIn: string
  readonly workspace: RootRules
  /** The host's own folder; `AGENT` is replaced by the agent's id. */
  readonly state?: RootRules
  readonly memory: Memory
  readonly sqlite: boolean
  /** Tables with credentials, emptied in copies if `without_auth` is set. */
  readonly secretTables: readonly string[]
  /** Left out too, of the state folder, if `without_auth` is set. */
  readonly secretPaths: readonly string[]
  readonly appended: readonly string[]
}

/** A pattern's letters in either case: `*.PEM` holds what `*.pem` does. */
function anyCase(pattern: string): string {
  return pattern.replaceAll(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
}

/** Files that usually hold a secret. They are left out of every profile; a user can name others. */
const KEYS: readonly string[] = [
  ".env*",
  "*.env",
  "*.key",
  "*.pem",
  "*.p12",
  "*.pfx",
  "*.kdbx",
  "id_rsa*",
  "id_dsa*",
  "id_ecdsa*",
  "id_ed25519*",
  ".ssh/",
  ".aws/",
  ".gnupg/",
  ".netrc",
  ".pgpass",
  ".git-credentials",
  ".npmrc",
  "auth.json",
  ".credentials.json",
  "oauth_creds.json",
].map(anyCase)

/** Rebuilt by programs, or meaningless elsewhere. */
const REBUILT: readonly string[] = [
  ".git/",
  "node_modules/",
  "__pycache__/",
  ".venv/",
  ".cache/",
  "*.sock",
  "*.pid",
  ".DS_Store",
]

/** What this program writes into a workspace. A user's `memory/sync-meeting.md` is not ours. */
export const OWN_FILES: readonly string[] = [
  "/memory/sync-log.jsonl",
  "/memory/sync-log.[0-9].jsonl",
  "/memory/sync-log.[0-9][0-9].jsonl",
  "/memory/sync-dashboard.html",
]

const WORKSPACE_EXCLUDE: readonly string[] = [...KEYS, ...REBUILT, ...OWN_FILES]

const CONFIG_FILE = "/session-sync-config.json"

const OPENCLAW_MEMORY: RootRules = {
  include: ["/*.md", "/memory/", "/skills/", "/.agents/skills/", CONFIG_FILE],
  exclude: WORKSPACE_EXCLUDE,
}

const OPENCLAW_FILES: Memory = {
  files: ["*.md", "memory/**/*.md", "skills/**/*.md", ".agents/skills/**/*.md"],
  core: ["MEMORY.md", "USER.md", "SOUL.md", "IDENTITY.md", "AGENTS.md"],
}

/** Of the state folder, in every profile. */
const OPENCLAW_STATE_EXCLUDE: readonly string[] = [
  "cache/",
  "/tmp/",
  "/npm/",
  "/git/",
  "/dev/",
  "/tools/",
  "logs/",
  "/sandboxes/",
  "sandbox/skills-workspaces/",
  "plugin-skills/",
  "*.update-captures/",
  "node_modules/",
  ".git/",
  "*.sock",
  "*.pid",
  "*.tmp",
  "*.lock",
  "Singleton*",
  "*.generation-lock.sqlite*",
  "*.generation-writer.sqlite*",
  "*.reindex-lock.sqlite*",
  "openclaw-quarantine.sqlite*",
  "openclaw.json.bak*",
  "openclaw.json.last-good",
]

const OPENCLAW_SESSIONS_STATE: RootRules = {
  include: ["/agents/AGENT/agent/", "/agents/AGENT/sessions/", "/skills/"],
  exclude: [...KEYS, ...OPENCLAW_STATE_EXCLUDE],
}

/** From the host's own backup with --exclude-secrets (docs/cli/backup.md). */
const OPENCLAW_AGENT_TABLES: readonly string[] = [
  "auth_profile_state",
  "auth_profile_store",
  "session_suggestions",
]
const OPENCLAW_SHARED_TABLES: readonly string[] = [
  "audit_identity_keys",
  "apns_registrations",
  "channel_ingress_events",
  "channel_pairing_requests",
  "clawhub_promotion_claims",
  "config_revision_keys",
  "device_auth_tokens",
  "device_bootstrap_tokens",
  "device_identities",
  "device_pairing_join_codes",
  "device_pairing_paired",
  "gateway_origin_device_tokens",
  "mcp_oauth_pending_authorizations",
  "mcp_oauth_stores",
  "native_hook_relay_bridges",
  "secret_store_entries",
  "web_push_subscriptions",
  "worker_environment_credentials",
  // the host leaves out only some rows of it; their keys can't be told apart here
  "config_machine_state",
]

/** What earlier versions kept in files, and providers' settings, which may have API keys. */
const OPENCLAW_SECRET_FILES: readonly string[] = [
  // copies that a repair or a person has left; their tables can't be emptied
  "*.sqlite.*",
  "auth-profiles.json*",
  "auth-state.json*",
  "auth.json",
  "/agents/*/agent/models.json",
]

const OPENCLAW = {
  host: "openclaw",
  seenIn: "OpenClaw 2026.9.6",
  memory: OPENCLAW_FILES,
  secretPaths: OPENCLAW_SECRET_FILES,
  appended: [".jsonl"],
} as const

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  "openclaw-memory": {
    ...OPENCLAW,
    title: "memory files and skills of an OpenClaw agent",
    workspace: OPENCLAW_MEMORY,
    sqlite: false,
    secretTables: [],
  },
  "openclaw-sessions": {
    ...OPENCLAW,
    title: "memory files, skills and conversations of an OpenClaw agent",
    workspace: OPENCLAW_MEMORY,
    state: OPENCLAW_SESSIONS_STATE,
    sqlite: true,
    secretTables: OPENCLAW_AGENT_TABLES,
  },
  "openclaw-full": {
    ...OPENCLAW,
    title: "the whole workspace of an OpenClaw agent, its conversations and the host's own state",
    workspace: { include: [], exclude: WORKSPACE_EXCLUDE },
    state: {
      include: [
        ...OPENCLAW_SESSIONS_STATE.include,
        "/agents/AGENT/",
        "/state/openclaw.sqlite",
        "/openclaw.json",
        "/credentials/",
        "/extensions/",
      ],
      exclude: OPENCLAW_STATE_EXCLUDE,
    },
    sqlite: true,
    secretTables: [...OPENCLAW_AGENT_TABLES, ...OPENCLAW_SHARED_TABLES],
    secretPaths: [...KEYS, ...OPENCLAW_SECRET_FILES, "/credentials/", "/openclaw.json"],
  },
  "claude-code": {
    host: "claude-code",
    seenIn: "Claude Code 2.1.332",
    title: "memory, sessions and settings of Claude Code",
    workspace: {
      include: [
        "/CLAUDE.md",
        "/projects/",
        "/rules/",
        "/agents/",
        "/skills/",
        "/commands/",
        "/output-styles/",
        "/plans/",
        "/todos/",
        "/file-history/",
        "/history.jsonl",
        "/settings.json",
        "/settings.local.json",
        "/keybindings.json",
        CONFIG_FILE,
      ],
      exclude: [...WORKSPACE_EXCLUDE, "/debug/", "/shell-snapshots/", "/telemetry/", "/statsig/"],
    },
    memory: {
      files: [
        "CLAUDE.md",
        "projects/*/memory/**/*.md",
        "rules/**/*.md",
        "agents/**/*.md",
        "skills/**/*.md",
        "commands/**/*.md",
      ],
      core: ["CLAUDE.md"],
    },
    sqlite: false,
    secretTables: [],
    secretPaths: [],
    appended: [".jsonl"],
  },
  codex: {
    host: "codex",
    seenIn: "Codex CLI of November 2026",
    title: "memory, sessions and settings of Codex CLI",
    workspace: {
      include: [
        "/AGENTS.md",
        "/AGENTS.override.md",
        "/memories/",
        "/memories*.sqlite",
        "/sessions/",
        "/archived_sessions/",
        "/history.jsonl",
        "/session_index.jsonl",
        "/prompts/",
        "/skills/",
        "/rules/",
        "/config.toml",
        CONFIG_FILE,
      ],
      exclude: WORKSPACE_EXCLUDE,
    },
    memory: { files: ["AGENTS.md", "memories/**/*.md", "skills/**/*.md"], core: ["AGENTS.md"] },
    sqlite: true,
    secretTables: [],
    secretPaths: [],
    appended: [".jsonl"],
  },
  "gemini-cli": {
    host: "gemini-cli",
    seenIn: "Gemini CLI of November 2026",
    title: "memory, sessions and settings of Gemini CLI",
    workspace: {
      include: [
        "/GEMINI.md",
        "/tmp/*/chats/",
        "/tmp/*/logs.json",
        "/tmp/*/checkpoints/",
        "/data/*/chats/",
        "/commands/",
        "/skills/",
        "/agents/",
        "/settings.json",
        CONFIG_FILE,
      ],
      exclude: WORKSPACE_EXCLUDE,
    },
    memory: { files: ["GEMINI.md", "skills/**/*.md", "commands/**/*.toml"], core: ["GEMINI.md"] },
    sqlite: false,
    secretTables: [],
    secretPaths: [],
    appended: [".jsonl"],
  },
  custom: {
    host: undefined,
    seenIn: "",
    title: "a folder of your own",
    workspace: { include: [], exclude: WORKSPACE_EXCLUDE },
    memory: { files: ["**/*.md"], core: ["MEMORY.md", "AGENTS.md", "CLAUDE.md", "GEMINI.md"] },
    sqlite: true,
    secretTables: [],
    secretPaths: [],
    appended: [".jsonl"],
  },
}

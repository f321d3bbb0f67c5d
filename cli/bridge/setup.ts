/**
 * The set-up of one agent: what the configuration, the approval and the profile of a workspace come to. Every part
 * of the bridge works from this record; config/open-setup.ts makes it. It holds references to secrets, never a
 * secret. spec/agent.md.
 */
import type { Home, Repository } from "../../engine/index.ts"
import type { Warning } from "./results.ts"

export type ProfileName =
  | "openclaw-memory"
  | "openclaw-sessions"
  | "openclaw-full"
  | "claude-code"
  | "codex"
  | "gemini-cli"
  | "custom"

/** A folder that is backed up, and its name in the snapshot: "workspace", or "state" for the host's own folder. */
export interface AgentRoot {
  readonly name: "workspace" | "state"
  /** Absolute, all links resolved. */
  readonly path: string
  /** gitignore patterns relative to the root; only what they match is kept. Empty: everything. */
  readonly include: readonly string[]
  /** gitignore patterns relative to the root; stronger than `include`. */
  readonly exclude: readonly string[]
}

/** How the host's files are read while it writes them; for the engine's `capture`. */
export interface CaptureRules {
  /** Live SQLite databases are copied by the online backup. */
  readonly sqlite: boolean
  /** Tables that are emptied in the copy: they hold credentials that the profile leaves out. */
  readonly emptyTables: readonly string[]
  /** Ends of the names of files that are only appended to: [".jsonl"]. */
  readonly appended: readonly string[]
}

/** What the wipe alarm watches; paths and globs relative to the workspace. */
export interface Memory {
  readonly files: readonly string[]
  /** If one of these is missing or shrinks below a tenth, that alone is suspect. */
  readonly core: readonly string[]
}

export interface Destination {
  readonly kind: "folder" | "s3"
  /** As `-r` takes it. */
  readonly location: string
  readonly endpoint: string | undefined
  readonly region: string | undefined
  /** A reference to the store's credentials; undefined: the AWS default chain, or none is needed. */
  readonly credentialsFrom: string | undefined
  /** For people: provider, bucket and prefix, without credentials. */
  readonly displayName: string
}

/** The effective values: those approved on this machine, with later changes that need no approval. */
export interface Settings {
  readonly profile: ProfileName
  readonly agentId: string
  /** 16 hex digits. */
  readonly workspaceId: string
  readonly intervalMinutes: number
  readonly retentionDays: number
  readonly secretsScan: "warn" | "block" | "off"
  readonly triggers: {
    /** Names of slash commands, without the slash: ["wrap_up", "wrapup"]. */
    readonly commands: readonly string[]
    readonly sessionEnd: boolean
    readonly beforeReset: boolean
    readonly compaction: boolean
  }
  /** sync_history, sync_diff, sync_read and resources with content. */
  readonly extraTools: boolean
  readonly notifyCommand: string | undefined
}

export interface Setup {
  /** Absolute, all links resolved. */
  readonly workspace: string
  /** Path of its session-sync-config.json, whether it exists or not. */
  readonly configPath: string
  readonly settings: Settings
  readonly destination: Destination
  /**
   * Names of the environment's variables in which the store's credentials are; null: where the AWS tools look. A
   * service has no variable of a shell.
   */
  readonly storeVariables: readonly string[] | null
  /** profile/agentId/workspaceId */
  readonly series: string
  /** The host's own folder first: its databases are read before the files of the workspace. */
  readonly roots: readonly AgentRoot[]
  readonly memory: Memory
  readonly capture: CaptureRules
  readonly home: Home
  /** 0700, of this workspace on this machine: approval, runs, journal, locks. Exists. */
  readonly stateFolder: string
  /** Changes of the configuration that wait for approval; the old values stay in force. */
  readonly waiting: readonly Warning[]
  readonly warnings: readonly Warning[]
  /** Opens the repository with this device's own keys. Makes no repository and needs no secret if this device is enrolled. */
  openRepository(): Promise<Repository>
}

/** There is nothing to work with yet: no configuration, one that is not valid, or one never approved here. */
export interface NotReady {
  readonly state: "unconfigured" | "needs_approval"
  readonly workspace: string
  readonly problem: Warning
}

/** Secrets that the host has resolved: the fields of the plugin's own configuration. They win over references. */
export interface HostSecrets {
  readonly keyId?: string | undefined
  readonly secretKey?: string | undefined
  readonly encryptionKey?: string | undefined
}

/** Who asks. */
export type Host = "cli" | "mcp" | "plugin" | "daemon"

/**
 * An agent for a test: a workspace with memory, a folder repository, and the set-up that the configuration would come
 * to, made by hand. Everything is real, and removed when the test ends. Tests only.
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { TestContext } from "node:test"
import { approve, proposeApproval } from "../bridge/config/approve.ts"
import type { Setup } from "../bridge/setup.ts"
import {
  createRepository,
  makePrivateFolder,
  openHome,
  openRepository,
  openStore,
  type Home,
  type Repository,
} from "../../engine/index.ts"

export interface AgentPlace {
  readonly folder: string
  readonly workspace: string
  readonly repository: string
  readonly setup: Setup
  /** For `openAgent` and for processes: the home, and nothing of the developer's. */
  readonly environment: Readonly<Record<string, string>>
  /** Writes a configuration of this repository and approves it, as `agent init` does. */
  configure(config?: object): Promise<void>
  /** Writes a file of the workspace; its folders are made. */
  write(path: string, content: string | Uint8Array): void
  open(): Promise<Repository>
}

/** 32 bytes, fixed: these repositories protect nothing. */
const KEY = { kind: "key" as const, bytes: new Uint8Array(32).fill(7) }

const CORE = ["MEMORY.md", "SOUL.md"]

export async function agentPlace(t: TestContext, changes: Partial<Setup> = {}): Promise<AgentPlace> {
  const folder = realpathSync(mkdtempSync(join(fastFolder(), "holdfast-agent-")))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const environment = { HOME: folder, HOLDFAST_HOME: join(folder, "home") }
  const [workspace, location] = [join(folder, "workspace"), join(folder, "repository")]
  const home = openHome({ environment })
  const made = await createRepository({
    store: await openStore(location),
    home,
    secrets: [KEY],
    recovery: false,
  })
  made.repository.close()
  const digest = createHash("sha256").update(workspace).digest("hex")
  const stateFolder = join(home.identityRoot, "agents", digest.slice(0, 32))
  makePrivateFolder(stateFolder)
  const write = (path: string, content: string | Uint8Array): void => {
    const file = join(workspace, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  for (const name of CORE) write(name, `# ${name}\n`.repeat(20))
  for (let day = 1; day <= 6; day++) write(`memory/2026-11-0${day}.md`, `note of day ${day}\n`.repeat(50))
  const open = async (): Promise<Repository> =>
    await openRepository({ store: await openStore(location), home, write: true })
  const setup: Setup = {
    ...setupOf({ workspace, location, home, stateFolder }),
    openRepository: open,
    ...changes,
  }
  const configure = async (config: object = {}): Promise<void> => {
    const content = { provider: "local", repository: location, profile: "openclaw-memory", ...config }
    write("session-sync-config.json", JSON.stringify(content))
    approve(await proposeApproval({ workspace, environment }))
  }
  return { folder, workspace, repository: location, setup, environment, configure, write, open }
}

/** In memory if the machine has such a folder: each run flushes files. */
function fastFolder(): string {
  return process.env["TMPDIR"] === undefined && existsSync("/dev/shm") ? "/dev/shm" : tmpdir()
}

interface Parts {
  readonly workspace: string
  readonly location: string
  readonly home: Home
  readonly stateFolder: string
}

function setupOf({ workspace, location, home, stateFolder }: Parts): Omit<Setup, "openRepository"> {
  return {
    workspace,
    configPath: join(workspace, "session-sync-config.json"),
    settings: {
      profile: "openclaw-memory",
      agentId: "main",
      workspaceId: "0123456789abcdef",
      intervalMinutes: 15,
      retentionDays: 30,
      secretsScan: "warn",
      triggers: { commands: ["wrap_up"], sessionEnd: true, beforeReset: true, compaction: true },
      extraTools: false,
      notifyCommand: undefined,
    },
    destination: {
      kind: "folder",
      location,
      endpoint: undefined,
      region: undefined,
      credentialsFrom: undefined,
      displayName: location,
    },
    storeVariables: null,
    series: "openclaw-memory/main/0123456789abcdef",
    roots: [
      {
        name: "workspace",
        path: workspace,
        include: ["/memory/", "/MEMORY.md", "/SOUL.md", "/session-sync-config.json"],
        exclude: ["/memory/sync-log*.jsonl", "*.key"],
      },
    ],
    memory: { files: ["/memory/**/*.md", "/MEMORY.md", "/SOUL.md"], core: CORE.map((name) => `/${name}`) },
    capture: { sqlite: true, emptyTables: [], appended: [".jsonl"] },
    home,
    stateFolder,
    waiting: [],
    warnings: [],
  }
}

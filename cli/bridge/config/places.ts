/**
 * Finds the workspace of a call, and the folders that belong to it on this machine. The workspace is the nearest
 * folder upward that is configured, else the one of the host that is.
 */
import { createHash } from "node:crypto"
import { existsSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { shellWord, type Home } from "../../../engine/index.ts"
import { showText } from "../../../engine/base/show.ts"
import type { NotReady } from "../setup.ts"
import { CONFIG_NAME } from "./config.ts"
import { findOpenClaw, realPath, userHome, type Environment } from "./openclaw-places.ts"
import { APPROVAL_NAME } from "./approval.ts"

/** 0700; runs, restores and the approval of this workspace on this machine. Need not exist. */
export function stateFolderOf(home: Home, workspace: string): string {
  const name = createHash("sha256").update(workspace).digest("hex").slice(0, 32)
  return join(agentsFolderOf(home), name)
}

/** Has a folder for each workspace. */
export function agentsFolderOf(home: Home): string {
  return join(home.identityRoot, "agents")
}

/** Where secrets are kept that `agent init` makes and `agent import` moves; below the home, so no backup has them. */
export function secretsFolderOf(home: Home): string {
  return join(home.identityRoot, "secrets")
}

/** The key of a configuration without `encryption_key`. */
export function madeKeyPath(home: Home, workspaceId: string): string {
  return join(secretsFolderOf(home), `${workspaceId}.encryption-key`)
}

export interface WhereFrom {
  readonly workspace?: string | undefined
  readonly cwd: string
  readonly environment: Environment
  readonly home: Home
  /** A folder that was approved on this machine comes before a nearer one that was not: see `findWorkspace`. */
  readonly prefersApproved?: boolean | undefined
}

/**
 * The workspace's real path, or why there is none. A program that a host starts in any checked-out project must not
 * be led away from the approved agent by a configuration that lies there.
 */
export async function findWorkspace(from: WhereFrom): Promise<string | NotReady> {
  const { workspace, cwd, home } = from
  if (workspace !== undefined) {
    const given = resolve(cwd, workspace)
    const real = realPath(given)
    if (real !== undefined && isFolder(real)) return real
    return unconfigured(given, `${showText(given)} is not a folder`, "create it, or name another one")
  }
  const start = realPath(cwd) ?? resolve(cwd)
  if (from.prefersApproved === true) {
    const isApproved = (folder: string): boolean => wasApproved(home, folder)
    const near = nearest(start, isApproved)
    if (near !== undefined) return near
    const [only, another] = [...new Set(await hostWorkspaces(from.environment))].filter(isApproved)
    if (only !== undefined && another === undefined) return only
  }
  return nearest(start, (folder) => isConfigured(home, folder)) ?? (await ofHosts(from, start))
}

/** The folder itself or the nearest one above it that fits. */
function nearest(start: string, fits: (folder: string) => boolean): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (fits(folder)) return folder
    if (folder === dirname(folder)) return undefined
  }
}

async function ofHosts({ environment, home }: WhereFrom, start: string): Promise<string | NotReady> {
  const roots = await hostWorkspaces(environment)
  const configured = [...new Set(roots.filter((root) => isConfigured(home, root)))]
  const [first, second] = configured
  if (first !== undefined && second === undefined) return first
  if (first === undefined) return notConfigured(roots[0] ?? start)
  return unconfigured(
    first,
    `several agents are configured on this machine: ${configured.map(showText).join(", ")}`,
    "name one of them: --workspace DIR",
  )
}

/** Real paths of the workspaces of all hosts that are here. */
export async function hostWorkspaces(environment: Environment): Promise<string[]> {
  const home = userHome(environment)
  const openclaw = await findOpenClaw(environment)
  return [
    ...(openclaw?.agents ?? []).map(({ workspace }) => workspace),
    environment["CLAUDE_CONFIG_DIR"] || join(home, ".claude"),
    environment["CODEX_HOME"] || join(home, ".codex"),
    join(home, ".gemini"),
  ].flatMap((path) => realPath(resolve(path)) ?? [])
}

/** Also if somebody has removed the file: the approved values stay in force. */
function isConfigured(home: Home, folder: string): boolean {
  return existsSync(join(folder, CONFIG_NAME)) || wasApproved(home, folder)
}

function wasApproved(home: Home, folder: string): boolean {
  return existsSync(join(stateFolderOf(home, folder), APPROVAL_NAME))
}

export function notConfigured(workspace: string): NotReady {
  return unconfigured(
    workspace,
    `${showText(workspace)} has no ${CONFIG_NAME}`,
    `run: holdfast agent init --workspace ${shellWord(workspace)}`,
  )
}

function unconfigured(workspace: string, message: string, hint: string): NotReady {
  return { state: "unconfigured", workspace, problem: { code: "unconfigured", message, hint } }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

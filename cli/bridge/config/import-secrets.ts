/**
 * `agent import`: moves the literal secrets of a configuration to files (0600) below the home, or to the system's
 * keychain, and puts references in their place. Comments and order of the file stay. Nothing of a secret is printed.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import {
  makePrivateFolder,
  openHome,
  readPrivateFile,
  readSecret,
  writePrivateFile,
  type Home,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import { readApproved } from "./approval.ts"
import { newWorkspaceId, problemOf } from "./approve.ts"
import { CONFIG_NAME, type SecretKey } from "./config.ts"
import { parseConfig, readConfigBytes } from "./config-file.ts"
import { editedText, writeConfigFile, type Edit } from "./config-text.ts"
import type { Environment } from "./openclaw-places.ts"
import { secretsFolderOf, stateFolderOf } from "./places.ts"
import { keyBytes } from "./secrets.ts"

export interface ImportRequest {
  /** Real path. */
  readonly workspace: string
  readonly environment: Environment
  readonly home?: Home | undefined
  readonly keychain: boolean
}

export interface Imported {
  readonly config: string
  /** Which fields were moved, and the references that they hold now. */
  readonly moved: readonly { readonly field: SecretKey; readonly reference: string }[]
  /** The cloud key was readable in the workspace, and is in its backups and histories: it should be replaced. */
  readonly rotate: boolean
}

/** Safe to repeat: the secrets are kept before the file changes, and a file without literals stays as it is. */
export async function importSecrets(request: ImportRequest): Promise<Imported> {
  const { workspace, environment } = request
  const home = request.home ?? openHome({ environment })
  const bytes = readConfigBytes(join(workspace, CONFIG_NAME))
  if (bytes === undefined) throw new AgentProblem("unconfigured", `${workspace} has no ${CONFIG_NAME}`)
  if ("code" in bytes) throw problemOf(bytes)
  const parsed = await parseConfig(bytes)
  if ("code" in parsed) throw problemOf(parsed)
  const { config, literals, names } = parsed
  const before = readApproved(stateFolderOf(home, workspace))
  const id = config.workspace_id ?? before?.config.workspace_id ?? newWorkspaceId()
  if (literals.includes("encryption_key")) keyBytes(literalOf(config.encryption_key))
  const moved: { field: SecretKey; reference: string }[] = []
  for (const field of literals) {
    const value = literalOf(config[field])
    const keep: Keep = { home, name: `${id}.${field.replace("_", "-")}`, value }
    moved.push({ field, reference: request.keychain ? await toKeychain(keep) : toFile(keep) })
  }
  const edits: Edit[] = moved.map(({ field, reference }) => ({
    key: field,
    name: names.get(field) ?? field,
    value: reference,
  }))
  if (edits.length > 0 && config.workspace_id === undefined)
    edits.push({ key: "workspace_id", name: "workspace_id", value: id })
  if (edits.length > 0) writeConfigFile(workspace, await editedText(bytes.toString("utf8"), edits))
  return {
    config: join(workspace, CONFIG_NAME),
    moved,
    rotate: literals.some((key) => key !== "encryption_key"),
  }
}

function literalOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}

interface Keep {
  readonly home: Home
  readonly name: string
  readonly value: string
}

/** An agent can write the literal and the id in the name, so another secret that has the name is never replaced. */
function numbered(name: string, number: number): string {
  return number === 1 ? name : `${name}-${number}`
}

function toFile({ home, name, value }: Keep): string {
  const folder = secretsFolderOf(home)
  makePrivateFolder(folder)
  for (let number = 1; ; number++) {
    const path = join(folder, numbered(name, number))
    const there = readPrivateFile(path)
    if (there === undefined) writePrivateFile(path, `${value}\n`)
    else if (there !== `${value}\n`) continue
    return `file:${path}`
  }
}

async function toKeychain({ name, value }: Keep): Promise<string> {
  const ports = { environment: process.env, platform: process.platform }
  for (let number = 1; ; number++) {
    const reference = `keychain:${numbered(name, number)}`
    const there = await readSecret(reference, name, ports).catch(() => undefined)
    if (there === undefined) return storeInKeychain(numbered(name, number), value)
    if (there === value) return reference
  }
}

/** The secret goes through standard input, never through an argument. */
function storeInKeychain(name: string, value: string): string {
  if (process.platform === "win32")
    throw new AgentProblem(
      "no-keychain",
      "the keychain is not supported on Windows yet",
      "run it without --keychain",
    )
  const isMac = process.platform === "darwin"
  // `security -i` reads the whole command from its input
  const [program, args, input] = isMac
    ? ([
        "security",
        ["-i"],
        `add-generic-password -U -s holdfast -a ${name} -w "${value.replaceAll(/["\\]/g, "\\$&")}"\n`,
      ] as const)
    : ([
        "secret-tool",
        ["store", "--label", `holdfast ${name}`, "service", "holdfast", "account", name],
        value,
      ] as const)
  const ended = spawnSync(program, args, { input, stdio: ["pipe", "ignore", "ignore"], timeout: 120_000 })
  if (ended.status === 0) return `keychain:${name}`
  const missing = ended.error !== undefined && "code" in ended.error && ended.error.code === "ENOENT"
  const why = missing ? `${program} was not found` : `${program} failed`
  throw new AgentProblem(
    "no-keychain",
    `the keychain can't be used: ${why}`,
    "run it without --keychain: the secrets are then kept in files (0600) below holdfast's home",
  )
}

/**
 * A restore beside the workspace: into a private folder of this machine, for a person to look at and to copy from.
 * Nothing of the workspace changes. Databases and the host's own folder are restored so by a tool, with the steps to
 * put them in place while their program is stopped.
 */
import { join } from "node:path"
import { lstatSync, readdirSync, rmSync } from "node:fs"
import {
  databaseFault,
  entries,
  makePrivateFolder,
  rawPathFromText,
  restore,
  shellWord,
  showPath,
  type RawPath,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { RestoreInput, Warning } from "../results.ts"
import { isBesideDatabase, isDatabase } from "./databases.ts"
import { snapshotPath, textOf } from "./plan.ts"
import type { Plan, PlanRequest } from "./plans.ts"

export interface StagedFiles {
  readonly stagedAt: string
  readonly steps: readonly string[]
  readonly warnings: readonly Warning[]
  readonly bytes: number
}

/** @throws AgentProblem "damaged-snapshot" or "restore-failed" */
export async function stageBeside(
  request: PlanRequest,
  plan: Plan,
  input: RestoreInput,
): Promise<StagedFiles> {
  const { context, repository, chosen } = request
  const folder = newFolder(context.setup.stateFolder, chosen.timestamp, chosen.snapshot.shortId)
  const { errors, bytesRestored } = await restore(repository, {
    snapshot: chosen.snapshot,
    only: plan.paths?.map((path) => snapshotPath("workspace", path)),
    target: rawPathFromText(folder),
    inHome: true,
    privileges: false,
    setuid: false,
    owners: false,
    sync: "end",
  })
  const [first] = errors
  if (first !== undefined)
    throw new AgentProblem(
      first.kind === "corrupt" ? "damaged-snapshot" : "restore-failed",
      `${showPath(first.path)}: ${first.message}. What could be restored is in ${folder}`,
      first.kind === "corrupt" ? "an earlier timestamp may be whole" : "remove the cause, then stage again",
    )
  const databases = await databasesIn(request, plan)
  const broken = databases.flatMap((path) => faultWarning(folder, path))
  return {
    stagedAt: folder,
    steps: stepsOf(request, { folder, databases, paths: input.paths }),
    warnings: broken,
    bytes: bytesRestored,
  }
}

/** Older ones are removed: a model that stages again and again must not fill the disk. */
const STAGED_MAX = 3

function removeOld(staged: string): void {
  const folders = readdirSync(staged).map((name) => join(staged, name))
  const made = new Map(folders.map((folder) => [folder, lstatSync(folder).birthtimeMs]))
  const oldest = folders.toSorted((a, b) => (made.get(a) ?? 0) - (made.get(b) ?? 0))
  for (const folder of oldest.slice(0, Math.max(0, oldest.length - STAGED_MAX + 1)))
    rmSync(folder, { recursive: true, force: true })
}

function newFolder(stateFolder: string, timestamp: string, shortId: string): string {
  const staged = join(stateFolder, "staged")
  makePrivateFolder(staged)
  removeOld(staged)
  const name = `${timestamp.replaceAll(":", "")}-${shortId}`
  const taken = new Set(readdirSync(staged))
  for (let i = 1; ; i++) {
    const each = i === 1 ? name : `${name}-${i}`
    if (taken.has(each)) continue
    const folder = join(staged, each)
    makePrivateFolder(folder)
    return folder
  }
}

async function databasesIn({ repository, chosen, context }: PlanRequest, plan: Plan): Promise<RawPath[]> {
  const found: RawPath[] = []
  const only = plan.paths?.map((path) => snapshotPath("workspace", path))
  for (const { name } of context.setup.roots)
    for await (const entry of entries(repository, chosen.snapshot, { within: name as RawPath })) {
      if (!isDatabase(entry) || isBesideDatabase(entry.path)) continue
      if (only === undefined || only.some((each) => entry.path === each || entry.path.startsWith(`${each}/`)))
        found.push(entry.path)
    }
  return found
}

function faultWarning(folder: string, path: RawPath): Warning[] {
  const fault = databaseFault(join(folder, textOf(path)))
  if (fault === undefined) return []
  return [
    {
      code: "damaged-database",
      message: `${showPath(path)}: the backed-up database is not sound (${fault})`,
      hint: "stage an earlier timestamp",
    },
  ]
}

interface StepsOf {
  readonly folder: string
  readonly databases: readonly RawPath[]
  readonly paths: readonly string[] | undefined
}

function stepsOf({ chosen, context }: PlanRequest, { folder, databases, paths }: StepsOf): string[] {
  const { setup } = context
  const steps = [`The files are in ${folder}. Look at them, and copy what you want into the workspace.`]
  const whole = commandOf(setup.workspace, chosen.timestamp, paths)
  if (databases.length > 0 || setup.roots.some(({ name }) => name === "state"))
    steps.push(...offlineSteps(setup.settings.profile, whole))
  steps.push(
    `The newest ${STAGED_MAX} such folders are kept. To remove this one now: rm -r ${shellWord(folder)}`,
  )
  return steps
}

/** Databases are replaced only while nobody has them open. */
export function offlineSteps(profile: string, command: string): string[] {
  const isOpenClaw = profile.startsWith("openclaw-")
  return [
    isOpenClaw
      ? "Stop the gateway: openclaw gateway stop"
      : "Stop every program that uses the databases of this agent.",
    `Restore the databases too, on the command line: ${command}`,
    ...(isOpenClaw
      ? ["Check the restored state: openclaw doctor", "Start the gateway: openclaw gateway start"]
      : ["Start the program again."]),
  ]
}

/** What a person types. */
export function commandOf(workspace: string, timestamp: string, paths: readonly string[] = []): string {
  const more = paths.map((path) => ` --path ${shellWord(path)}`).join("")
  return `holdfast agent restore ${shellWord(timestamp)} --workspace ${shellWord(workspace)}${more}`
}

/**
 * A whole plan: its parts, its id, and what people and models see of it. The id covers the snapshot, the paths and the
 * state of every file that would change, so it is void as soon as one of them changes. It is also void after ten
 * minutes. Plans are computed again when they are confirmed; only ids and times are kept.
 */
import { createHash } from "node:crypto"
import { join } from "node:path"
import {
  entries,
  makePrivateFolder,
  rawPathFromText,
  readPrivateFile,
  showPath,
  sourceFiles,
  writePrivateFile,
  type Entry,
  type RawPath,
  type Repository,
} from "../../../engine/index.ts"
import type { RunContext } from "../run/context.ts"
import { sourceOf } from "../run/source.ts"
import type { PathList } from "../results.ts"
import type { AgentRoot } from "../setup.ts"
import { readLast } from "./last.ts"
import { checkedPath, isOwnFile, requirePaths } from "./paths.ts"
import { inScope, planPart, snapshotPath, type PlannedPart } from "./plan.ts"
import type { Chosen } from "./resolve.ts"
import { restoreFolder } from "./unsettled.ts"

const VALID_MS = 10 * 60 * 1000
const PLANS_MAX = 20
const SHOWN_MAX = 100

export interface Plan {
  readonly id: string
  readonly chosen: Chosen
  readonly paths: readonly RawPath[] | undefined
  readonly parts: readonly PlannedPart[]
  readonly create: PathList
  readonly overwrite: PathList
  readonly remove: PathList
  readonly extraLocal: PathList
  /** Files that a backup of these roots would save now, and files that would be replaced. */
  readonly localFiles: number
  /** Of the files that would be written. */
  readonly bytes: number
  /** Databases that only a person restores, as paths in the snapshot. */
  readonly databases: readonly RawPath[]
  /** Number of files of the snapshot in roots that this plan leaves out. */
  readonly otherFiles: number
}

export interface PlanRequest {
  readonly context: RunContext
  readonly repository: Repository
  readonly chosen: Chosen
  readonly paths: readonly string[] | undefined
  /** True: the person's own command, which also restores databases and the host's own folder. */
  readonly operator: boolean
  /** Paths need not be in the snapshot. */
  readonly mayBeAbsent?: boolean | undefined
}

export async function makePlan(request: PlanRequest): Promise<Plan> {
  const { context, repository, chosen, operator } = request
  const { roots, stateFolder } = context.setup
  const last = chosen.isUndo ? readLast(stateFolder) : undefined
  const listed = await entriesOf(repository, chosen, roots)
  const paths = pathsOf(request, listed.get("workspace") ?? new Map())
  const taken = roots.filter(({ name }) => name === "workspace" || (operator && paths === undefined))
  const parts: PlannedPart[] = []
  for (const { name, path } of taken)
    parts.push(
      await planPart({
        repository,
        snapshot: chosen.snapshot,
        name,
        root: rawPathFromText(path),
        entries: listed.get(name) ?? new Map(),
        paths,
        isTemplate: context.isTemplate ?? (() => false),
        undoes: last?.parts.find((part) => part.name === name),
        withDatabases: operator,
      }),
    )
  const others = roots.filter((root) => !taken.includes(root)).map(({ name }) => listed.get(name))
  return {
    id: idOf(chosen, paths, parts),
    chosen,
    paths,
    parts,
    ...listsOf(parts),
    ...localLists(request, { listed, paths, parts }),
    bytes: parts.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0),
    databases: parts.flatMap(({ name, databases }) => databases.map((path) => snapshotPath(name, path))),
    otherFiles: others.reduce((sum, each) => sum + filesIn(each), 0),
  }
}

type Listed = ReadonlyMap<AgentRoot["name"], ReadonlyMap<RawPath, Entry>>

async function entriesOf(
  repository: Repository,
  { snapshot }: Chosen,
  roots: readonly AgentRoot[],
): Promise<Listed> {
  const listed = new Map<AgentRoot["name"], Map<RawPath, Entry>>()
  for (const { name } of roots) {
    const all = new Map<RawPath, Entry>()
    for await (const entry of entries(repository, snapshot, { within: name as RawPath })) {
      const path = entry.path.slice(name.length + 1) as RawPath
      all.set(path, { ...entry, path })
    }
    listed.set(name, all)
  }
  return listed
}

function filesIn(all: ReadonlyMap<RawPath, Entry> | undefined): number {
  return [...(all ?? new Map<RawPath, Entry>()).values()].filter(({ type }) => type !== "directory").length
}

/** An undo takes the paths of the restore that it undoes. */
function pathsOf(
  { paths, chosen, context, mayBeAbsent }: PlanRequest,
  all: ReadonlyMap<RawPath, Entry>,
): readonly RawPath[] | undefined {
  if (chosen.isUndo && paths === undefined) return readLast(context.setup.stateFolder)?.paths ?? undefined
  if (paths === undefined || paths.length === 0) return undefined
  const checked = [...new Set(paths.map(checkedPath))]
  if (!chosen.isUndo && mayBeAbsent !== true) requirePaths(checked, all)
  return checked
}

function listsOf(parts: readonly PlannedPart[]): Pick<Plan, "create" | "overwrite" | "remove"> {
  const shown = (part: PlannedPart, path: RawPath): string =>
    showPath(part.name === "workspace" ? path : snapshotPath(part.name, path))
  const of = (pick: (part: PlannedPart) => readonly RawPath[]): PathList =>
    listOf(parts.flatMap((part) => pick(part).map((path) => shown(part, path))))
  const files = (does: readonly string[]) => (part: PlannedPart) =>
    part.files.filter((file) => does.includes(file.does)).map(({ path }) => path)
  return {
    create: of(files(["create", "template"])),
    overwrite: of((part) => [
      ...files(["overwrite"])(part),
      ...part.removals
        .filter(({ path, isFirst }) => isFirst && part.folders.some((folder) => folder.path === path))
        .map(({ path }) => path),
    ]),
    remove: of((part) =>
      part.removals
        .filter(({ path }) => !part.folders.some((folder) => folder.path === path))
        .map(({ path }) => path),
    ),
  }
}

function listOf(paths: readonly string[]): PathList {
  return { count: paths.length, paths: paths.slice(0, SHOWN_MAX) }
}

interface Known {
  readonly listed: Listed
  readonly paths: readonly RawPath[] | undefined
  readonly parts: readonly PlannedPart[]
}

/** What a backup would save now; of that, what the snapshot doesn't have. A restore leaves it. */
function localLists(
  { context, repository }: PlanRequest,
  { listed, paths, parts }: Known,
): Pick<Plan, "extraLocal" | "localFiles"> {
  const { setup } = context
  const removed = new Set(
    parts.flatMap(({ name, removals }) => removals.map(({ path }) => snapshotPath(name, path))),
  )
  const replaced = parts
    .flatMap(({ files, removals }) => [...files, ...removals])
    .filter(({ old }) => old !== null)
  const extra: string[] = []
  let localFiles = replaced.length
  const { folder } = repository.store
  for (const { path } of sourceFiles({ ...sourceOf(setup), home: setup.home, repositoryFolder: folder })) {
    const part = parts.find(({ name }) => path.startsWith(`${name}/`))
    const inside = path.slice((part?.name.length ?? 0) + 1) as RawPath
    if (part === undefined || isOwnFile(inside)) continue
    localFiles++
    if (removed.has(path) || listed.get(part.name)?.has(inside) === true || !inScope(paths, inside)) continue
    extra.push(showPath(part.name === "workspace" ? inside : path))
  }
  return { extraLocal: listOf(extra), localFiles }
}

function idOf(
  { snapshot, isUndo }: Chosen,
  paths: readonly RawPath[] | undefined,
  parts: readonly PlannedPart[],
): string {
  const state = parts.map(({ name, root, files, removals, folders }) => [
    name,
    root,
    files.map(({ path, does, old }) => [path, does, old]),
    removals.map(({ path, old }) => [path, old]),
    folders.filter(({ does }) => does !== "keep").map(({ path, does }) => [path, does]),
  ])
  const text = JSON.stringify([snapshot.digest, isUndo, paths ?? null, state])
  return createHash("sha256").update(text).digest("hex").slice(0, 24)
}

/** Nothing that a person would notice differs: times and modes alone are no reason to restore. */
export function changesNothing({ parts }: Plan): boolean {
  return parts.every(
    ({ files, removals, folders }) =>
      files.every(({ does }) => does === "metadata") &&
      removals.length === 0 &&
      folders.every(({ does }) => does === "keep"),
  )
}

/** Something of this machine would be gone from its place. */
export function replaces({ overwrite, remove }: Plan): boolean {
  return overwrite.count > 0 || remove.count > 0
}

function plansFile(stateFolder: string): string {
  return join(restoreFolder(stateFolder), "plans.json")
}

type Kept = readonly { readonly id: string; readonly untilMs: number }[]

function readPlans(stateFolder: string): Kept {
  try {
    return JSON.parse(readPrivateFile(plansFile(stateFolder)) ?? "[]") as Kept
  } catch {
    return []
  }
}

/** Makes the plan's id valid for ten minutes. */
export function keepPlan(stateFolder: string, id: string, nowMs: number): void {
  const others = readPlans(stateFolder).filter((each) => each.id !== id && each.untilMs > nowMs)
  makePrivateFolder(restoreFolder(stateFolder))
  const kept: Kept = [...others.slice(1 - PLANS_MAX), { id, untilMs: nowMs + VALID_MS }]
  writePrivateFile(plansFile(stateFolder), JSON.stringify(kept))
}

export function isKeptPlan(stateFolder: string, id: string, nowMs: number): boolean {
  return readPlans(stateFolder).some((each) => each.id === id && each.untilMs > nowMs)
}

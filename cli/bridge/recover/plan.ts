/**
 * What a restore would change in one root: files that it would create, overwrite or remove, and folders. The engine's
 * dry run compares contents, and nothing is written. Links are never followed: one in the place of a folder is a
 * problem. plans.ts puts the roots together, in-place.ts carries the plan out.
 */
import { readdirSync } from "node:fs"
import {
  openSwapPlace,
  restore,
  showPath,
  type Entry,
  type Metadata,
  type RawPath,
  type Repository,
  type RestoreEvent,
  type SwapPlace,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { AgentRoot } from "../setup.ts"
import { isDatabase, SIDE_FILES } from "./databases.ts"
import { identityAt, identityOf, isSame, type Identity, type LastPart } from "./last.ts"
import { isOwnFile } from "./paths.ts"
import { parentOf, saveMetadata, type FolderOp } from "./swap.ts"

export interface PlannedFile {
  readonly path: RawPath
  /** metadata: the content is equal. template: what is there is the host's own, and counts as absent. */
  readonly does: "create" | "overwrite" | "metadata" | "template"
  readonly size: number
  readonly old: Identity | null
}

export interface PlannedRemoval {
  readonly path: RawPath
  readonly old: Identity
  /** Makes room for a folder or a file, so it comes first. */
  readonly isFirst: boolean
  /** The host's own template, which it has: it need not be kept. */
  readonly isSeeded?: boolean
}

export interface PlannedPart {
  readonly name: AgentRoot["name"]
  /** Absolute raw path. */
  readonly root: RawPath
  readonly files: readonly PlannedFile[]
  readonly removals: readonly PlannedRemoval[]
  readonly folders: readonly FolderOp[]
  /** Databases that differ and that this restore leaves: they are only staged. */
  readonly databases: readonly RawPath[]
}

export interface PartQuestion {
  readonly repository: Repository
  readonly snapshot: Parameters<typeof restore>[1]["snapshot"]
  readonly name: AgentRoot["name"]
  readonly root: RawPath
  /** All entries of the root; "" is the root itself. */
  readonly entries: ReadonlyMap<RawPath, Entry>
  /** Undefined: all. */
  readonly paths: readonly RawPath[] | undefined
  readonly isTemplate: (path: string, size: number) => boolean
  /** What the restore that is undone had created. */
  readonly undoes: LastPart | undefined
  readonly withDatabases: boolean
}

type Action = Extract<RestoreEvent, { type: "entry" }>["action"]

/** What the dry run says about each path; what it would refuse is text. */
interface Actions {
  readonly of: ReadonlyMap<RawPath, Action>
  readonly refused: ReadonlyMap<RawPath, string>
}

/** @throws AgentProblem "link-in-the-way", "folder-in-the-way" or "damaged-snapshot" */
export async function planPart(question: PartQuestion): Promise<PlannedPart> {
  const place = openSwapPlace(question.root)
  try {
    const actions = await dryRun(question)
    const planning = startPlanning(question, place, actions)
    planUndo(planning)
    for (const entry of question.entries.values()) planEntry(planning, entry)
    planBootstrap(planning)
    planFolders(planning)
    const { files, removals, folders, databases } = planning
    const { name, root } = question
    return {
      name,
      root,
      files,
      removals: [...removals.values()],
      folders: [...folders.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)),
      databases,
    }
  } finally {
    place.close()
  }
}

/** Whether a path is in what was asked for and a restore may write it. */
export function inScope(paths: readonly RawPath[] | undefined, path: RawPath): boolean {
  if (isOwnFile(path)) return false
  return paths === undefined || paths.some((each) => path === each || path.startsWith(`${each}/`))
}

/** The path of a root's entry in the snapshot. */
export function snapshotPath(name: AgentRoot["name"], path: RawPath): RawPath {
  return (path === "" ? name : `${name}/${path}`) as RawPath
}

async function dryRun(question: PartQuestion): Promise<Actions> {
  const { repository, snapshot, name, root, entries, paths } = question
  const actions = new Map<RawPath, Action>()
  if (entries.size === 0) return { of: actions, refused: new Map() }
  const { errors } = await restore(
    repository,
    {
      snapshot,
      within: name as RawPath,
      only: paths?.map((path) => snapshotPath(name, path)),
      target: root,
      dryRun: true,
      verbose: true,
      privileges: false,
    },
    (event) => {
      if (event.type === "entry") actions.set(event.path, event.action)
    },
  )
  const damaged = errors.find(({ kind }) => kind === "corrupt")
  const refused = errors.map(({ path, message }) => [path, message] as const)
  if (damaged === undefined) return { of: actions, refused: new Map(refused) }
  throw new AgentProblem(
    "damaged-snapshot",
    `${showPath(damaged.path)}: ${damaged.message}`,
    "holdfast check --read-data lists the damage; an earlier timestamp may be whole",
  )
}

interface Planning {
  readonly question: PartQuestion
  readonly place: SwapPlace
  readonly actions: Actions
  readonly files: PlannedFile[]
  readonly removals: Map<RawPath, PlannedRemoval>
  readonly folders: Map<RawPath, FolderOp>
  readonly databases: RawPath[]
  /** Local files that give way to folders: what lies below their paths does not exist yet. */
  readonly replaced: Set<RawPath>
}

function startPlanning(question: PartQuestion, place: SwapPlace, actions: Actions): Planning {
  return {
    question,
    place,
    actions,
    files: [],
    removals: new Map(),
    folders: new Map(),
    databases: [],
    replaced: new Set(),
  }
}

function planEntry(planning: Planning, entry: Entry): void {
  const { question } = planning
  const { path } = entry
  if (path === "" || !inScope(question.paths, path)) return
  const local = look(planning, path)
  if (entry.type === "directory") return planFolder(planning, entry, local)
  if (entry.type !== "file" && entry.type !== "symlink") return // FIFOs and devices are never restored
  const action = actionOf(planning, path, local)
  if (action !== "restored" && action !== "updated") return
  if (!question.withDatabases && isDatabase(entry)) {
    planning.databases.push(path)
    return
  }
  if (local?.type === "directory") makeRoom(planning, path)
  if (isDatabase(entry)) removeSideFiles(planning, path)
  const does = fileAction(planning, entry, local)
  planning.files.push({ path, does, size: entry.size, old: local ?? null })
}

/** The engine would refuse what this plan makes room for. */
function actionOf({ actions }: Planning, path: RawPath, local: Identity | undefined): Action | undefined {
  const action = actions.of.get(path)
  const refused = action === undefined ? actions.refused.get(path) : undefined
  if (refused === undefined) return action
  if (local?.type === "directory") return "restored"
  throw new AgentProblem(
    "restore-failed",
    `${showPath(path)}: ${refused}`,
    "remove the cause, or use mode staged",
  )
}

/** A log of the old database would be applied to the new one. */
function removeSideFiles(planning: Planning, path: RawPath): void {
  for (const suffix of SIDE_FILES) {
    const side = `${path}${suffix}` as RawPath
    if (planning.question.entries.has(side)) continue
    const old = look(planning, side)
    if (old !== undefined) planning.removals.set(side, { path: side, old, isFirst: true })
  }
}

function fileAction(
  { question, actions }: Planning,
  { path }: Entry,
  local: Identity | undefined,
): PlannedFile["does"] {
  if (local === undefined) return "create"
  if (actions.of.get(path) === "updated") return "metadata"
  const isSeeded =
    question.name === "workspace" && local.type === "file" && question.isTemplate(textOf(path), local.size)
  return isSeeded ? "template" : "overwrite"
}

function planFolder(planning: Planning, entry: Entry, local: Identity | undefined): void {
  const { path } = entry
  if (local !== undefined && local.type !== "directory") {
    if (local.type === "symlink") throw linkInTheWay(path)
    planning.removals.set(path, { path, old: local, isFirst: true })
    planning.replaced.add(path)
  }
  setFolder(planning, path, saveMetadata(metadataOf(entry)))
}

function setFolder({ folders, place, replaced }: Planning, path: RawPath, after: FolderOp["after"]): void {
  const isThere = !replaced.has(path) && place.look(path)?.type === "directory"
  const before = isThere ? saveMetadata(place.folderMetadata(path)) : null
  folders.set(path, { path, does: isThere ? "keep" : "create", before, after })
}

/** A folder gives way to a file if all that it has is removed by this restore, or it is empty. */
function makeRoom({ question, removals }: Planning, path: RawPath): void {
  const below = filesBelow(question.root, path)
  if (!below.every((each) => removals.has(each)))
    throw new AgentProblem(
      "folder-in-the-way",
      `${showPath(path)} is a folder here and a file in the snapshot`,
      "move the folder away, or use mode staged",
    )
  for (const each of below) {
    const removal = removals.get(each)
    if (removal !== undefined) removals.set(each, { ...removal, isFirst: true })
  }
}

function filesBelow(root: RawPath, path: RawPath): RawPath[] {
  const folder = Buffer.from(`${root}/${path}`, "latin1")
  return readdirSync(folder, { withFileTypes: true, encoding: "buffer" }).flatMap((each) => {
    const inside = `${path}/${each.name.toString("latin1")}` as RawPath
    return each.isDirectory() ? filesBelow(root, inside) : [inside]
  })
}

/** What the undone restore had created goes, if it is unchanged since and the snapshot doesn't have it. */
function planUndo({ question, place, removals, folders }: Planning): void {
  const { undoes, entries, paths } = question
  for (const { path, file } of undoes?.created ?? []) {
    if (entries.has(path) || !inScope(paths, path)) continue
    if (isSame(identityAt(place, path), file)) removals.set(path, { path, old: file, isFirst: false })
  }
  for (const path of undoes?.createdFolders ?? []) {
    if (entries.has(path) || place.look(path)?.type !== "directory") continue
    const before = saveMetadata(place.folderMetadata(path))
    folders.set(path, { path, does: "remove", before, after: null })
  }
}

const BOOTSTRAP = "BOOTSTRAP.md" as RawPath

/** The host's first-run script would begin the agent's life again. */
function planBootstrap({ question, place, removals }: Planning): void {
  if (question.name !== "workspace" || question.paths !== undefined || question.undoes !== undefined) return
  if (question.entries.size === 0 || question.entries.has(BOOTSTRAP)) return
  const local = identityAt(place, BOOTSTRAP)
  if (local?.type === "file" && question.isTemplate(BOOTSTRAP, local.size))
    removals.set(BOOTSTRAP, { path: BOOTSTRAP, old: local, isFirst: false, isSeeded: true })
}

/** Folders above the changed names: they are made if they are missing, and have their time after it. */
function planFolders(planning: Planning): void {
  const { question, files, removals, folders } = planning
  const { entries, paths, undoes } = question
  const changed = [...files, ...removals.values()].map(({ path }) => path)
  if (changed.length === 0 && paths !== undefined) return
  for (const path of [...changed, ...folders.keys()])
    for (let above = path; above !== "";) {
      above = parentOf(above)
      if (folders.has(above) || removals.has(above)) continue
      const entry = entries.get(above)
      const isAsked = paths === undefined || undoes !== undefined || !isFolder(planning, above)
      if (entry?.type === "directory" && isAsked) setFolder(planning, above, saveMetadata(metadataOf(entry)))
      else keepFolder(planning, above)
    }
}

function isFolder({ place }: Planning, path: RawPath): boolean {
  return place.look(path)?.type === "directory"
}

/** It keeps its mode and owner; its time says that it changed. */
function keepFolder({ place, folders }: Planning, path: RawPath): void {
  const before = saveMetadata(place.folderMetadata(path))
  const after = { ...before, mtimeNs: String(BigInt(Date.now()) * 1_000_000n) }
  folders.set(path, { path, does: "keep", before, after })
}

function metadataOf({ mode, mtimeNs, uid, gid, xattrs }: Entry): Metadata {
  return { mode, mtimeNs, uid, gid, xattrs }
}

function look({ place, replaced }: Planning, path: RawPath): Identity | undefined {
  for (let above = parentOf(path); above !== ""; above = parentOf(above))
    if (replaced.has(above)) return undefined
  try {
    const stat = place.look(path)
    return stat && identityOf(stat)
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "in-the-way")
      throw linkInTheWay(parentOf(path))
    throw error
  }
}

function linkInTheWay(path: RawPath): AgentProblem {
  return new AgentProblem(
    "link-in-the-way",
    `${showPath(path)} is a link here and a folder in the snapshot; a restore never follows or replaces it`,
    "remove the link, or use mode staged",
  )
}

export function textOf(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8")
}

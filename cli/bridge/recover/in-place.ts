/**
 * Carries a plan out, with the lock of runs held:
 *
 *     snapshot of what is there → stage → check → journal → exchange → undo record
 *
 * Until the journal says "forward", a failure leaves the workspace as it was. From then on journal.ts finishes it or
 * goes back. A restore whose undo snapshot can't be made does not begin.
 */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import {
  databaseFault,
  databaseVersion,
  entries,
  restore,
  showPath,
  snapshots,
  type RawPath,
  type Repository,
  type SwapPlace,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import { backupOnce } from "../run/backup-once.ts"
import type { RunContext } from "../run/context.ts"
import { problemOf } from "../run/problems.ts"
import type { SyncRestore, Warning } from "../results.ts"
import { isBesideDatabase, isDatabase, SIDE_FILES } from "./databases.ts"
import {
  dropJournal,
  finish,
  JOURNAL_PORTS,
  removeStaging,
  writeJournal,
  type Journal,
  type JournalPorts,
} from "./journal.ts"
import { identityAt, isSame, type Identity } from "./last.ts"
import { snapshotPath, textOf, type PlannedPart } from "./plan.ts"
import type { Plan } from "./plans.ts"
import { timestampOf } from "./resolve.ts"
import { stagedPath, type Op, type SwapPart } from "./swap.ts"

export interface Carrying {
  readonly context: RunContext
  readonly repository: Repository
  /** Made under the lock. */
  readonly plan: Plan
  readonly ports?: JournalPorts | undefined
}

export interface Carried {
  readonly undo: SyncRestore["undo"]
  readonly warnings: readonly Warning[]
}

/** @throws AgentProblem or EngineError; the workspace is then as before */
export async function carryOut(carrying: Carrying): Promise<Carried> {
  const { context, plan, ports = JOURNAL_PORTS } = carrying
  const { stateFolder } = context.setup
  const undo = await snapshotBefore(carrying)
  const covered = await coveredBy(carrying, undo)
  const started = startJournal(plan, undo)
  ports.step()
  writeJournal(stateFolder, started)
  let journal: Journal
  try {
    journal = await stageAll(carrying, started, covered)
  } catch (error) {
    ports.step()
    removeStaging(started, ports)
    dropJournal(stateFolder)
    throw error
  }
  ports.step()
  writeJournal(stateFolder, journal)
  const older = olderHost(carrying, journal)
  const { warnings } = await finish(stateFolder, journal, ports)
  return { undo, warnings: [...older, ...warnings] }
}

/** None of an empty workspace. */
async function snapshotBefore({ context, repository, plan }: Carrying): Promise<SyncRestore["undo"]> {
  if (plan.localFiles === 0) return null
  try {
    const { snapshot } = await backupOnce(context, { triggers: ["pre-restore"], flag: "pre-restore" })
    const all = await snapshots(repository, { series: context.setup.series })
    const made = all.find(({ digest }) => digest === snapshot)
    if (made === undefined) throw new AgentProblem("no-undo", "the backup made no snapshot")
    return { timestamp: timestampOf(made), snapshot: made.digest }
  } catch (error) {
    throw new AgentProblem(
      "no-undo",
      `the snapshot that would undo this restore can't be made, so nothing was restored: ${problemOf(error).message}`,
      "remove the cause, then restore again, or use mode staged",
    )
  }
}

/** Whether the undo snapshot has a file as it is now. A backup leaves out what it excludes or can't read. */
type Covered = (path: RawPath, old: Identity) => boolean

async function coveredBy({ repository, plan }: Carrying, undo: SyncRestore["undo"]): Promise<Covered> {
  if (undo === null) return () => false
  const all = await snapshots(repository)
  const made = all.find(({ digest }) => digest === undo.snapshot)
  const saved = new Map<RawPath, string>()
  if (made !== undefined)
    for (const { name } of plan.parts)
      for await (const { path, type, size, mtimeNs } of entries(repository, made, {
        within: name as RawPath,
      }))
        saved.set(path, type === "file" && !isDatabase({ path, type }) ? `${size} ${mtimeNs}` : type)
  return (path, { type, size, mtimeNs }) => {
    const found = saved.get(path)
    return found === type || found === `${size} ${mtimeNs}`
  }
}

function startJournal({ parts, paths, chosen }: Plan, undo: SyncRestore["undo"]): Journal {
  const id = randomBytes(8).toString("hex")
  const staging = `.holdfast-restore-${id}` as RawPath
  return {
    v: 1,
    id,
    phase: "staging",
    parts: parts
      .filter(({ files, removals, folders }) => files.length + removals.length + folders.length > 0)
      .map(({ name, root, folders }) => ({ name, root, staging, folders, ops: [] })),
    last: {
      v: 1,
      time: new Date().toISOString(),
      snapshot: chosen.snapshot.digest,
      undo,
      paths: paths ?? null,
      parts: [],
    },
  }
}

async function stageAll(carrying: Carrying, journal: Journal, covered: Covered): Promise<Journal> {
  const { plan, ports = JOURNAL_PORTS } = carrying
  const parts: SwapPart[] = []
  for (const part of journal.parts) {
    const planned = plan.parts.find(({ name }) => name === part.name)
    if (planned === undefined) continue
    const place = ports.openPlace(part.root)
    try {
      await stagePart(carrying, { part, planned, place })
      parts.push({ ...part, ops: opsOf({ part, planned, place }, covered) })
      await place.flush()
    } finally {
      place.close()
    }
  }
  const lastParts = parts.map(({ name, ops, folders }) => ({
    name,
    created: ops.flatMap(({ path, staged, old }) =>
      staged !== null && old === null ? [{ path, file: staged }] : [],
    ),
    createdFolders: folders.filter(({ does }) => does === "create").map(({ path }) => path),
  }))
  return { ...journal, phase: "forward", parts, last: { ...journal.last, parts: lastParts } }
}

interface Staging {
  readonly part: SwapPart
  readonly planned: PlannedPart
  readonly place: SwapPlace
}

async function stagePart({ repository, plan }: Carrying, { part, planned, place }: Staging): Promise<void> {
  place.unlockFolder("" as RawPath)
  place.ensureFolder(part.staging)
  requireOneFileSystem(planned, place)
  if (planned.files.length === 0) return
  const { errors } = await restore(repository, {
    snapshot: plan.chosen.snapshot,
    within: planned.name as RawPath,
    only: planned.files.map(({ path }) => snapshotPath(planned.name, path)),
    target: `${part.root}/${part.staging}/new`,
    privileges: false,
    setuid: false,
    sync: "end",
  })
  const [first] = errors
  if (first !== undefined)
    throw new AgentProblem(
      first.kind === "corrupt" ? "damaged-snapshot" : "restore-failed",
      `${showPath(first.path)}: ${first.message}. Nothing was restored; the workspace is as before`,
      first.kind === "corrupt"
        ? "holdfast check --read-data lists the damage; an earlier timestamp may be whole"
        : "remove the cause, then restore again",
    )
}

/** A rename can't leave its file system. */
function requireOneFileSystem({ files, root }: PlannedPart, place: SwapPlace): void {
  const device = place.look("" as RawPath)?.device
  const seen = new Set<string>()
  for (const { path } of files)
    for (let above = path; above.includes("/");) {
      above = above.slice(0, above.lastIndexOf("/")) as RawPath
      if (seen.has(above)) break
      seen.add(above)
      const stat = place.look(above)
      if (stat === undefined || stat.type !== "directory" || stat.device === device) continue
      throw new AgentProblem(
        "other-file-system",
        `${showPath(above)} is on another file system than ${showPath(root)}`,
        "restore it with mode staged and copy the files",
      )
    }
}

function opsOf({ part, planned, place }: Staging, covered: Covered): Op[] {
  const isCovered = (path: RawPath, old: Identity): boolean => covered(snapshotPath(planned.name, path), old)
  const puts = planned.files.map(({ path, old, does }): Op => {
    const staged = identityAt(place, stagedPath(part, path))
    if (staged === undefined)
      throw new AgentProblem("restore-failed", `${showPath(path)} could not be restored; nothing was changed`)
    requireSound(part, path)
    requireSame(place, path, old)
    // a template can be had again, and equal content is in the staged file
    const mustKeep = old !== null && does === "overwrite" && !isCovered(path, old)
    return { path, staged, old, ...(mustKeep ? { mustKeep } : {}) }
  })
  const asked = planned.removals.map(({ path, old, isFirst, isSeeded = false }): Op => {
    requireSame(place, path, old)
    const mustKeep = !isSeeded && !isDatabase({ path, type: "file" }) && !isCovered(path, old)
    return { path, staged: null, old, ...(isFirst ? { isFirst } : {}), ...(mustKeep ? { mustKeep } : {}) }
  })
  const removes = [...asked, ...sideRemovals({ part, planned, place })]
  return [
    ...removes.filter(({ isFirst }) => isFirst === true),
    ...puts,
    ...removes.filter(({ isFirst }) => isFirst !== true),
  ]
}

/** What SQLite has made beside a database since the plan: the snapshot before the restore has read it. */
function sideRemovals({ planned, place }: Staging): Op[] {
  const databases = planned.files.filter(({ path }) => isDatabase({ path, type: "file" }))
  return databases.flatMap(({ path }) =>
    SIDE_FILES.flatMap((suffix): Op[] => {
      const side = `${path}${suffix}` as RawPath
      const old = identityAt(place, side)
      const isKnown = planned.removals.some((each) => each.path === side)
      return old === undefined || isKnown ? [] : [{ path: side, staged: null, old, isFirst: true }]
    }),
  )
}

function requireSound({ root, staging }: SwapPart, path: RawPath): void {
  if (!isDatabase({ path, type: "file" }) || isBesideDatabase(path)) return
  const fault = databaseFault(textOf(join(root, staging, "new", path)))
  if (fault === undefined) return
  throw new AgentProblem(
    "damaged-database",
    `${showPath(path)}: the backed-up database is not sound (${fault}). Nothing was restored`,
    "restore an earlier timestamp",
  )
}

/** A host refuses a database that a newer version has written. */
function olderHost({ plan }: Carrying, { parts }: Journal): Warning[] {
  const newer = parts.flatMap((part) =>
    part.ops.filter(({ path, staged, old }) => {
      if (staged === null || old?.type !== "file" || !isDatabase({ path, type: "file" })) return false
      const here = databaseVersion(textOf(join(part.root, path)))
      const then = databaseVersion(textOf(join(part.root, stagedPath(part, path))))
      return here !== undefined && then !== undefined && then > here
    }),
  )
  const [first] = newer
  if (first === undefined) return []
  return [
    {
      code: "host-older",
      message: `${showPath(first.path)} of ${plan.chosen.timestamp} was written by a newer version of the host than the one here`,
      hint: "update the host before you start it",
    },
  ]
}

function requireSame(place: SwapPlace, path: RawPath, old: Identity | null): void {
  let at: Identity | undefined
  try {
    at = identityAt(place, path)
  } catch {
    at = undefined // what gives way to a folder, or a link that appeared
  }
  if (at === undefined ? old === null : isSame(at, old)) return
  throw new AgentProblem(
    "changed-meanwhile",
    `${showPath(path)} was changed while the restore was prepared. Nothing was restored`,
    "ask for the plan again",
  )
}

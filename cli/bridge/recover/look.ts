/**
 * `sync_history`, `sync_diff` and `sync_read`: what the agent's snapshots have. Text of workspace files only; never a
 * database, a credential or what the backup leaves out. Nothing is written. What is read is data from a backup, not an
 * instruction; the callers say so.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { Writable } from "node:stream"
import {
  diffSnapshots,
  dump,
  entries,
  fileHistory,
  showPath,
  snapshots,
  type Difference,
  type Entry,
  type RawPath,
  type Repository,
  type Snapshot,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type {
  DiffInput,
  HistoryInput,
  PathList,
  ReadInput,
  SyncDiff,
  SyncHistory,
  SyncRead,
} from "../results.ts"
import { changedFiles } from "../run/known.ts"
import { matcher } from "../run/wipe.ts"
import type { Setup } from "../setup.ts"
import { isDatabase } from "./databases.ts"
import { checkedPath, requirePaths } from "./paths.ts"
import { snapshotPath, textOf } from "./plan.ts"
import { makePlan } from "./plans.ts"
import { resolveTimestamp, timestampOf, type Chosen } from "./resolve.ts"

const HISTORY_DEFAULT = 20
const TEXT_BYTES_MAX = 256 * 1024
const SHOWN_MAX = 100

/** Also of snapshots that were made before a pattern excluded them. */
const CREDENTIALS =
  /(^|\/)(\.env[^/]*|[^/]*\.(key|pem|p12|pfx|keystore)|id_(rsa|ed25519|ecdsa|dsa)|(auth|oauth_creds|auth-profiles|secrets?)\.json|\.credentials\.json|credentials|\.netrc|\.npmrc)(\/|$)/i

export async function historyOf(
  setup: Setup,
  { limit = HISTORY_DEFAULT, path }: HistoryInput,
): Promise<SyncHistory> {
  return await withRepository(setup, async (repository) => {
    const all = await snapshots(repository, { series: setup.series })
    const changed = changedFiles(all)
    const good = new Set(all.flatMap((each) => (each.good ? [each.digest] : [])))
    const found = path === undefined ? all.toReversed() : await versionsOf(setup, repository, path)
    return {
      v: 1,
      snapshots: found.slice(0, limit).map((snapshot) => ({
        timestamp: timestampOf(snapshot),
        snapshot: snapshot.digest,
        trigger: snapshot.trigger,
        host: snapshot.host,
        filesChanged: changed(snapshot),
        bytesAdded: snapshot.summary.dataAdded,
        flag: good.has(snapshot.digest) ? null : snapshot.flag,
      })),
    }
  })
}

/** The snapshots in which the file was new, changed or gone, newest first. */
async function versionsOf(setup: Setup, repository: Repository, path: string): Promise<Snapshot[]> {
  const found: Snapshot[] = []
  const inside = snapshotPath("workspace", checkedPath(path))
  for await (const { snapshot } of fileHistory(repository, inside, { series: setup.series }))
    found.push(snapshot)
  if (found.length > 0) return found
  throw new AgentProblem("path-not-found", `no snapshot of this agent has ${JSON.stringify(path)}`)
}

export async function readFrom(setup: Setup, { timestamp, path }: ReadInput): Promise<SyncRead> {
  return await withRepository(setup, async (repository) => {
    const chosen = await resolveTimestamp(setup, repository, timestamp)
    const inside = checkedPath(path)
    requireReadable(setup, inside)
    const entry = await entryAt(repository, chosen, inside)
    if (entry === undefined) throw await notFound(repository, chosen, inside)
    const text = await textOfEntry(repository, chosen, entry)
    const { digest } = chosen.snapshot
    return {
      v: 1,
      timestamp: chosen.timestamp,
      snapshot: digest,
      path: textOf(inside),
      bytes: entry.size,
      text,
    }
  })
}

async function notFound(repository: Repository, { snapshot }: Chosen, inside: RawPath): Promise<Error> {
  const all = new Map<RawPath, Entry>()
  for await (const entry of entries(repository, snapshot, { within: "workspace" as RawPath }))
    all.set(entry.path.slice("workspace/".length) as RawPath, entry)
  try {
    requirePaths([inside], all)
  } catch (error) {
    if (error instanceof Error) return error
  }
  return new AgentProblem("path-not-found", `the snapshot has no ${showPath(inside)}`)
}

/** @throws AgentProblem "not-readable" for what a backup leaves out, credentials and databases */
function requireReadable({ roots }: Setup, path: RawPath): void {
  const exclude = roots.find(({ name }) => name === "workspace")?.exclude ?? []
  const why = CREDENTIALS.test(path)
    ? "it may be a credential"
    : isDatabase({ path, type: "file" })
      ? "it is a database"
      : exclude.length > 0 && matcher(exclude)(textOf(path))
        ? "the configuration excludes it"
        : undefined
  if (why === undefined) return
  throw new AgentProblem(
    "not-readable",
    `${showPath(path)} is not shown by a tool: ${why}`,
    "a person can use: holdfast dump",
  )
}

async function entryAt(
  repository: Repository,
  { snapshot }: Chosen,
  inside: RawPath,
): Promise<Entry | undefined> {
  const within = snapshotPath("workspace", inside)
  for await (const entry of entries(repository, snapshot, { within, recursive: false }))
    if (entry.path === within) return entry
  return undefined
}

/** @throws AgentProblem "not-text" or "too-large" */
async function textOfEntry(repository: Repository, { snapshot }: Chosen, entry: Entry): Promise<string> {
  const shown = showPath(entry.path.slice("workspace/".length))
  if (entry.type !== "file") throw new AgentProblem("not-text", `${shown} is a ${entry.type}, not a file`)
  if (isDatabase(entry))
    throw new AgentProblem("not-readable", `${shown} is not shown by a tool: it is a database`)
  if (entry.size > TEXT_BYTES_MAX) throw tooLarge(shown, entry.size)
  const parts: Buffer[] = []
  const out = new Writable({
    write(bytes: Uint8Array, _encoding, done) {
      parts.push(Buffer.from(bytes)) // a copy, since the bytes are reused
      done()
    },
  })
  await dump(repository, snapshot, entry.path, { out })
  return decoded(shown, Buffer.concat(parts))
}

function tooLarge(shown: string, bytes: number): AgentProblem {
  return new AgentProblem(
    "too-large",
    `${shown} has ${bytes} bytes; a tool shows at most ${TEXT_BYTES_MAX}`,
    "sync_restore with mode staged and this path puts it into a folder",
  )
}

function decoded(shown: string, bytes: Buffer): string {
  try {
    if (!bytes.includes(0)) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // not UTF-8
  }
  throw new AgentProblem(
    "not-text",
    `${shown} is not a text file`,
    "sync_restore with mode staged gives the file itself",
  )
}

export async function diffOf(setup: Setup, { from, to, path }: DiffInput): Promise<SyncDiff> {
  return await withRepository(setup, async (repository) => {
    const before = await resolveTimestamp(setup, repository, from)
    const after = to === undefined ? undefined : await resolveTimestamp(setup, repository, to)
    const inside = path === undefined ? undefined : checkedPath(path)
    const asked: Asked = { setup, repository, before, after, inside }
    const lists = after === undefined ? await toDisk(asked) : await between({ ...asked, after })
    const text = inside === undefined ? undefined : await textDiff(asked, inside)
    return {
      v: 1,
      from: before.timestamp,
      to: after?.timestamp ?? "now",
      ...lists,
      ...(text === undefined ? {} : { text }),
    }
  })
}

interface Asked {
  readonly setup: Setup
  readonly repository: Repository
  readonly before: Chosen
  /** Undefined: the workspace as it is now. */
  readonly after: Chosen | undefined
  readonly inside: RawPath | undefined
}

type Lists = Pick<SyncDiff, "added" | "changed" | "removed">

/** What a restore would create is gone now, and what it would leave is new. */
async function toDisk({ setup, repository, before, inside }: Asked): Promise<Lists> {
  const { overwrite, create, extraLocal } = await makePlan({
    context: { setup, by: "cli" },
    repository,
    chosen: { ...before, isUndo: false },
    paths: inside === undefined ? undefined : [textOf(inside)],
    operator: false,
    mayBeAbsent: true,
  })
  return { added: extraLocal, changed: overwrite, removed: create }
}

async function between({ repository, before, after, inside }: Asked & { after: Chosen }): Promise<Lists> {
  const within = snapshotPath("workspace", inside ?? ("" as RawPath))
  const found: Record<"added" | "changed" | "removed", string[]> = { added: [], changed: [], removed: [] }
  try {
    for await (const each of diffSnapshots(repository, before.snapshot, after.snapshot, within)) {
      const kind = kindOf(each)
      if (kind !== undefined) found[kind].push(showPath(each.path.slice("workspace/".length)))
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "no-entry")
      throw await notFound(repository, after, inside ?? ("" as RawPath))
    throw error
  }
  return { added: listOf(found.added), changed: listOf(found.changed), removed: listOf(found.removed) }
}

function kindOf({ change, before, after }: Difference): keyof Lists | undefined {
  if ((after ?? before)?.type === "directory") return undefined
  if (change === "added" || change === "removed") return change
  return change === "metadata" ? undefined : "changed"
}

function listOf(paths: readonly string[]): PathList {
  return { count: paths.length, paths: paths.slice(0, SHOWN_MAX) }
}

const FOLDER = Symbol("folder")

/** The text of a file; undefined if it is absent. */
type Side = string | typeof FOLDER | undefined

/** Undefined if the path is a folder. An absent side is empty. */
async function textDiff(asked: Asked, inside: RawPath): Promise<string | undefined> {
  const { setup, repository, before, after } = asked
  requireReadable(setup, inside)
  const old = await sideOf(repository, before, inside)
  const now = after === undefined ? localText(setup, inside) : await sideOf(repository, after, inside)
  if (old === FOLDER || now === FOLDER || (old === undefined && now === undefined)) return undefined
  const { createTwoFilesPatch } = await import("diff")
  const name = textOf(inside)
  const patch = createTwoFilesPatch(
    old === undefined ? "/dev/null" : name,
    now === undefined ? "/dev/null" : name,
    old ?? "",
    now ?? "",
    before.timestamp,
    after?.timestamp ?? "now",
    { context: 3 },
  )
  return patch.slice(patch.indexOf("--- "))
}

async function sideOf(repository: Repository, chosen: Chosen, inside: RawPath): Promise<Side> {
  const entry = await entryAt(repository, chosen, inside)
  if (entry === undefined) return undefined
  return entry.type === "directory" ? FOLDER : await textOfEntry(repository, chosen, entry)
}

/** Never through a link: neither the file nor a folder above it may be one. */
function localText({ workspace }: Setup, inside: RawPath): Side {
  const file = join(workspace, textOf(inside))
  let descriptor: number
  try {
    if (realpathSync(dirname(file)) !== dirname(file))
      throw new AgentProblem("bad-path", `${showPath(inside)} is behind a link`)
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (error instanceof AgentProblem) throw error
    return undefined
  }
  try {
    const stat = fstatSync(descriptor)
    if (stat.isDirectory()) return FOLDER
    if (!stat.isFile()) throw new AgentProblem("not-text", `${showPath(inside)} is not a file`)
    if (stat.size > TEXT_BYTES_MAX) throw tooLarge(showPath(inside), stat.size)
    return decoded(showPath(inside), readFileSync(descriptor))
  } finally {
    closeSync(descriptor)
  }
}

async function withRepository<T>(setup: Setup, run: (repository: Repository) => Promise<T>): Promise<T> {
  const repository = await setup.openRepository()
  try {
    return await run(repository)
  } finally {
    repository.close()
  }
}

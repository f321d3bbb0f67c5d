/**
 * Scan, the first stage of a backup: walks the source in listing order and compares each folder with its
 * record of the last run (rule W8). Unchanged entries are neither read nor looked up. The rest becomes
 * changes in listing order: entries to put, with a job when a file must be read, and paths to remove. New
 * folder records wait in `FolderRecords` until the run commits. spec/files.md.
 */
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { isWithin, joinPath } from "../base/paths.ts"
import { paysThreads } from "../base/worker-pool.ts"
import { openDirectoryRecord, type DirectoryCursor, type Passed } from "../home/directory-record.ts"
import type { Repository } from "../session/repository.ts"
import { type Folder, walk } from "../source/walk.ts"
import type { Stat } from "../system/stat.ts"
import { type Change, type ChangeTools, type Link, makeChange } from "./change.ts"
import type { OpenRecord } from "./folder-records.ts"
import { previousClasses } from "./kept-nodes.ts"
import type { Run } from "./run.ts"
import { unreadableReason } from "./split/steady-read.ts"
import type { Counts } from "./tally.ts"

/** The record that keeps the root's own stat; no folder can have this path. */
const ROOT_RECORD = "/" as RawPath
const ROOT_NAME = "." as RawPath

interface FolderState {
  readonly folder: Folder
  readonly known: DirectoryCursor | undefined
  readonly record: OpenRecord
}

/** The state of the whole walk. */
interface Tree extends ChangeTools {
  /** The first link of each file with several names, by device and inode. */
  readonly links: Map<string, Link>
  /** Folders ahead that the last run did not have. */
  readonly unknown: Set<RawPath>
}

export interface Scanned {
  /** Each change once, in listing order. */
  readonly changes: Iterable<Change>
  /** The whole source has been walked; its changes are too few to pay for threads. */
  readonly isSmall: boolean
  /** The whole source has been walked, and has not changed. */
  readonly isUnchanged: boolean
}

/** Walks until it is clear whether this is a small run; the rest is walked as `changes` is consumed. */
export function scanAhead(repository: Repository, run: Run): Scanned {
  const changes = tallied(scan(repository, run), run)
  const first: Change[] = []
  let bytes = 0
  while (!paysThreads({ files: first.length, bytes })) {
    const next = changes.next()
    if (next.done === true)
      return { changes: chain(first, []), isSmall: true, isUnchanged: first.length === 0 }
    first.push(next.value)
    if (next.value.type === "put") bytes += next.value.job?.size ?? 0
  }
  return { changes: chain(first, changes), isSmall: false, isUnchanged: false }
}

/** Counts the entries whose content is pending. */
function* tallied(changes: Iterable<Change>, { tally }: Run): Generator<Change, void, undefined> {
  for (const change of changes) {
    if (change.type === "put" && change.entry.type !== "directory") tally.scanned(change.entry.size)
    yield change
  }
  tally.scanEnded()
}

/** Empties `first`, so that each change is released once it is consumed. */
function* chain(first: Change[], rest: Iterable<Change>): Generator<Change, void, undefined> {
  yield* first.splice(0)
  yield* rest
}

function* scan(repository: Repository, run: Run): Generator<Change, void, undefined> {
  const { source, tally, records } = run
  const open = new Map<RawPath, FolderState>()
  const previousClass = previousClasses(repository.nodeCache(source.series), run.base)
  const tree: Tree = { run, previousClass, links: new Map(), unknown: new Set() }
  const waiting: Waiting[] = []
  const unreadable = (path: RawPath, error: string): void =>
    tally.unread(path, /^E[A-Z0-9]+$/.test(error) ? unreadableReason(error) : error) // a code or a sentence
  for (const { folder, from, to, ends } of walk(source.files, source.scope, { unreadable })) {
    yield* removalsBefore(waiting, folder.path)
    let state = open.get(folder.path)
    if (state === undefined) {
      if (folder.path === "" && !source.single) yield* scanRoot(tree, folder)
      state = openFolder(tree, folder)
      open.set(folder.path, state)
    }
    for (let position = from; position < to; position++) {
      const name = folder.names[position] as RawPath // the walk keeps `to` within the names
      const gone: RawPath[] = []
      const isKnown = state.known?.find(name, goneFrom(run, folder, gone)) === true
      yield* removals(state, gone)
      if (folder.stats[position]?.type === "socket") {
        if (isKnown) {
          if (state.known?.entry().type === "directory") records.removed(joinPath(folder.path, name))
          yield* removals(state, [name]) // nothing of a socket can be restored
        }
        continue
      }
      const change = compare(tree, state, { position, isKnown })
      count(tally.counts, folder.stats[position] as Stat)
      if (change !== undefined) yield change
    }
    if (!ends) continue
    const gone: RawPath[] = []
    state.known?.rest(goneFrom(run, folder, gone))
    if (gone.length > 0) state.record.changed = true
    records.walked(state.record)
    open.delete(folder.path)
    const last = to > from && folder.stats[to - 1]?.type === "directory" ? folder.names[to - 1] : undefined
    if (last === undefined) yield* removals(state, gone)
    else if (gone.length > 0) waiting.push({ state, gone, after: joinPath(folder.path, last) })
  }
  yield* removalsBefore(waiting, undefined)
}

/** Collects names that the folder no longer has. */
function goneFrom({ records }: Run, folder: Folder, gone: RawPath[]): Passed {
  return (name, type) => {
    gone.push(name)
    if (type === "directory") records.removed(joinPath(folder.path, name))
  }
}

/** Removed names that sort after a folder's last entry. They are yielded after everything below that entry. */
interface Waiting {
  readonly state: FolderState
  readonly gone: readonly RawPath[]
  readonly after: RawPath
}

/** Yields the removals that precede `next`, or all that wait when the walk has ended. */
function* removalsBefore(waiting: Waiting[], next: RawPath | undefined): Generator<Change> {
  for (let top = waiting.at(-1); top !== undefined; top = waiting.at(-1)) {
    if (next !== undefined && isWithin(next, top.after)) return
    waiting.pop()
    yield* removals(top.state, top.gone)
  }
}

/**
 * Opens a folder's record. A folder that is new since the last run starts without one: a record that an earlier
 * folder of that path left is ignored. Any other folder must have one, or removed names would stay in the listing.
 */
function openFolder({ run: { base, cache, records }, unknown }: Tree, folder: Folder): FolderState {
  const isKnown = !unknown.delete(folder.path) && base !== undefined
  const bytes = isKnown ? cache?.directory(folder.path) : undefined
  const known = bytes === undefined ? undefined : openDirectoryRecord(bytes)
  if (isKnown && known === undefined)
    throw new EngineError("not-found", "record-lost", "the file cache has lost a folder's record")
  return { folder, known, record: records.open(folder.path, known !== undefined) }
}

/** The root is an entry of its own, for its mode and times. A snapshot of a single file has none. */
function* scanRoot(tree: Tree, folder: Folder): Generator<Change> {
  const root: Folder = { ...folder, path: ROOT_RECORD, names: [ROOT_NAME], stats: [folder.stat] }
  const state = openFolder(tree, root)
  const isKnown = state.known?.find(ROOT_NAME) === true
  const change = compare(tree, state, { position: 0, isKnown, root: "" as RawPath })
  count(tree.run.tally.counts, folder.stat)
  tree.run.records.walked(state.record)
  if (change !== undefined) yield change
}

/** Removes names of the last run that this walk did not meet, with everything below them. */
function* removals({ folder, record }: FolderState, names: readonly RawPath[]): Generator<Change> {
  for (const name of names) {
    record.changed = true
    yield { type: "remove", path: joinPath(folder.path, name) }
  }
}

interface Place {
  readonly position: number
  /** The record's cursor is at the entry. */
  readonly isKnown: boolean
  readonly root?: RawPath
}

function compare(tree: Tree, state: FolderState, place: Place): Change | undefined {
  const { run, links, unknown } = tree
  const { folder, known, record } = state
  const { position, isKnown, root } = place
  const name = folder.names[position] as RawPath
  const stat = folder.stats[position] as Stat
  const path = root ?? joinPath(folder.path, name)
  const before = isKnown && (known?.isUnchanged(stat) !== true || stat.links > 1) ? known?.entry() : undefined
  const knownType = before?.type ?? (isKnown ? stat.type : undefined)
  if (stat.type === "directory" && knownType !== "directory" && root === undefined) unknown.add(path)
  if (stat.type !== "directory" && knownType === "directory") run.records.removed(path)

  const link = stat.links > 1 && stat.type === "file" ? `${stat.device}:${stat.inode}` : undefined
  const first = link === undefined ? undefined : links.get(link)
  record.put(position, name, stat, first?.path ?? null)
  let change: Change | undefined
  if (
    !isKnown ||
    known?.isUnchanged(stat) !== true ||
    (before !== undefined && before.hardLinkFirst !== (first?.path ?? null))
  ) {
    change = makeChange(tree, { path, stat, first, knownType }, { record, position })
    record.changed = true
    if (change?.type !== "put") record.drop(position)
  }
  if (link !== undefined && first === undefined)
    links.set(link, { path, change: change?.type === "put" ? change : undefined })
  return change
}

function count(counts: Counts, stat: Stat): void {
  if (stat.type === "directory") counts.dirs++
  else counts.files++
  if (stat.type === "file") counts.bytes += stat.size
}

/**
 * Scan, the first stage of a backup: walks the source in listing order and compares each folder with
 * what this device kept of the last run (rule W8). What is unchanged is neither read nor looked up;
 * the rest comes out as changes, in listing order: entries to put, with a job when a file must be
 * read, and paths to remove. New folder records wait in `FolderRecords` until the run commits.
 */
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { isWithin, joinPath, showPath } from "../base/paths.ts"
import { mayKeepClass, type FileClass } from "../chunks/classes.ts"
import { type Source } from "../source/source.ts"
import { isFailure, isStorable, splitDeviceNumber, type Stat } from "../system/stat.ts"
import type { Folder, Run } from "../source/walk.ts"
import type { Entry, EntryType } from "../format/listing-entry.ts"
import { openDirectoryRecord, type DirectoryCursor, type Passed } from "../home/directory-record.ts"
import type { FileCache } from "../home/file-cache.ts"
import type { FolderRecords, OpenRecord } from "./folder-records.ts"
import type { SplitJob, SplitRead } from "./split/split-messages.ts"

export type Change = PutChange | { readonly type: "remove"; readonly path: RawPath }

export interface PutChange {
  readonly type: "put"
  /** All but the content, as the walk saw it; attributes come with the content. */
  readonly entry: Omit<Entry, "content">
  /** Set when content must be read. */
  readonly job: SplitJob | undefined
  /** The first link of this file, when this run reads that one. */
  readonly linkTo: PutChange | undefined
  /** Beside `linkTo`: how to read this link itself, when the first turns out to be gone or another file. */
  readonly spare: SplitJob | undefined
  /** There was an entry at this path in the last run. */
  readonly known: boolean
  /** What was a folder is something else now: what lay below it goes. */
  readonly replacesTree: boolean
  /** The folder record that the entry goes into, and its place there. */
  readonly record: OpenRecord
  readonly position: number
  /** What the read came to, once it is known. */
  read: SplitRead | undefined
}

export interface ScanCounts {
  files: number
  dirs: number
  bytes: number
}

export interface ScanPorts {
  readonly source: Source
  readonly runs: Iterable<Run>
  /** Undefined to read every file again. */
  readonly cache: FileCache | undefined
  readonly records: FolderRecords
  /** The class that a path had in the last snapshot, for files whose size may change theirs. */
  readonly previousClass: (path: RawPath) => FileClass | undefined
  readonly onFailure: (path: RawPath, error: string) => void
  /** Of an entry that is kept, with something that could not be. */
  readonly onNotice: (message: string) => void
  /** Single files as snapshots have no entry for the root. */
  readonly withRoot: boolean
}

/** The record that keeps the root's own stat; no folder can have this path. */
const ROOT_RECORD = "/" as RawPath
const ROOT_NAME = "." as RawPath

interface FolderState {
  readonly folder: Folder
  readonly known: DirectoryCursor | undefined
  readonly record: OpenRecord
}

/** What holds for the whole walk. */
interface Tree {
  readonly ports: ScanPorts
  /** Files with several names, by device and inode: the first of them that the walk met. */
  readonly links: Map<string, Link>
  /** Folders ahead that the last run did not have. */
  readonly unknown: Set<RawPath>
}

interface Link {
  readonly path: RawPath
  readonly change: PutChange | undefined
}

export function* scan(ports: ScanPorts, counts: ScanCounts): Generator<Change, void, undefined> {
  const open = new Map<RawPath, FolderState>()
  const tree: Tree = { ports, links: new Map(), unknown: new Set() }
  const waiting: Waiting[] = []
  for (const { folder, from, to, ends } of ports.runs) {
    yield* removalsBefore(waiting, folder.path)
    let state = open.get(folder.path)
    if (state === undefined) {
      if (folder.path === "" && ports.withRoot) yield* scanRoot(tree, folder, counts)
      state = openFolder(tree, folder)
      open.set(folder.path, state)
    }
    for (let position = from; position < to; position++) {
      const name = folder.names[position] as RawPath // the walk keeps `to` within the names
      const gone: RawPath[] = []
      const isKnown = state.known?.find(name, goneFrom(ports, folder, gone)) === true
      yield* removals(state, gone)
      if (folder.stats[position]?.type === "socket") {
        if (isKnown) {
          if (state.known?.entry().type === "directory") ports.records.removed(joinPath(folder.path, name))
          yield* removals(state, [name]) // nothing of a socket can be restored
        }
        continue
      }
      const change = compare(tree, state, { position, isKnown })
      count(counts, folder.stats[position] as Stat)
      if (change !== undefined) yield change
    }
    if (!ends) continue
    const gone: RawPath[] = []
    state.known?.rest(goneFrom(ports, folder, gone))
    if (gone.length > 0) state.record.changed = true
    ports.records.walked(state.record)
    open.delete(folder.path)
    const last = to > from && folder.stats[to - 1]?.type === "directory" ? folder.names[to - 1] : undefined
    if (last === undefined) yield* removals(state, gone)
    else if (gone.length > 0) waiting.push({ state, gone, after: joinPath(folder.path, last) })
  }
  yield* removalsBefore(waiting, undefined)
}

/** Collects names that the folder no longer has. */
function goneFrom({ records }: ScanPorts, folder: Folder, gone: RawPath[]): Passed {
  return (name, type) => {
    gone.push(name)
    if (type === "directory") records.removed(joinPath(folder.path, name))
  }
}

/** A folder's last names are gone, and what lies below the last one that is there comes first. */
interface Waiting {
  readonly state: FolderState
  readonly gone: readonly RawPath[]
  readonly after: RawPath
}

/** Those whose turn it is when the walk goes on with `next`, or ends. */
function* removalsBefore(waiting: Waiting[], next: RawPath | undefined): Generator<Change> {
  for (let top = waiting.at(-1); top !== undefined; top = waiting.at(-1)) {
    if (next !== undefined && isWithin(next, top.after)) return
    waiting.pop()
    yield* removals(top.state, top.gone)
  }
}

/**
 * A folder that was not there last time has no record, whatever an older one left behind. Any other one has:
 * without it, names that are gone would stay in the listing.
 */
function openFolder({ ports: { cache, records }, unknown }: Tree, folder: Folder): FolderState {
  const isKnown = !unknown.delete(folder.path) && cache !== undefined
  const bytes = isKnown ? cache.directory(folder.path) : undefined
  const known = bytes === undefined ? undefined : openDirectoryRecord(bytes)
  if (isKnown && known === undefined)
    throw new EngineError("not-found", "record-lost", "the file cache has lost a folder's record")
  return { folder, known, record: records.open(folder.path, known !== undefined) }
}

/** The root is an entry of its own: a folder's mode and times count too. */
function* scanRoot(tree: Tree, folder: Folder, counts: ScanCounts): Generator<Change> {
  const root: Folder = { ...folder, path: ROOT_RECORD, names: [ROOT_NAME], stats: [folder.stat] }
  const state = openFolder(tree, root)
  const isKnown = state.known?.find(ROOT_NAME) === true
  const change = compare(tree, state, { position: 0, isKnown, root: "" as RawPath })
  count(counts, folder.stat)
  tree.ports.records.walked(state.record)
  if (change !== undefined) yield change
}

/** Names of the last run that this walk did not meet: they are gone, with all below them. */
function* removals({ folder, record }: FolderState, names: readonly RawPath[]): Generator<Change> {
  for (const name of names) {
    record.changed = true
    yield { type: "remove", path: joinPath(folder.path, name) }
  }
}

interface Place {
  readonly position: number
  /** The record's cursor stands on the entry. */
  readonly isKnown: boolean
  readonly root?: RawPath
}

function compare({ ports, links, unknown }: Tree, state: FolderState, place: Place): Change | undefined {
  const { folder, known, record } = state
  const { position, isKnown, root } = place
  const name = folder.names[position] as RawPath
  const stat = folder.stats[position] as Stat
  const path = root ?? joinPath(folder.path, name)
  const before = isKnown && (known?.isUnchanged(stat) !== true || stat.links > 1) ? known?.entry() : undefined
  const knownType = before?.type ?? (isKnown ? stat.type : undefined)
  if (stat.type === "directory" && knownType !== "directory" && root === undefined) unknown.add(path)
  if (stat.type !== "directory" && knownType === "directory") ports.records.removed(path)

  const link = stat.links > 1 && stat.type === "file" ? `${stat.device}:${stat.inode}` : undefined
  const first = link === undefined ? undefined : links.get(link)
  record.put(position, name, stat, first?.path ?? null)
  let change: Change | undefined
  if (
    !isKnown ||
    known?.isUnchanged(stat) !== true ||
    (before !== undefined && before.hardLinkFirst !== (first?.path ?? null))
  ) {
    change = makeChange(ports, { path, stat, first, knownType }, { record, position })
    record.changed = true
    if (change?.type !== "put") record.drop(position)
  }
  if (link !== undefined && first === undefined)
    links.set(link, { path, change: change?.type === "put" ? change : undefined })
  return change
}

interface Found {
  readonly path: RawPath
  readonly stat: Stat
  readonly first: Link | undefined
  readonly knownType: string | undefined
}

function makeChange(
  ports: ScanPorts,
  { path, stat, first, knownType }: Found,
  place: { record: OpenRecord; position: number },
): Change | undefined {
  const isRead = hasContent(ports.source, path, stat)
  const entry = describe(ports, { path, stat, isRead }, first?.path ?? null)
  if (entry === undefined) return knownType === undefined ? undefined : { type: "remove", path }
  const linkTo = first?.change
  const reading = isRead ? jobOf(ports, { path, stat, knownType }) : undefined
  if (reading !== undefined) ports.records.expect(place.record)
  return {
    type: "put",
    entry,
    job: linkTo === undefined ? reading : undefined,
    linkTo,
    spare: linkTo === undefined ? undefined : reading,
    known: knownType !== undefined,
    replacesTree: knownType === "directory" && stat.type !== "directory",
    ...place,
    read: undefined,
  }
}

function jobOf(ports: ScanPorts, { path, stat, knownType }: Omit<Found, "first">): SplitJob {
  const { size, inode, mtimeNs, ctimeNs } = stat
  const looksBack = knownType === "file" && mayKeepClass(size)
  const previousClass = looksBack ? (ports.previousClass(path) ?? -1) : -1
  return { ...ports.source.anchored(path), size, inode, mtimeNs, ctimeNs, previousClass }
}

/** Whether it must be read: a size of 0 counts only where the file system is known to report sizes that are right. */
function hasContent(source: Source, path: RawPath, stat: Stat): boolean {
  return stat.type === "file" && (stat.size > 0 || source.sizesAreHints?.(path, stat.device) === true)
}

const TIME_OUT_OF_RANGE =
  "the modification time is outside 1677 to 2262; the nearest time in that range is saved"

interface Described {
  readonly path: RawPath
  readonly stat: Stat
  /** Its attributes are read with its content. */
  readonly isRead: boolean
}

/** readlink(2) gives EINVAL for what is no longer a link. */
function linkError(code: string): string {
  return code === "EINVAL" ? "ENOTFILE" : code
}

/** Everything but the content, and the attributes of a file that is read; undefined, and reported, for what can't be kept. */
function describe(
  ports: ScanPorts,
  { path, stat, isRead }: Described,
  hardLink: RawPath | null,
): Omit<Entry, "content"> | undefined {
  const { source } = ports
  if (stat.type === "socket") return undefined
  const target = stat.type === "symlink" ? source.readLink(path) : null
  if (isFailure(target) || target === "") {
    ports.onFailure(path, isFailure(target) ? linkError(target.error) : "its target is empty")
    return undefined
  }
  const xattrs = source.xattrsAvailable && !isRead ? source.xattrs(path) : []
  if (isFailure(xattrs)) ports.onFailure(path, xattrs.error)
  if (!isStorable(stat.mtimeNs)) ports.onNotice(`${showPath(path)}: ${TIME_OUT_OF_RANGE}`)
  const type: EntryType = stat.type
  return {
    path,
    type,
    mode: stat.mode,
    mtimeNs: stat.mtimeNs,
    uid: stat.uid,
    gid: stat.gid,
    user: source.userName(stat.uid),
    group: source.groupName(stat.gid),
    size: type === "file" ? stat.size : 0,
    linkTarget: target,
    device: type === "character-device" || type === "block-device" ? splitDeviceNumber(stat.rdev) : null,
    hardLink,
    xattrs: isFailure(xattrs) ? [] : xattrs,
    sparse: type === "file" && stat.blocks * 512 < stat.size,
    torn: false,
  }
}

function count(counts: ScanCounts, stat: Stat): void {
  if (stat.type === "directory") counts.dirs++
  else counts.files++
  if (stat.type === "file") counts.bytes += stat.size
}

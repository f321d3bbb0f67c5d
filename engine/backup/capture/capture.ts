/**
 * Consistent capture, before the scan: finds the source's SQLite databases and copies those that changed since the
 * last run, in one child process. The scan then reads a source whose databases are the copies, so they are older
 * than everything that is read after them. A database that can't be copied is read as it is, labelled and
 * reported; nothing of the source is written. spec/files.md.
 */
import { realpathSync } from "node:fs"
import { randomBytes } from "node:crypto"
import * as path from "node:path"
import type { RawPath } from "../../base/ids.ts"
import { baseName, fsPath, rawPathFromText, showPath } from "../../base/paths.ts"
import type { Scope, Source } from "../../source/source.ts"
import { type Failure, isFailure, lstat } from "../../system/stat.ts"
import { type CaptureFolder, openCaptureFolder } from "./capture-folder.ts"
import { type Capture, capturedSource } from "./captured-source.ts"
import type { CopyOutcome, CopyRequest } from "./copy-database.ts"
import { findDatabases, type FoundDatabase } from "./find-databases.ts"
import { type Fingerprint, sameFingerprint } from "./fingerprint.ts"
import type { Copier } from "./run-child.ts"

export interface CaptureRequest {
  readonly files: Source
  readonly scope: Scope | undefined
  readonly emptyTables: readonly string[]
  /** What the last run kept with `records`, if its listing is the base of this run. */
  readonly known: string | undefined
  readonly cacheRoot: string
  readonly nowNs: bigint
  readonly notice: (message: string) => void
  /** Counts a database that is read as it is. */
  readonly readRaw: (path: RawPath, reason: string) => void
  /** Reports a database that the snapshot will lack. */
  readonly unsaved: (path: RawPath, message: string) => void
}

export interface Captured {
  readonly files: Source
  /** For the next run: what each database looked like. */
  readonly records: string
  /** Removes the copies. */
  close(): void
}

/** A database of an earlier run. */
interface Known {
  readonly fingerprint: Fingerprint
  /** Undefined: it was read as it is. */
  readonly shown: { readonly size: number; readonly mtimeNs: string; readonly number: string } | undefined
  /** Why. */
  readonly reason: string | undefined
  /** It is not a database. */
  readonly isOther?: boolean | undefined
}

type KnownDatabases = ReadonlyMap<RawPath, Known>

export async function capture(request: CaptureRequest): Promise<Captured> {
  const known = readKnown(request.known, request.emptyTables)
  const isKnown = (at: RawPath, look: FoundDatabase["look"]): boolean => {
    const before = known.get(at)
    return before !== undefined && sameFingerprint(before.fingerprint, look.fingerprint)
  }
  const found = findDatabases(request.files, request.scope, request.nowNs)
  // paths of one file are one database; only a log beside one of them says which path its program uses
  const fresh = found.filter(({ path: at, look, stat }) => stat.links > 1 || !isKnown(at, look))
  const others = new Set<RawPath>()
  const kept = found
    .filter((database) => !fresh.includes(database))
    .flatMap((database) => {
      const before = known.get(database.path)
      if (before?.isOther !== true) return [asBefore(request, database, before)]
      others.add(database.path)
      return []
    })
  const copied = await copyAll(request, fresh)
  for (const at of copied.others) others.add(at)
  const all = [...kept, ...copied.captures]
  return {
    files: capturedSource(request.files, all, copied.folder?.name ?? ""),
    records: keptText(request.emptyTables, found, { captures: all, others }),
    close: () => copied.folder?.remove(),
  }
}

function asBefore(request: CaptureRequest, { path: at }: FoundDatabase, before: Known | undefined): Capture {
  const shown = before?.shown
  if (shown === undefined) return readAsItIs(request, at, before?.reason ?? "")
  const { size, mtimeNs, number } = shown
  return {
    path: at,
    shown: { size, mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(number), blocks: blocksOf(size) },
    content: { capture: "sqlite", file: undefined },
    copy: undefined,
    isLeftOut: false,
  }
}

function readAsItIs({ readRaw }: CaptureRequest, at: RawPath, reason: string): Capture {
  readRaw(at, reason)
  return { ...WITHOUT_COPY, path: at, reason }
}

const WITHOUT_COPY: Omit<Capture, "path"> = {
  shown: undefined,
  content: { capture: "sqlite-raw", file: undefined },
  copy: undefined,
  isLeftOut: false,
}

/** No holes. */
function blocksOf(size: number): number {
  return Math.ceil(size / 512)
}

interface Copied {
  readonly captures: Capture[]
  readonly folder: CaptureFolder | undefined
  /** They only have the name of a database. */
  readonly others: readonly RawPath[]
}

async function copyAll(request: CaptureRequest, fresh: readonly FoundDatabase[]): Promise<Copied> {
  if (fresh.length === 0) return { captures: [], folder: undefined, others: [] }
  const { withCopier } = await import("./run-child.ts")
  return await withCopier(async (copier) => {
    const looked = await copier.look(fresh.map(({ path: at }) => realPlace(request.files.place(at))))
    const isDatabase = new Map(
      fresh.map((database, i) => [database, database.stat.size === 0 || looked[i] !== false]),
    )
    const groups = byFile(fresh.filter((database) => isDatabase.get(database) === true))
    const rest = fresh.filter((database) => isDatabase.get(database) !== true)
    const rawOnes = rest
      .filter(({ isLikely }) => isLikely)
      .map((database) => withoutCopy(request, database, OPAQUE))
    const others = rest.filter(({ isLikely }) => !isLikely).map(({ path: at }) => at)
    if (groups.length === 0) return { captures: rawOnes, folder: undefined, others }
    const bytes = groups.reduce((sum, [first]) => sum + first.look.bytes, 0)
    const folder = openCaptureFolder(request.cacheRoot, bytes)
    try {
      const captures = await copyGroups(request, groups, { copier, folder })
      return { captures: [...rawOnes, ...captures], folder, others }
    } catch (error) {
      folder?.remove()
      throw error
    }
  })
}

const OPAQUE: Raw = { outcome: "raw", reason: "it is encrypted or not a database", isOpaque: true }

type Group = readonly [FoundDatabase, ...FoundDatabase[]]

/** Paths of one file together; the one with a log or journal beside it first. */
function byFile(found: readonly FoundDatabase[]): Group[] {
  const groups = new Map<string, [FoundDatabase, ...FoundDatabase[]]>()
  for (const database of found) {
    const key = `${database.stat.device} ${database.stat.inode}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [database])
    else if (database.look.hasWal || database.look.hasJournal) group.unshift(database)
    else group.push(database)
  }
  return [...groups.values()]
}

async function copyGroups(
  request: CaptureRequest,
  groups: readonly Group[],
  { copier, folder }: { readonly copier: Copier; readonly folder: CaptureFolder | undefined },
): Promise<Capture[]> {
  if (folder === undefined) {
    const full: CopyOutcome = { outcome: "raw", reason: "there is no room for a copy", isOpaque: false }
    return groups.flatMap((group) => group.flatMap((each) => withoutCopy(request, each, full)))
  }
  const jobs = groups.map(([first], i) => jobOf(request, first, path.join(folder.path, `${i}`)))
  const outcomes = await copier.copy(jobs)
  return groups.flatMap((group, i) => {
    const outcome = outcomes[i] as CopyOutcome // one for each
    const { copy } = jobs[i] as CopyRequest
    const raw = rawPathFromText(copy)
    if (outcome.outcome === "copied") return copied(group, raw)
    return outcome.outcome === "gone" ? [] : group.flatMap((each) => withoutCopy(request, each, outcome))
  })
}

function jobOf({ files, emptyTables }: CaptureRequest, database: FoundDatabase, copy: string): CopyRequest {
  const { stat } = database
  // the folder is held open here, but not in the child process
  const at = realPlace(files.place(database.path))
  return { path: at, identity: `${stat.device} ${stat.inode}`, copy, emptyTables }
}

/** @returns "" for one that is gone */
function realPlace(place: string | Failure): string {
  if (isFailure(place)) return ""
  try {
    const folder = realpathSync(fsPath(place.slice(0, place.lastIndexOf("/")) || "/"), "latin1")
    return `${folder === "/" ? "" : folder}/${baseName(place as RawPath)}`
  } catch {
    return ""
  }
}

/** Every path of the file shows the same copy. */
function copied(group: Group, copy: RawPath): Capture[] {
  const file = lstat(copy)
  if (isFailure(file)) return []
  const { size, mtimeNs, ctimeNs, inode } = file
  const shown = {
    size,
    mtimeNs: group[0].look.mtimeNs,
    ctimeNs: BigInt(randomBytes(6).readUIntBE(0, 6)), // long ago for a time, so it is never racy
    blocks: blocksOf(size),
  }
  const content = { capture: "sqlite" as const, file: { size, mtimeNs, ctimeNs, inode } }
  return group.map(({ path: at }) => ({ path: at, shown, content, copy, isLeftOut: false }))
}

type Raw = Extract<CopyOutcome, { outcome: "raw" }>

/** Reads the database as it is, unless it may hold what was to be left out. */
function withoutCopy(
  request: CaptureRequest,
  { path: at }: FoundDatabase,
  { reason, isOpaque }: Raw,
): Capture {
  if (request.emptyTables.length === 0 || isOpaque) {
    const what = `${showPath(at)}: ${reason}. Its files are saved as they are, which may not be one state of the database`
    request.notice(what)
    return readAsItIs(request, at, reason)
  }
  request.unsaved(at, `${reason}. It was not saved, since its tables could not be left out`)
  return { ...WITHOUT_COPY, path: at, isLeftOut: true }
}

interface Kept {
  readonly emptyTables: readonly string[]
  readonly databases: readonly (readonly [RawPath, Known])[]
}

function keptText(
  emptyTables: readonly string[],
  found: readonly FoundDatabase[],
  { captures, others }: { readonly captures: readonly Capture[]; readonly others: ReadonlySet<RawPath> },
): string {
  const byPath = new Map(captures.map((each) => [each.path, each]))
  const databases: [RawPath, Known][] = []
  for (const { path: at, look } of found) {
    const capture = byPath.get(at)
    if (others.has(at) && !look.isRacy)
      databases.push([
        at,
        { fingerprint: look.fingerprint, shown: undefined, reason: undefined, isOther: true },
      ])
    if (capture === undefined || capture.isLeftOut || look.isRacy) continue
    const { shown, reason } = capture
    const { fingerprint } = look
    const kept = shown && { size: shown.size, mtimeNs: `${shown.mtimeNs}`, number: `${shown.ctimeNs}` }
    databases.push([at, { fingerprint, shown: kept, reason }])
  }
  return JSON.stringify({ emptyTables, databases } satisfies Kept)
}

/** Nothing is known if other tables are to be emptied now. */
function readKnown(text: string | undefined, emptyTables: readonly string[]): KnownDatabases {
  if (text === undefined) return new Map()
  const kept = JSON.parse(text) as Kept // our own text, with a checksum
  return kept.emptyTables.join("\0") === emptyTables.join("\0") ? new Map(kept.databases) : new Map()
}

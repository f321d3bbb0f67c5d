/**
 * Says what `--delete` may remove: only entries that the backup would have saved if they had existed. The backup's
 * filters are in the snapshot's options; its ignore files and markers are among the snapshot's files. They are
 * applied to the target's entries as a backup would. Rule F31 of spec/files.md.
 */
import { readSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { baseName, isWithin, joinPath, parentPath, pathBelow } from "../base/paths.ts"
import { originOf } from "../source/inside.ts"
import { readPaths } from "../source/kept-paths.ts"
import { isWholeSelection, readSelection } from "../source/kept-selection.ts"
import { CACHE_MARKER, parseMarker } from "../source/markers.ts"
import { mountPointsBelow } from "../system/file-systems.ts"
import { closeDescriptor } from "../target/new-file.ts"
import type { Scope } from "../source/source.ts"
import { createSelection } from "../source/select.ts"
import type { Stat } from "../system/stat.ts"
import type { Target } from "../target/target.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import { lookUp } from "../listing/look-up.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { namedBelow } from "./recorded-origin.ts"
import type { RestoreRequest, StayReason } from "./restore-request.ts"
import type { Selected } from "./selected.ts"

export interface DeletePorts {
  readonly request: RestoreRequest
  readonly target: Target
  readonly selected: Selected
  /** The repository and this device's home, relative to the target. */
  readonly own: readonly RawPath[]
  readonly loadListing: LoadNodes
  /** The content of a file of the snapshot, as raw text. */
  readonly textOf: (entry: Entry) => Promise<string>
}

/** The rules for the entries of one folder. */
export interface FolderRules {
  /** Why an entry stays with its descendants; undefined when it may be removed. */
  stays(path: RawPath, stat: Stat): StayReason | undefined
  /** The rules in a folder that the snapshot does not have. */
  inside(path: RawPath, stat: Stat): FolderRules
  /** Whether it is an ignore file or a marker. Without it, a backup would save what it leaves out. */
  isRule(path: RawPath): boolean
}

export interface DeleteRules {
  /** The rules in a folder that the snapshot has. */
  inside(folder: RawPath): Promise<FolderRules>
}

const TEXT_BYTES_MAX = 16 * 1024 ** 2

/** The scopes ignore devices: mounts are recognised here. */
const ANY_FOLDER: Stat = {
  type: "directory",
  mode: 0o755,
  size: 0,
  mtimeNs: 0n,
  ctimeNs: 0n,
  inode: 0n,
  device: 0n,
  links: 1,
  uid: 0,
  gid: 0,
  rdev: 0n,
  blocks: 0,
}

export function createDeleteRules(ports: DeletePorts): DeleteRules {
  const { request, target, selected, own } = ports
  const { snapshot, within = "" as RawPath } = request
  const looked = whatWasLookedAt(snapshot)
  const selection = readSelection(snapshot.options["selection"])
  const scopes = createScopes(ports, selection)
  const mounts = mountPointsBelow(target.root)
  const rootDevice = target.look("" as RawPath)?.device

  const inSnapshot = (path: RawPath): RawPath => (path === "" ? within : joinPath(within, path))
  const rulesIn = (folder: RawPath, scope: Scope, device: bigint | undefined): FolderRules => {
    const isLooked = looked?.covers(inSnapshot(folder)) === true
    const isOther = selection.oneFileSystem === true && device !== namedDevice(folder)
    return {
      stays(path, stat) {
        const saved = inSnapshot(path)
        if (own.some((each) => isWithin(path, each))) return "own"
        const unseen = looked === undefined ? "unread" : looked.isUnseen(saved)
        if (unseen !== undefined) return unseen
        if (mounts.has(path) || (stat.type === "directory" && stat.device !== device)) return "mount"
        if (isOther) return "other-file-system"
        // a socket can't be saved
        if (!isLooked || stat.type === "socket" || !scope.keeps(saved, baseName(path), stat)) return "filter"
        const type = stat.type === "directory" ? "directory" : "file"
        return selected.place({ path: saved, type }) === undefined ? "not-asked" : undefined
      },
      inside: (path, stat) => rulesIn(path, scopes.insideExtra(scope, inSnapshot(path)), stat.device),
      isRule: (path) => scopes.names.includes(baseName(path)),
    }
  }
  /** A source path may be on any file system. Below it, the backup stayed on that one. */
  const namedDevice = (folder: RawPath): bigint | undefined => {
    const named = looked?.namedAbove(inSnapshot(folder))
    const place = named === undefined ? undefined : pathBelow(named, within)
    return place === undefined || place === "" ? rootDevice : target.look(place)?.device
  }
  return {
    inside: async (folder) => {
      const device = target.look(folder)?.device
      return rulesIn(folder, await scopes.inside(inSnapshot(folder)), device)
    },
  }
}

interface Looked {
  /** Whether it looked at all entries of this folder but those that filters left out. */
  covers(folder: RawPath): boolean
  /** The innermost source path that contains this folder. */
  namedAbove(folder: RawPath): RawPath | undefined
  isUnseen(path: RawPath): StayReason | undefined
}

/** What the backup looked at. Undefined when the snapshot does not record all of it: nothing may be removed. */
function whatWasLookedAt({ options, paths, skipped, skippedCount }: SnapshotRecord): Looked | undefined {
  const { base, renamed, selection } = options
  const unseen = readPaths(options["unseen"])
  const named = renamed === undefined ? namedBelow(base, paths) : readPaths(options["named"] ?? "")
  if (unseen === undefined || named === undefined || !isWholeSelection(selection)) return undefined
  if (skippedCount > skipped.length) return undefined
  const all = new Set(named)
  const namedAbove: Looked["namedAbove"] = (folder) => {
    for (let at = folder; ; at = parentPath(at)) {
      if (all.has(at)) return at
      if (at === "") return undefined
    }
  }
  const otherwise = readSelection(selection).oneFileSystem === true ? "other-file-system" : "own"
  return {
    namedAbove,
    covers: (folder) => namedAbove(folder) !== undefined,
    isUnseen: (path) => {
      if (skipped.some((each) => isWithin(path, each.path))) return "unread"
      return unseen.some((each) => isWithin(path, each)) ? otherwise : undefined
    },
  }
}

interface Scopes {
  /** Names of ignore files and markers. */
  readonly names: readonly RawPath[]
  inside(folder: RawPath): Promise<Scope>
  insideExtra(scope: Scope, folder: RawPath): Scope
}

/** Reads ignore files and markers from the snapshot, or from the target where the snapshot has none. */
function createScopes(
  { request, target, loadListing, textOf }: DeletePorts,
  selection: ReturnType<typeof readSelection>,
): Scopes {
  const { snapshot, within = "" as RawPath } = request
  const texts = new Map<RawPath, string>()
  const markers = (selection.excludeIfPresent ?? []).map((text) => parseMarker(text).name)
  if (selection.excludeCaches === true) markers.push(CACHE_MARKER.name)
  const telling = [...new Set([...(selection.ignoreFiles ?? []), ...markers])].sort()
  const whole = createSelection(
    { ...selection, oneFileSystem: false, origin: originOf(snapshot), textOf: (path) => texts.get(path) },
    { stat: () => ANY_FOLDER, place: (path) => path },
    { ownLeftOut() {}, unreadable() {} },
  )
  const known = new Map<RawPath, Scope>()
  const scopeIn = (above: Scope, folder: RawPath): Scope =>
    above.inside(
      folder,
      ANY_FOLDER,
      telling.filter((name) => texts.has(joinPath(folder, name))),
    )
  const readFromTarget = (path: RawPath): void => {
    const place = pathBelow(path, within)
    const text = place === undefined ? undefined : textInTarget(target, place)
    if (text !== undefined) texts.set(path, text)
  }
  const inside: Scopes["inside"] = async (folder) => {
    const found = known.get(folder)
    if (found !== undefined) return found
    const above = folder === "" ? whole : await inside(parentPath(folder))
    for (const name of telling) {
      const path = joinPath(folder, name)
      const entry = await lookUp(snapshot.root, loadListing, path)
      if (entry === undefined) readFromTarget(path)
      else texts.set(path, entry.type === "file" ? await textOf(entry) : "") // a marker may be of any type
    }
    const scope = scopeIn(above, folder)
    known.set(folder, scope)
    return scope
  }
  return {
    names: telling,
    inside,
    insideExtra(above, folder) {
      for (const name of telling) readFromTarget(joinPath(folder, name))
      return scopeIn(above, folder)
    },
  }
}

function textInTarget(target: Target, path: RawPath): string | undefined {
  const found = target.openExisting(path)
  if (found === undefined) return target.look(path) === undefined ? undefined : ""
  try {
    const bytes = Buffer.alloc(Math.min(found.stat.size, TEXT_BYTES_MAX))
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(found.descriptor, bytes, length, bytes.length - length, length)
    return bytes.toString("latin1", 0, length)
  } finally {
    closeDescriptor(found.descriptor)
  }
}

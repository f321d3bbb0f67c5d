/**
 * Removes extra entries: those that the target has and the snapshot does not. `--delete` removes them one by one,
 * innermost first, and only in folders of the snapshot that were asked for as a whole. `delete-rules.ts` says
 * what may be removed; everything else is counted by the reason why it stays.
 */
import { isEngineError } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId, type RawPath } from "../base/ids.ts"
import { joinPath, parentPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import { idsOf } from "../listing/chunk-list.ts"
import type { ChunkReader } from "../packs/chunk-reader.ts"
import type { Target } from "../target/target.ts"
import { createDeleteRules, type FolderRules } from "./delete-rules.ts"
import { failureOf } from "./place/place-jobs.ts"
import type { Progress } from "./progress.ts"
import type { RestoreRequest } from "./restore-request.ts"
import type { Selected } from "./selected.ts"

export interface ExtraRemover {
  /** Whether the snapshot's entries of a folder must be known. @param isWhole it was asked for with all its entries */
  covers(isWhole: boolean): boolean
  /** True when the entry existed, may be removed, and is removed. */
  remove(path: RawPath): Promise<boolean>
  /** @param names the snapshot's paths in each covered folder @param isLost there may be more, since the listing is damaged */
  removeBut(names: ReadonlyMap<RawPath, ReadonlySet<RawPath>>, isLost: boolean): Promise<void>
}

/** Keeps extra entries. */
export const keepExtra: ExtraRemover = {
  covers: () => false,
  remove: async () => false,
  async removeBut() {},
}

/**
 * For the staging folder of a killed restore, which is published as a whole. Removes everything that this run did
 * not find right or place, such as half files. Throws when something can't be removed.
 */
export function removeUnplaced({ target, progress }: Pick<Removing, "target" | "progress">): ExtraRemover {
  const remove = (path: RawPath): boolean => target.removeExtra(path) > 0
  return {
    covers: () => true,
    remove: async (path) => remove(path),
    async removeBut(names) {
      for (const [folder, known] of names)
        for (const path of pathsIn(target, folder))
          if (!known.has(path) || !progress.isPlaced(path)) remove(path)
    },
  }
}

const allStays: FolderRules = { stays: () => "unread", inside: () => allStays, isRule: () => false }

export interface Removing {
  readonly request: RestoreRequest
  readonly target: Target
  readonly progress: Progress
  readonly selected: Selected
  readonly reader: ChunkReader
  /** Paths that are never removed, relative to the target. */
  readonly own: readonly RawPath[]
}

/** For `--delete`. Failures of single entries are reported, not thrown. */
export function deleteExtra(removing: Removing): ExtraRemover {
  const { request, target, progress, selected, reader, own } = removing
  const rules = createDeleteRules({
    request,
    target,
    selected,
    own,
    loadListing: (ids) => reader.read("listing", ids),
    textOf: (entry) => readText(reader, entry),
  })
  const rulesIn = async (folder: RawPath): Promise<FolderRules> => {
    try {
      return await rules.inside(folder)
    } catch (error) {
      if (!isEngineError(error) || error.kind !== "corrupt") throw error
      return allStays // an ignore file is damaged: what it left out is unknown
    }
  }
  /** Folders with an entry that the filters left out. */
  const filtered = new Set<RawPath>()
  const removeBy = (inFolder: FolderRules, path: RawPath): boolean => {
    try {
      const stat = target.look(path)
      if (stat === undefined) return false
      // without its rule, the next run would delete what stays here
      const isNeeded = inFolder.isRule(path) && filtered.has(parentPath(path))
      const reason = inFolder.stays(path, stat) ?? (isNeeded ? "filter" : undefined)
      if (reason !== undefined) {
        progress.stays(path, reason)
        if (reason === "filter") addWithParents(filtered, parentPath(path))
        return false
      }
      const isFolder = stat.type === "directory"
      if (isFolder && !emptied(inFolder.inside(path, stat), path)) return false
      target.removeEntry(path)
      progress.deleted(path, isFolder)
      return true
    } catch (error) {
      if (!isEngineError(error)) throw error
      progress.failed({ path, ...failureOf(error) })
      return false
    }
  }
  /** Whether the folder is empty now. If not, it gets its own mode back. */
  const emptied = (inside: FolderRules, folder: RawPath): boolean => {
    const mode = target.unlockFolder(folder)
    target.removeLeftovers(folder)
    const { rules, others } = rulesLast(inside, pathsIn(target, folder))
    const left = [...others, ...rules].filter((path) => !removeBy(inside, path))
    if (left.length > 0 && mode !== undefined) target.lockFolder(folder, mode)
    return left.length === 0
  }
  return {
    covers: (isWhole) => isWhole,
    remove: async (path) => removeBy(await rulesIn(parentPath(path)), path),
    async removeBut(names, isLost) {
      if (isLost) return progress.notice("nothing was deleted: part of the listing is damaged")
      const last: (() => void)[] = []
      for (const [folder, known] of names) {
        const extra = pathsIn(target, folder).filter((path) => !known.has(path))
        if (extra.length === 0) continue
        const inFolder = await rulesIn(folder)
        const { rules, others } = rulesLast(inFolder, extra)
        for (const path of others) removeBy(inFolder, path)
        if (rules.length > 0) last.push(() => rules.forEach((path) => removeBy(inFolder, path)))
      }
      for (const remove of last) remove()
    },
  }
}

/** The content of a file of the snapshot, as raw text. */
async function readText(reader: ChunkReader, entry: Entry): Promise<string> {
  const ids = await idsOf(entry, (lists) => reader.read("chunk-list", lists))
  const chunks: ChunkId[] = []
  for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES)
    chunks.push(ids.subarray(at, at + CHUNK_ID_BYTES) as ChunkId)
  return Buffer.concat(await reader.read("data", chunks)).toString("latin1")
}

function rulesLast(
  inFolder: FolderRules,
  paths: readonly RawPath[],
): { rules: RawPath[]; others: RawPath[] } {
  const isRule = (path: RawPath): boolean => inFolder.isRule(path)
  return { rules: paths.filter(isRule), others: paths.filter((path) => !isRule(path)) }
}

function addWithParents(folders: Set<RawPath>, folder: RawPath): void {
  for (let at = folder; !folders.has(at); at = parentPath(at)) {
    folders.add(at)
    if (at === "") return
  }
}

function pathsIn(target: Target, folder: RawPath): RawPath[] {
  return target.list(folder).map((name) => joinPath(folder, name))
}

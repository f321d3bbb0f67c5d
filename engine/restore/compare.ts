/**
 * Compares files of the target with the chunks that they should have: before anything is fetched, and after
 * a window is placed (`--verify`). Before, an equal file is left alone, and its metadata is corrected when
 * it differs. A file that differs gives the chunks that are in place already. The threads read the files.
 */
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import type { Stat } from "../system/stat.ts"
import type { Metadata, Target, Updated } from "../target/target.ts"
import type { Repository } from "../session/repository.ts"
import type { CompareFile } from "./place/place-jobs.ts"
import type { PlacePool } from "./place/place-pool.ts"
import { locateAll } from "./plan.ts"
import type { Progress } from "./progress.ts"
import { metadataOf, type DecidedFile } from "./tree.ts"

export interface Comparing {
  readonly repository: Pick<Repository, "index">
  readonly target: Target
  readonly progress: Progress
  readonly pool: Pick<PlacePool, "compare">
  /** Device and inode of files with several names that an entry was found equal to. */
  readonly sharedInodes: Set<string>
}

/** "done": nothing is left to do for this file. Otherwise: which of its chunks are in place. */
export type Standing =
  | { readonly state: "done" }
  | { readonly state: "differs"; readonly equal: Uint8Array; readonly lengths: Uint32Array }

/** By position; undefined where the target has no file that could be of use. */
export async function compareWithTarget(
  comparing: Comparing,
  files: readonly DecidedFile[],
): Promise<(Standing | undefined)[]> {
  const standing: (Standing | undefined)[] = []
  const isThere = ({ existing }: DecidedFile): boolean => existing?.type === "file"
  await compareEach(comparing, files, isThere, (position, { lengths }, equal) => {
    if (equal === undefined) return
    standing[position] = judge(comparing, files[position] as DecidedFile, { equal, lengths })
  })
  return standing
}

/** Reads what was placed again, and reports files with a chunk that differs. */
export async function verifyFiles(comparing: Comparing, files: readonly DecidedFile[]): Promise<void> {
  const { progress } = comparing
  // what could not be placed is reported already
  const isPlaced = ({ path }: DecidedFile): boolean => progress.isPlaced(path)
  await compareEach(comparing, files, isPlaced, (_, { path }, equal) => {
    if (equal?.includes(0) === false) return
    progress.failed({
      path,
      kind: "target",
      message: "it reads back differently from what was written. Check the target's disk",
    })
  })
}

const FILES_AT_ONCE = 64

/** @param judge gets 1 for each chunk that is in its place; undefined when there is no file to read */
async function compareEach(
  { pool, repository }: Comparing,
  files: readonly DecidedFile[],
  isAsked: (file: DecidedFile) => boolean,
  judge: (position: number, asked: CompareFile, equal: Uint8Array | undefined) => void,
): Promise<void> {
  let batch: { position: number; compare: CompareFile }[] = []
  const ask = async (): Promise<void> => {
    const asked = batch
    batch = []
    const answers = await pool.compare(asked.map(({ compare }) => compare))
    asked.forEach(({ position, compare }, i) => judge(position, compare, answers[i] ?? undefined))
  }
  for (const [position, file] of files.entries()) {
    if (!isAsked(file)) continue
    const { path, entry, ids } = file
    const places = locateAll({ size: entry.size, ids }, repository.index)
    if (typeof places === "string") continue // the plan says what is wrong
    batch.push({ position, compare: { path, ids, lengths: Uint32Array.from(places, (at) => at.length) } })
    if (batch.length === FILES_AT_ONCE) await ask()
  }
  if (batch.length > 0) await ask()
}

function judge(
  comparing: Comparing,
  { path, entry, existing }: DecidedFile,
  found: { equal: Uint8Array; lengths: Uint32Array },
): Standing {
  const isEqual = existing?.size === entry.size && !found.equal.includes(0)
  if (!isEqual) return { state: "differs", ...found }
  if (isTaken(comparing, existing)) return { state: "differs", ...found }
  const { target, progress } = comparing
  const metadata = metadataOf(entry)
  const leftOut = target.compareMetadata(path, existing, metadata)
  const updated = leftOut === undefined ? update(target, path, metadata) : { changed: false, leftOut }
  if (updated === undefined) return { state: "differs", ...found }
  progress.entry(path, updated.changed ? "updated" : "equal", 0, entry.size)
  progress.leftOut(path, updated.leftOut)
  return { state: "done" }
}

/** Two files of the snapshot may be one in the target: the second gets a file of its own. */
function isTaken({ sharedInodes }: Comparing, { links, device, inode }: Stat): boolean {
  if (links === 1) return false
  const key = `${device}:${inode}`
  if (sharedInodes.has(key)) return true
  sharedInodes.add(key)
  return false
}

/** Undefined when it can't be done in place: then the file is written again. */
function update(target: Target, path: RawPath, metadata: Metadata): Updated | undefined {
  try {
    return target.updateMetadata(path, metadata)
  } catch (error) {
    if (!isEngineError(error)) throw error
    return undefined
  }
}

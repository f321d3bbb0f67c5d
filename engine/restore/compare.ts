/**
 * What stands in the target, compared with what should: an equal file is not touched (its metadata is
 * set right when that differs), and a differing one gives the chunks that it has in place already.
 */
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import type { Stat } from "../system/stat.ts"
import type { Metadata, Target, Updated } from "../target/target.ts"
import { locateAll } from "./plan.ts"
import type { CompareFile } from "./place/place-jobs.ts"
import { metadataOf, type DecidedFile } from "./decide.ts"
import type { Window } from "./place/window-run.ts"

/** "done": nothing is left to do for this file. Else what its standing chunks are worth. */
export type Standing =
  | { readonly state: "done" }
  | { readonly state: "differs"; readonly equal: Uint8Array; readonly lengths: Uint32Array }

const FILES_AT_ONCE = 64

/** By position; undefined where no file stands that could be of use. */
export async function compareWithTarget(
  window: Window,
  files: readonly DecidedFile[],
): Promise<(Standing | undefined)[]> {
  const standing: (Standing | undefined)[] = []
  let batch: { position: number; compare: CompareFile }[] = []
  const ask = async (): Promise<void> => {
    const asked = batch
    batch = []
    const answers = await window.pool.compare(asked.map(({ compare }) => compare))
    asked.forEach(({ position, compare }, i) => {
      const equal = answers[i]
      if (equal !== null && equal !== undefined)
        standing[position] = judge(window, files[position] as DecidedFile, {
          equal,
          lengths: compare.lengths,
        })
    })
  }
  for (const [position, file] of files.entries()) {
    if (file.existing?.type !== "file") continue
    const places = locateAll({ size: file.entry.size, ids: file.ids }, window.repository.index)
    if (typeof places === "string") continue // the plan says what is wrong
    const lengths = Uint32Array.from(places, (place) => place.length)
    batch.push({ position, compare: { path: file.path, ids: file.ids, lengths } })
    if (batch.length === FILES_AT_ONCE) await ask()
  }
  if (batch.length > 0) await ask()
  return standing
}

function judge(
  window: Window,
  { path, entry, existing }: DecidedFile,
  found: { equal: Uint8Array; lengths: Uint32Array },
): Standing {
  const isEqual = existing?.size === entry.size && !found.equal.includes(0)
  if (!isEqual) return { state: "differs", ...found }
  if (isTaken(window, existing)) return { state: "differs", ...found }
  const { target, progress } = window
  const metadata = metadataOf(entry)
  const leftOut = target.compareMetadata(path, existing, metadata)
  const updated = leftOut === undefined ? update(target, path, metadata) : { changed: false, leftOut }
  if (updated === undefined) return { state: "differs", ...found }
  progress.entry(path, updated.changed ? "updated" : "equal", 0, entry.size)
  progress.leftOut(path, updated.leftOut)
  return { state: "done" }
}

/** Two files of the snapshot that are one in the target: the second is made again beside it. */
function isTaken({ sharedInodes }: Window, { links, device, inode }: Stat): boolean {
  if (links === 1) return false
  const key = `${device}:${inode}`
  if (sharedInodes.has(key)) return true
  sharedInodes.add(key)
  return false
}

/** Undefined when it can't be done in place: then the file is made again beside it. */
function update(target: Target, path: RawPath, metadata: Metadata): Updated | undefined {
  try {
    return target.updateMetadata(path, metadata)
  } catch (error) {
    if (!isEngineError(error)) throw error
    return undefined
  }
}

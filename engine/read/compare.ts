/**
 * What stands in the target, compared with what should: an equal file is not touched (its metadata is
 * set right when that differs), and a differing one gives the chunks that it has in place already.
 */
import { locateAll } from "./plan.ts"
import type { CompareFile } from "./place-jobs.ts"
import { metadataOf, type DecidedFile } from "./decide.ts"
import { hasAttributes, hasMetadata } from "./same-metadata.ts"
import type { Window } from "./window-run.ts"

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
  // attributes are only ever added to what stands, so a file that has others is made anew
  if (!hasAttributes(window.target, path, entry)) return { state: "differs", ...found }
  if (hasMetadata(window.request, existing, entry)) {
    window.progress.entry(path, "equal", 0)
    return { state: "done" }
  }
  // false: other names of the file may lie outside the target, so it is made anew
  if (!window.target.updateMetadata(path, metadataOf(entry))) return { state: "differs", ...found }
  window.progress.entry(path, "updated", 0)
  return { state: "done" }
}

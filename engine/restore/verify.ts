/** `--verify`: what was placed is read again from the target, every chunk identified once more. */
import type { DecidedFile } from "./decide.ts"
import type { Window } from "./place/window-run.ts"
import { locateAll } from "./plan.ts"

const FILES_AT_ONCE = 64

export async function verifyWindow(
  { pool, progress, repository }: Window,
  files: readonly DecidedFile[],
): Promise<void> {
  for (let start = 0; start < files.length; start += FILES_AT_ONCE) {
    // what could not be placed is reported already
    const placed = files.slice(start, start + FILES_AT_ONCE).filter(({ path }) => progress.isPlaced(path))
    const batch = placed.flatMap((file) => {
      const places = locateAll({ size: file.entry.size, ids: file.ids }, repository.index)
      return typeof places === "string"
        ? []
        : [{ path: file.path, ids: file.ids, lengths: Uint32Array.from(places, ({ length }) => length) }]
    })
    const answers = await pool.compare(batch)
    batch.forEach(({ path }, i) => {
      const equal = answers[i]
      if (equal?.includes(0) === false) return
      progress.failed({
        path,
        kind: "target",
        message: "it reads back differently from what was written. Check the target's disk",
      })
    })
  }
}

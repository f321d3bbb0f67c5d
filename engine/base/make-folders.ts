/**
 * `mkdir -p` over whoever makes single folders. Node's own recursive one never returns where the
 * parent is there and the system still says ENOENT, as below /proc. Pure: the disk is the caller's.
 */
import { dirname } from "node:path"
import { errnoOf } from "./errno.ts"

/**
 * @param make makes one folder, or throws what node:fs throws
 * Gives the outermost folder that was made; undefined when something has the name already, whatever
 * it is. Throws what `make` throws.
 */
export function makeFolders(absolute: string, make: (folder: string) => void): string | undefined {
  const outcome = tryMake(absolute, make)
  if (outcome !== "no-parent") return outcome === "made" ? absolute : undefined
  const first = makeFolders(dirname(absolute), make)
  // the parent is there now: whoever says again that it is not can't be helped
  try {
    make(absolute)
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error
    return first
  }
  return first ?? absolute
}

function tryMake(folder: string, make: (folder: string) => void): "made" | "exists" | "no-parent" {
  try {
    make(folder)
    return "made"
  } catch (error) {
    const code = errnoOf(error)
    if (code === "EEXIST") return "exists"
    // "/" has no parent that could be made
    if (code === "ENOENT" && dirname(folder) !== folder) return "no-parent"
    throw error
  }
}

/**
 * `mkdir -p` with a given function for single folders. Node's own recursive mkdir never returns if the
 * parent exists and the system still reports ENOENT, as below /proc. Pure: the caller accesses the disk.
 */
import { dirname } from "node:path"
import { errnoOf } from "./errno.ts"

/**
 * @param make creates one folder, or throws an error of node:fs
 * @returns the outermost folder created; undefined if the name exists already, whatever it is
 * @throws errors of `make`
 */
export function makeFolders(absolute: string, make: (folder: string) => void): string | undefined {
  const outcome = tryMake(absolute, make)
  if (outcome !== "no-parent") return outcome === "made" ? absolute : undefined
  const first = makeFolders(dirname(absolute), make)
  // the parent exists now, so a second ENOENT is final
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
    // "/" has no parent to create
    if (code === "ENOENT" && dirname(folder) !== folder) return "no-parent"
    throw error
  }
}

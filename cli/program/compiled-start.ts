/**
 * Stands for `start.ts` in the build. Its compiled code comes from beside it, where the build has kept it, or
 * from holdfast's caches, where the first run of an installed package keeps it: never from a shared
 * folder, where another user could plant code, and not before the folder of caches is there.
 */
import { statSync } from "node:fs"
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { findHome } from "../../engine/home/home.ts"
import { keptCode, loadProgram } from "./compiled-program.ts"

/** Of the build: this file is a part of `main.js`, one folder above. */
const folder = join(import.meta.dirname, "program")
const cacheRoot = cacheRootOf()
const caches = join(cacheRoot ?? folder, "compiled")
/** A dry run makes nothing, so it keeps no code either. */
const isDry = process.argv.some((word) => word === "--dry-run" || /^-[a-z]*n[a-z]*$/i.test(word))
const hasCaches = cacheRoot !== undefined && !isDry && isOwn(cacheRoot)
const own = keptCode(caches, "start")

if (hasCaches) enableCompileCache(caches) // for what lies in node_modules, above all the S3 library
const program = loadProgram(join(folder, "start.js"), [
  keptCode(folder, "start"),
  ...(hasCaches ? [own] : []),
])
if (hasCaches && program.keptIn === undefined) process.once("exit", keepOwn)

/** Undefined without a home, which the verb says when it needs one. */
function cacheRootOf(): string | undefined {
  try {
    return findHome(process.env).cacheRoot
  } catch {
    return undefined
  }
}

/** Root with another user's HOME runs no code out of it, and leaves no code in it. */
function isOwn(root: string): boolean {
  return statSync(root, { throwIfNoEntry: false })?.uid === (process.geteuid?.() ?? 0)
}

function keepOwn(): void {
  try {
    program.keep(own)
  } catch {
    // the next run is as slow as this one was
  }
}

type Start = typeof import("./start.ts")
export const start: Start["start"] = (program.exports as Start).start

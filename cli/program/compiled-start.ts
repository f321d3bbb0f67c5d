/**
 * Replaces `start.ts` in the build. It loads compiled code from its own folder, where the build stores it, or from
 * holdfast's caches, where the first run of an installed package stores it. It never uses a shared folder, where
 * another user could plant code, and it does not create the folder of caches.
 */
import { statSync } from "node:fs"
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { findHome } from "../../engine/home/home.ts"
import { keptCode, loadProgram } from "./compiled-program.ts"

/** The folder of the build: this file is a part of `main.js`, one folder above. */
const folder = join(import.meta.dirname, "program")
const cacheRoot = cacheRootOf()
const caches = join(cacheRoot ?? folder, "compiled")
/** A dry run changes nothing, so it stores no code. */
const isDry = process.argv.some((word) => word === "--dry-run" || /^-[a-z]*n[a-z]*$/i.test(word))
const hasCaches = cacheRoot !== undefined && !isDry && isOwn(cacheRoot)
const own = keptCode(caches, "start")

if (hasCaches) enableCompileCache(caches) // for packages in node_modules, mainly the S3 library
const program = loadProgram(join(folder, "start.js"), [
  keptCode(folder, "start"),
  ...(hasCaches ? [own] : []),
])
if (hasCaches && program.keptIn === undefined) process.once("exit", keepOwn)

/** Undefined without a home; a verb that needs one reports it. */
function cacheRootOf(): string | undefined {
  try {
    return findHome(process.env).cacheRoot
  } catch {
    return undefined
  }
}

/** Root with another user's HOME runs no code from it and stores none in it. */
function isOwn(root: string): boolean {
  return statSync(root, { throwIfNoEntry: false })?.uid === (process.geteuid?.() ?? 0)
}

function keepOwn(): void {
  try {
    program.keep(own)
  } catch {
    // without it the next run is as slow as this one
  }
}

type Start = typeof import("./start.ts")
export const start: Start["start"] = (program.exports as Start).start

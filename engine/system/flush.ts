/**
 * One flush for a whole restore: syncing each file alone would cost minutes where this costs a
 * moment. It covers the file system that holds the target's root. spec/files.md.
 */
import { execFile } from "node:child_process"
import { closeSync, constants, openSync } from "node:fs"
import { promisify } from "node:util"
import { EngineError } from "../base/errors.ts"
import { fsPath, showPath } from "../base/paths.ts"
import type { Native } from "./native-calls.ts"

/** Throws unavailable "flush-failed". @param root absolute raw path of the target */
export async function syncTarget(root: string, native: Native | undefined): Promise<void> {
  let descriptor: number | undefined
  try {
    descriptor = openSync(fsPath(root), constants.O_RDONLY | constants.O_DIRECTORY)
    const error = native === undefined ? "ENOSYS" : await native.syncFileSystem(descriptor)
    if (error === undefined) return
    if (error !== "ENOSYS") throw new Error(error)
    await syncByChild(descriptor)
  } catch (cause) {
    const message = `${showPath(root)}: the disk failed to write the restored files; some may be lost. Restore to another disk`
    throw new EngineError("unavailable", "flush-failed", message, { cause })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

async function syncByChild(descriptor: number): Promise<void> {
  const run = promisify(execFile)
  try {
    // by descriptor, since a raw path may be no text that a child can be given
    if (process.platform === "linux") await run("sync", ["-f", `/proc/${process.pid}/fd/${descriptor}`])
    else await run("sync")
  } catch {
    // some systems' `sync` has no -f
    await run("sync")
  }
}

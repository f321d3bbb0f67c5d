/** Trees deeper than the longest path, and a folder for them whose removal handles that. Tests only. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestContext } from "node:test"

export function deepFolder(context: TestContext): string {
  const folder = fs.mkdtempSync(join(tmpdir(), "holdfast-deep-"))
  context.after(() => execFileSync("rm", ["-rf", folder]))
  return folder
}

/** A folder in a folder, `depth` times, each named `name`; every 1,000th and the last one have a file. */
export function makeDeep(root: string, depth: number, name: string): void {
  fs.mkdirSync(root)
  let above = fs.openSync(root, fs.constants.O_RDONLY)
  for (let level = 1; level <= depth; level++) {
    const folder = `/proc/self/fd/${above}/${name}`
    fs.mkdirSync(folder)
    const next = fs.openSync(folder, fs.constants.O_RDONLY)
    fs.closeSync(above)
    above = next
    if (level % 1000 === 0 || level === depth)
      fs.writeFileSync(`/proc/self/fd/${above}/f`, `content of level ${level}`)
  }
  fs.closeSync(above)
}

/** The text of the file of one level. */
export function readDeep(root: string, level: number, name: string): string {
  let above = fs.openSync(root, fs.constants.O_RDONLY)
  for (let i = 0; i < level; i++) {
    const next = fs.openSync(`/proc/self/fd/${above}/${name}`, fs.constants.O_RDONLY)
    fs.closeSync(above)
    above = next
  }
  const text = fs.readFileSync(`/proc/self/fd/${above}/f`, "utf8")
  fs.closeSync(above)
  return text
}

/** @returns seconds */
export function timed(work: () => void): number {
  const started = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - started) / 1e9
}

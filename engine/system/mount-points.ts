/**
 * Where other file systems, or other parts of the same one, are mounted below a folder: device numbers
 * alone don't show a bind mount, nor one over a file.
 */
import { readFileSync, realpathSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { fsPath, isWithin } from "../base/paths.ts"

/** Relative to the folder; empty where the system doesn't say. @param root absolute and raw */
export function mountPointsBelow(root: string): ReadonlySet<RawPath> {
  const found = new Set<RawPath>()
  try {
    const real = realpathSync(fsPath(root), { encoding: "latin1" })
    const base = real === "/" ? "" : real
    for (const line of readFileSync("/proc/self/mountinfo", "latin1").split("\n")) {
      const place = unescaped(line.split(" ")[4] ?? "")
      if (place !== base && place !== "/" && isWithin(place, base))
        found.add(place.slice(base.length + 1) as RawPath)
    }
  } catch {
    // no Linux, or no /proc
  }
  return found
}

/** Blanks and backslashes are written in octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}

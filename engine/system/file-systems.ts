/**
 * Facts from Linux about the file systems of a source or target: whether sizes are exact, and what
 * is mounted below.
 */
import { readFileSync, realpathSync, statfsSync } from "node:fs"
import { fsPath, isWithin } from "../base/paths.ts"
import type { RawPath } from "../base/ids.ts"

/**
 * Types of statfs(2) on Linux: ext2 to ext4, XFS, Btrfs, ZFS, F2FS, bcachefs, tmpfs, ramfs, FAT,
 * exFAT, NTFS.
 */
const EXACT: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0xca451a4e, 0x01021994, 0x858458f6, 0x4d44,
  0x2011bab0, 0x7366746e,
])

/**
 * Whether a file system reports exact sizes, so that files of 0 bytes need not be read.
 * @param path absolute raw path of anything on it, even below `/proc/self/fd`
 */
export function hasExactSizes(path: string): boolean {
  if (process.platform !== "linux") return false
  try {
    return EXACT.has(statfsSync(fsPath(path)).type >>> 0)
  } catch {
    return false
  }
}

/**
 * Returns the mount points below a folder, relative to it; empty if the system doesn't report them.
 * Device numbers alone don't show a bind mount, nor a mount over a file.
 * @param root absolute and raw
 */
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
    // not Linux, or no /proc
  }
  return found
}

/** Spaces and backslashes are written in octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}

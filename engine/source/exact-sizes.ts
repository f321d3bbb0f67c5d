/** Which file systems report sizes that are right: of a file that has no bytes there, nothing needs to be read. */
import { statfsSync } from "node:fs"
import { fsPath } from "../base/paths.ts"

/** Of statfs(2), Linux: ext2 to ext4, XFS, Btrfs, ZFS, F2FS, bcachefs, tmpfs, ramfs, FAT, exFAT, NTFS. */
const EXACT: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0xf2f52010, 0xca451a4e, 0x01021994, 0x858458f6, 0x4d44,
  0x2011bab0, 0x7366746e,
])

/** @param path absolute raw path of anything on it, perhaps below `/proc/self/fd` */
export function hasExactSizes(path: string): boolean {
  if (process.platform !== "linux") return false
  try {
    return EXACT.has(statfsSync(fsPath(path)).type >>> 0)
  } catch {
    return false
  }
}

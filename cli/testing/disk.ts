/** Disks of their own: a tmpfs, or a file in one. Needs the right to mount, and fails without it. Slow tests only. */
import { execFileSync } from "node:child_process"
import { chmodSync, mkdtempSync, rmdirSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestContext } from "node:test"

export interface Disk {
  readonly path: (...names: string[]) => string
  /** Such as "size=4m" or "ro". */
  readonly remount: (options: string) => void
}

/** Mounted at `folder`, which is removed with it; unmounted when the test ends. */
export function disk(
  context: TestContext,
  size: string,
  folder: string = mkdtempSync(join(tmpdir(), "holdfast-disk-")),
): Disk {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "holdfast-test", folder])
  context.after(() => {
    execFileSync("umount", ["--lazy", folder])
    rmdirSync(folder)
  })
  chmodSync(folder, 0o755)
  return {
    path: (...names) => join(folder, ...names),
    remount: (options) => void execFileSync("mount", ["-o", `remount,${options}`, folder]),
  }
}

/**
 * It accepts every write, and loses those beyond 12 MiB when they are flushed: its image has less space than its
 * size.
 */
export function losingDisk(context: TestContext): Pick<Disk, "path"> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-disk-"))
  const image = disk(context, "12m").path("image")
  writeFileSync(image, "")
  truncateSync(image, 200 * 2 ** 20)
  execFileSync("mkfs.ext4", ["-q", "-F", image])
  execFileSync("mount", ["-o", "loop", image, folder])
  context.after(() => {
    execFileSync("umount", ["--lazy", folder])
    rmdirSync(folder)
  })
  return { path: (...names) => join(folder, ...names) }
}

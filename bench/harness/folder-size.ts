/** The size of a repository's folder in bytes and files, and the disk space of restored trees. */
import { lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"

export interface FolderSize {
  readonly bytes: number
  readonly objects: number
  readonly diskBytes: number
}

export function folderSize(folder: string): FolderSize {
  let bytes = 0
  let objects = 0
  let diskBytes = 0
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) {
        const stat = lstatSync(path)
        bytes += stat.size
        diskBytes += stat.blocks * 512
        objects++
      }
    }
  }
  return { bytes, objects, diskBytes }
}

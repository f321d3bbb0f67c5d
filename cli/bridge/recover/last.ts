/**
 * The last restore in place of a workspace on this machine: its undo snapshot, and what it created, which an undo
 * removes again. In `restore/last.json` of the state folder. Without the file there is nothing to undo.
 */
import { join } from "node:path"
import {
  makePrivateFolder,
  readPrivateFile,
  writePrivateFile,
  type RawPath,
  type SwapPlace,
} from "../../../engine/index.ts"
import type { AgentRoot } from "../setup.ts"
import { restoreFolder } from "./unsettled.ts"

/** Which file a name leads to. Bigints are text in JSON. */
export interface Identity {
  readonly type: string
  readonly inode: string
  readonly size: number
  readonly mtimeNs: string
}

export interface CreatedFile {
  readonly path: RawPath
  readonly file: Identity
}

export interface LastPart {
  readonly name: AgentRoot["name"]
  readonly created: readonly CreatedFile[]
  readonly createdFolders: readonly RawPath[]
}

export interface LastRestore {
  readonly v: 1
  /** ISO 8601. */
  readonly time: string
  readonly snapshot: string
  /** Null: the workspace was empty before. */
  readonly undo: { readonly timestamp: string; readonly snapshot: string } | null
  /** The paths that were asked for, as raw paths of the workspace; null: all. */
  readonly paths: readonly RawPath[] | null
  /** The roots that it wrote into. */
  readonly parts: readonly LastPart[]
}

export function readLast(stateFolder: string): LastRestore | undefined {
  const text = readPrivateFile(join(restoreFolder(stateFolder), "last.json"))
  if (text === undefined) return undefined
  try {
    const value = JSON.parse(text) as LastRestore
    return value.v === 1 ? value : undefined
  } catch {
    return undefined
  }
}

export function writeLast(stateFolder: string, last: LastRestore): void {
  const folder = restoreFolder(stateFolder)
  makePrivateFolder(folder)
  writePrivateFile(join(folder, "last.json"), JSON.stringify(last))
}

export function identityOf(stat: {
  readonly type: string
  readonly inode: bigint
  readonly size: number
  readonly mtimeNs: bigint
}): Identity {
  const { type, inode, size, mtimeNs } = stat
  return { type, inode: String(inode), size, mtimeNs: String(mtimeNs) }
}

export function identityAt(place: SwapPlace, path: RawPath): Identity | undefined {
  const stat = place.look(path)
  return stat && identityOf(stat)
}

/** The same file, unchanged. A folder's size and time say nothing. */
export function isSame(a: Identity | undefined, b: Identity | null | undefined): boolean {
  if (a === undefined || b === undefined || b === null) return false
  if (a.type !== b.type || a.inode !== b.inode) return false
  return a.type === "directory" || (a.size === b.size && a.mtimeNs === b.mtimeNs)
}

/**
 * The part of a disk target that creates folders and files. A file is written under a temporary name in its
 * own folder, gets its metadata through its descriptor, is closed, and is then renamed. In a new staging
 * folder it has its own name from the start, because the folder itself is temporary.
 */
import { closeSync, constants, fsyncSync, openSync } from "node:fs"
import { baseName, fsPath, parentPath } from "../base/paths.ts"
import { ensureFolderAt, folderAt, makeWritable } from "./folder-handles.ts"
import { givesAcl, givesOwner, openIn, type FolderHandle } from "../system/in-folder.ts"
import { setOpenMetadata, type Made } from "./metadata.ts"
import { completeFile } from "./new-file.ts"
import { dropTemporary, giveName } from "./placing.ts"
import { checkPath } from "./safe-path.ts"
import { isFailure, lstat, systemError } from "../system/stat.ts"
import { asTargetError, attributesAt, guarded, type TargetState } from "./target-state.ts"
import type { LeftOut, Metadata, NewFile, Placing, Target } from "./target.ts"
import { temporaryName } from "../system/temporary-name.ts"
import { updateMetadataAt } from "./update-metadata.ts"

const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

export type Making = Pick<
  Target,
  "ensureFolder" | "finishFolder" | "beginFile" | "finishFile" | "abandonFile"
>

export function making(state: TargetState): Making {
  const { folders, rules } = state
  return {
    ensureFolder: (path, options) => {
      checkPath(path, state.portable)
      const made = ensureFolderAt(folders, path, options)
      if (made === "existing") makeWritable(folders, path)
      return made
    },
    finishFolder: (path, metadata) => {
      checkPath(path, state.portable)
      return guarded(path, () => {
        const { prefix } = folderAt(folders, path)
        const stat = lstat(`${prefix}.`)
        if (isFailure(stat)) throw systemError(stat.error)
        // without the slash: its mode may deny access to the folder as soon as it is set
        const place = prefix === "/" ? prefix : prefix.slice(0, -1)
        const standing = { stat, xattrs: attributesAt(state, `${prefix}.`) }
        const at = { path: place, isHandle: true, isSymlink: false }
        return updateMetadataAt(at, standing, metadata, { rules, mayChange: true })?.leftOut ?? []
      })
    },
    beginFile: (path, size, sparse) => {
      const name = state.named ? baseName(path) : temporaryName()
      checkPath(path, state.portable)
      return guarded(path, () => {
        const descriptor = openIn(folderAt(folders, parentPath(path)), name, NEW_FILE)
        return { path, name, descriptor, size, sparse }
      })
    },
    finishFile: (file, metadata, placing) => finishFile(state, file, metadata, placing),
    abandonFile: (file) => abandonFile(state, file),
  }
}

function finishFile(
  state: TargetState,
  file: NewFile,
  metadata: Metadata,
  placing: Placing,
): readonly LeftOut[] {
  const { path } = file
  const sync = placing.sync === true
  const leftOut = completeAndClose(state, file, metadata, sync)
  guarded(path, () => {
    const folder = folderAt(state.folders, parentPath(path))
    if (!state.named) nameFile(state, folder, file, placing)
    if (sync) syncFolder(folder.prefix)
  })
  return leftOut
}

function nameFile(
  { rules }: TargetState,
  folder: FolderHandle,
  { path, name }: NewFile,
  { replace }: Placing,
): void {
  try {
    giveName({ folder, from: name, to: baseName(path), path }, replace, rules.native)
  } catch (error) {
    dropTemporary(folder.prefix + name)
    throw error
  }
}

/** Closes a file before it is renamed: on some file systems a write fails only at close. */
function completeAndClose(
  state: TargetState,
  file: NewFile,
  metadata: Metadata,
  sync: boolean,
): readonly LeftOut[] {
  let isOpen = true
  try {
    completeFile(file)
    const leftOut = setOpenMetadata(file.descriptor, metadata, state.rules, madeAs(state, file, metadata))
    if (sync) fsyncSync(file.descriptor)
    isOpen = false
    closeSync(file.descriptor)
    return leftOut
  } catch (cause) {
    if (isOpen) abandonFile(state, file)
    else dropUnfinished(state, file)
    throw asTargetError(cause, file.path)
  }
}

/** What the file got from the folder in which it was created. */
function madeAs(
  { folders, named, rules: { us } }: TargetState,
  { path }: NewFile,
  { uid, gid }: Metadata,
): Made {
  const folder = folderAt(folders, parentPath(path))
  return {
    isOwned: uid === us?.uid && gid === us.gid && givesOwner(folder, us),
    hasAcl: !named && givesAcl(folder), // a staging folder has no default ACL
  }
}

function abandonFile(state: TargetState, file: NewFile): void {
  try {
    closeSync(file.descriptor)
  } catch {
    // it is closed anyway
  }
  dropUnfinished(state, file)
}

function dropUnfinished(state: TargetState, file: NewFile): void {
  try {
    dropTemporary(folderAt(state.folders, parentPath(file.path)).prefix + file.name)
  } catch {
    // its folder was removed, or the next restore removes it
  }
}

export function syncFolder(prefix: string): void {
  const descriptor = openSync(fsPath(`${prefix}.`), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

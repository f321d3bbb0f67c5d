/**
 * A restore into an empty folder is staged: everything is built in a folder with a temporary name inside the
 * target, and its top-level entries are then moved to their names in the target. So a file needs no temporary
 * name of its own, which saves a sixth of the cost of a small file. A killed restore leaves that folder, and
 * the next one continues in it. spec/files.md.
 */
import { rmdirSync } from "node:fs"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import { closeFolders, openFoldersBelow, removeTree } from "./folder-handles.ts"
import { givesAcl, makeFolderIn, type Owner } from "../system/in-folder.ts"
import { dropAcls } from "./metadata.ts"
import { moveToFreeName } from "./placing.ts"
import { isFailure, lstat } from "../system/stat.ts"
import { targetError } from "./target-errors.ts"
import { listFolder } from "./target-look.ts"
import type { TargetState } from "./target-state.ts"
import type { Staging, Target, Unpublished } from "./target.ts"
import { isTemporaryName, STAGING_NAME } from "../system/temporary-name.ts"

const HERE = "" as RawPath

export function staging(state: TargetState): Pick<Target, "wouldStage" | "stage" | "publish" | "unstage"> {
  return {
    wouldStage: () => {
      try {
        const found = lookForStaging(state)
        return found && { name: STAGING_NAME, isNew: !found.isLeft }
      } catch {
        return undefined
      }
    },
    stage: () => {
      try {
        return stage(state)
      } catch {
        return undefined // the restore continues without, and reports each entry that can't be created
      }
    },
    publish: ({ name }) => {
      const failures = publish(state, name)
      unstage(state, name)
      return failures
    },
    unstage: ({ name }) => unstage(state, name),
  }
}

function stage(state: TargetState): Staging | undefined {
  const { folders, rules } = state
  const name = STAGING_NAME
  const found = lookForStaging(state)
  if (found === undefined) return undefined
  const { standing, isLeft } = found
  for (const other of standing) if (other !== name || !isLeft) removeTree(folders, other)
  if (!isLeft) {
    makeFolderIn(folders.root, name)
    if (givesAcl(folders.root)) dropAcls(`${folders.root.prefix}${name}`, rules)
  }
  return { name, isNew: !isLeft }
}

interface FoundStaging {
  readonly standing: readonly RawPath[]
  /** A killed restore of this user has left its folder. */
  readonly isLeft: boolean
}

function lookForStaging(state: TargetState): FoundStaging | undefined {
  const standing = listFolder(state, HERE)
  if (!standing.every(isTemporaryName)) return undefined
  const isThere = standing.includes(STAGING_NAME)
  return { standing, isLeft: isThere && isOurs(state.folders.root.prefix + STAGING_NAME, state.rules.us) }
}

/** Another user may have created a folder of this name. */
function isOurs(place: string, us: Owner | undefined): boolean {
  const stat = lstat(place)
  if (isFailure(stat) || stat.type !== "directory") return false
  return us === undefined || (stat.uid === us.uid && (stat.mode & 0o077) === 0)
}

function unstage({ folders }: TargetState, name: RawPath): void {
  try {
    rmdirSync(fsPath(folders.root.prefix + name))
  } catch {
    // it was removed, or has content for the next restore
  }
}

function publish(state: TargetState, name: RawPath): Unpublished[] {
  const { folders, rules } = state
  const failures: Unpublished[] = []
  const staged = openFoldersBelow(folders, name)
  try {
    for (const path of listFolder({ ...state, folders: staged }, HERE)) {
      if (isTemporaryName(path)) continue
      const step = { from: staged.root.prefix + path, to: folders.root.prefix + path }
      const error = moveToFreeName(step, rules.native)
      if (error !== undefined) failures.push({ path, error: targetError(error, path) })
    }
  } finally {
    closeFolders(staged)
  }
  return failures
}

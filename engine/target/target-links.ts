/**
 * The part of a disk target that creates links, FIFOs and device nodes, and changes the metadata of existing
 * entries.
 */
import { linkSync, symlinkSync } from "node:fs"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, fsPath, parentPath, showPath } from "../base/paths.ts"
import { folderAt } from "./folder-handles.ts"
import { givesAcl } from "../system/in-folder.ts"
import { setMetadataAt } from "./metadata.ts"
import { isOurs } from "./permitted.ts"
import { dropTemporary, giveName } from "./placing.ts"
import { checkPath } from "./safe-path.ts"
import {
  checkCode,
  type DeviceNumber,
  isFailure,
  joinDeviceNumber,
  lstat,
  systemError,
} from "../system/stat.ts"
import { targetError } from "./target-errors.ts"
import { syncFolder } from "./target-files.ts"
import { attributesAt, guarded, placeOf, type TargetState, withHandle } from "./target-state.ts"
import type { Identity, LeftOut, Metadata, Placing, Target, Updated } from "./target.ts"
import { temporaryName } from "../system/temporary-name.ts"
import { leftOutOfEqual, updateMetadataAt } from "./update-metadata.ts"
import { execFileSync } from "node:child_process"
import type { Native } from "../system/native-calls.ts"

export type Linking = Pick<
  Target,
  "placeSymlink" | "placeHardLink" | "placeFifo" | "placeDevice" | "compareMetadata" | "updateMetadata"
>

export function placingLinks(state: TargetState): Linking {
  const { rules } = state
  return {
    placeSymlink: (path, linkTarget, metadata, placing) =>
      placeNew(state, path, placing, (place) => {
        symlinkSync(fsPath(linkTarget), fsPath(place))
        return withHandle(state, place, (at, stat) => {
          if (stat.type !== "symlink" || stat.links !== 1) return []
          return setMetadataAt({ ...at, isSymlink: true }, metadata, rules, false)
        })
      }),
    placeHardLink: (path, first, placing) => {
      const source = placeOf(state, first.path)
      placeNew(state, path, placing, (place) => {
        linkSync(fsPath(source), fsPath(place))
        if (!isSame(lstat(place), first.identity)) throw targetError("ENOENT", first.path)
        return []
      })
    },
    placeFifo: (path, metadata, placing) =>
      placeNew(state, path, placing, (place) => {
        makeSpecial(place, { type: "fifo", major: 0, minor: 0 }, rules.native)
        return finishSpecial(state, place, path, metadata)
      }),
    placeDevice: (path, device, metadata, placing) => {
      if (!state.devices) {
        const message = `${showPath(path)}: device nodes are restored only with --special`
        throw new EngineError("denied", "device-node", message)
      }
      return placeNew(state, path, placing, (place) => {
        makeSpecial(place, device, rules.native)
        return finishSpecial(state, place, path, metadata)
      })
    },
    compareMetadata: (path, existing, metadata) =>
      guarded(path, () => {
        const standing = { stat: existing, xattrs: attributesAt(state, placeOf(state, path)) }
        return leftOutOfEqual(standing, metadata, rules)
      }),
    updateMetadata: (path, metadata) => guarded(path, () => updateMetadata(state, path, metadata)),
  }
}

function finishSpecial(
  state: TargetState,
  place: string,
  path: RawPath,
  metadata: Metadata,
): readonly LeftOut[] {
  return withHandle(state, place, (at, stat) => {
    // another program may have put something else here, such as a second name of a file outside
    if (stat.type === "file" || stat.type === "symlink" || stat.links !== 1) return []
    const hasAcl = givesAcl(folderAt(state.folders, parentPath(path)))
    return setMetadataAt(at, metadata, state.rules, hasAcl)
  })
}

function updateMetadata(state: TargetState, path: RawPath, metadata: Metadata): Updated | undefined {
  const { rules } = state
  const place = placeOf(state, path)
  return withHandle(state, place, (at, stat) => {
    // another of its names may be outside the target, and this would change it there too
    const mayChange = (stat.links === 1 || stat.type === "directory") && isOurs(stat, rules)
    const standing = { stat, xattrs: attributesAt(state, place) }
    const isSymlink = stat.type === "symlink"
    return updateMetadataAt({ ...at, isSymlink }, standing, metadata, { rules, mayChange })
  })
}

/** Creates an entry under a temporary name, then renames it. */
function placeNew(
  state: TargetState,
  path: RawPath,
  placing: Placing,
  make: (place: string) => readonly LeftOut[],
): readonly LeftOut[] {
  checkPath(path, state.portable)
  return guarded(path, () => {
    const folder = folderAt(state.folders, parentPath(path))
    const temporary = temporaryName()
    const from = folder.prefix + temporary
    const step = { folder, from: temporary, to: baseName(path), path }
    try {
      const leftOut = make(from)
      giveName(step, placing.replace, state.rules.native)
      // a rename over another name of the same file does nothing and leaves this name
      if (placing.replace) dropTemporary(from)
      if (placing.sync === true) syncFolder(folder.prefix)
      return leftOut
    } catch (error) {
      dropTemporary(from)
      throw error
    }
  })
}

function isSame(stat: ReturnType<typeof lstat>, identity: Identity): boolean {
  return !isFailure(stat) && stat.inode === identity.inode && stat.device === identity.device
}

const TYPE_BITS = { fifo: 0x1000, "character-device": 0x2000, "block-device": 0x6000 } as const
const TOOL_LETTERS = { fifo: "p", "character-device": "c", "block-device": "b" } as const

export interface Special extends DeviceNumber {
  readonly type: keyof typeof TYPE_BITS
}

/**
 * Creates a FIFO or a device node, by mknod(2) if native calls are available, otherwise by mknod(1).
 * @param place absolute raw path of an unused ASCII name, perhaps below `/proc/self/fd`
 * @throws an error with the system's code
 */
export function makeSpecial(place: string, special: Special, native: Native | undefined): void {
  const code = native?.makeNode(place, TYPE_BITS[special.type] | 0o600, joinDeviceNumber(special))
  if (native !== undefined && code !== "ENOSYS") return checkCode(code)
  // /proc/self is another process for a child
  const seen = place.replace(/^\/proc\/self\//, `/proc/${process.pid}/`)
  const path = fsPath(seen)
  if (typeof path !== "string") throw systemError("EILSEQ")
  const numbers = special.type === "fifo" ? [] : [String(special.major), String(special.minor)]
  try {
    execFileSync("mknod", ["-m", "600", path, TOOL_LETTERS[special.type], ...numbers], { stdio: "ignore" })
  } catch (cause) {
    throw Object.assign(new Error("mknod failed", { cause }), { code: "EPERM" })
  }
}

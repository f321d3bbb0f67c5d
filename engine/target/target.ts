/**
 * Where a restore's entries go: the port through which `read/place` touches the disk. Paths are raw
 * and relative to the target, "" is the target itself. Whatever the paths say, and whatever somebody
 * does on the disk meanwhile, nothing outside the target is touched: no link is followed, no file
 * that stands there is written into, and a file has its name only when it is whole. What can't be
 * done is an `EngineError` about that one path; the restore reports it and goes on. spec/files.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import type { EnsureOptions } from "./folder-handles.ts"
import type { DeviceNumber, ExtendedAttribute, Stat } from "../system/stat.ts"

export interface Metadata {
  /** Permission bits to 0o7777; setuid and setgid are left out where rule F19 says so. */
  readonly mode: number
  readonly mtimeNs: bigint
  readonly uid: number
  readonly gid: number
  readonly xattrs: readonly ExtendedAttribute[]
}

/** An unfinished file: plain data, and its descriptor is good in every thread of this process. */
export interface NewFile {
  readonly path: RawPath
  /** What it is called until it is finished; in a new staging folder that is its own name. */
  readonly name: RawPath
  readonly descriptor: number
  readonly size: number
  /** Runs of zeros become holes. */
  readonly sparse: boolean
}

export interface Placing {
  /** False: something that stands under the name is an error, "exists". True: it is replaced. */
  readonly replace: boolean
  /** The bytes are on the disk before the name is given, and the name before this returns. */
  readonly sync?: boolean
}

/** What of an entry was not set: the file system can't have it, or this user may not set it. */
export type LeftOut = "owner" | "mode" | "time" | "setuid" | "acl" | "capability" | "attribute"

/** What setting the metadata of something that was there came to. */
export interface Updated {
  /** False: it was right already, but for what was left out. */
  readonly changed: boolean
  readonly leftOut: readonly LeftOut[]
}

/** Which file it is, wherever its names are. */
export interface Identity {
  readonly device: bigint
  readonly inode: bigint
}

interface ExistingFile {
  /** Open for reading; the caller closes it with `closeDescriptor`. */
  readonly descriptor: number
  readonly stat: Stat
}

export interface Target {
  /** The absolute raw path. */
  readonly root: string
  /** False: extended attributes are not placed. */
  readonly xattrsAvailable: boolean
  /** What stands there; undefined when nothing does, also when a folder above it is missing or no folder. */
  look(path: RawPath): Stat | undefined
  /** Names in a folder, sorted, without those of unfinished files; none when there is no such folder. */
  list(folder: RawPath): RawPath[]
  readLink(path: RawPath): RawPath
  /** Sorted by name; none where they can't be read. */
  attributes(path: RawPath): readonly ExtendedAttribute[]
  /** A regular file, never through a link; undefined when there is no such thing or it can't be read. */
  openExisting(path: RawPath): ExistingFile | undefined
  /**
   * Makes a folder and those above it, 0700 until they are finished. Every folder that was ensured must be
   * finished: one that stood there read-only has been opened for writing.
   */
  ensureFolder(path: RawPath, options: EnsureOptions): "created" | "existing"
  /** A folder's metadata, after all its entries: only what differs is set. */
  finishFolder(path: RawPath, metadata: Metadata): readonly LeftOut[]
  /** In a folder that has been ensured. */
  beginFile(path: RawPath, size: number, sparse: boolean): NewFile
  /**
   * Extends what ends in a hole to its size, sets the metadata, closes, and gives the file its name. When it
   * throws, nothing of the file stays, and it must not be abandoned any more.
   */
  finishFile(file: NewFile, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** For a file that won't be finished: closed, and nothing of it stays. Never throws. */
  abandonFile(file: NewFile): void
  /** The time of a link is set where the system can do so; its mode is the system's affair. */
  placeSymlink(path: RawPath, linkTarget: RawPath, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** A second name for a file of this run; "vanished" when what stands under `first` is another file. */
  placeHardLink(path: RawPath, first: { path: RawPath; identity: Identity }, placing: Placing): void
  placeFifo(path: RawPath, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** Throws denied "device-node" unless the target was opened with `devices`. */
  placeDevice(path: RawPath, device: DeviceNode, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /**
   * Undefined when `updateMetadata` would have something to set; else what was left out before.
   * @param existing what `look` found
   */
  compareMetadata(path: RawPath, existing: Stat, metadata: Metadata): readonly LeftOut[] | undefined
  /**
   * Sets what differs of something that is there. Undefined when it can't be done in place and the entry must be made
   * again: another name of it may be outside the target, or it belongs to somebody else.
   */
  updateMetadata(path: RawPath, metadata: Metadata): Updated | undefined
  /** Removes an entry and all that is below it; the number of entries removed. */
  removeExtra(path: RawPath): number
  /** Removes one entry that is no folder, or a folder in which nothing is. */
  removeEntry(path: RawPath): void
  /** Opens a folder for removals in it. @returns its mode, when that had to be changed, for `lockFolder` */
  unlockFolder(path: RawPath): number | undefined
  lockFolder(path: RawPath, mode: number): void
  /** Removes the unfinished files and staging folders that a killed restore has left in a folder. */
  removeLeftovers(folder: RawPath): number
  /**
   * A folder to build everything in, since nothing stands in the target: a new one, or what a killed restore
   * has left. Undefined when something stands there, or none can be made. Never throws.
   */
  stage(): Staging | undefined
  /** What `stage` would give; makes and removes nothing. */
  wouldStage(): Staging | undefined
  /**
   * Gives what is at the top of the staging folder its name in the target, and removes the folder.
   * @returns what could not have its name, and why: the folder is still there, and that in it
   */
  publish(staging: Staging): readonly Unpublished[]
  /** Removes the staging folder when there is nothing in it. Never throws. */
  unstage(staging: Staging): void
  /** When it resolves, all that was placed survives a power cut. */
  flush(): Promise<void>
  /** Safe to call twice. */
  close(): void
}

/** The folder that a whole restore is built in. Plain data: each worker thread opens it for itself. */
export interface Staging {
  readonly name: RawPath
  /** Made by this run: what has a name in it was placed by this run. */
  readonly isNew: boolean
}

export interface Unpublished {
  readonly path: RawPath
  readonly error: EngineError
}

interface DeviceNode extends DeviceNumber {
  readonly type: "character-device" | "block-device"
}

/** Plain data, so that each worker thread can open the same target for itself. */
export interface TargetOptions {
  /** Makes the folder (0700) and those above it when it isn't there. */
  readonly create?: boolean
  /** Sets owners; only root can. Default: when run by root, and the groups of other users' own files. */
  readonly owners?: boolean
  /** False: leaves out setuid, setgid and capabilities. So does `owners: false`. Default true: rule F19. */
  readonly setuid?: boolean
  /** Allows device nodes. */
  readonly devices?: boolean
  /** Attributes that are neither `user.*` nor an ACL nor a capability: trusted.*, security.selinux and others. */
  readonly systemAttributes?: boolean
  /** Refuses names that Windows can't have. Default: on Windows. */
  readonly portable?: boolean
  /** Works by handles of folders. Default: where /proc/self/fd is; without it paths are checked by lstat. */
  readonly byHandle?: boolean
  /** Uses the optional native calls. Default true. */
  readonly native?: boolean
  /** The paths are below this folder of the target. */
  readonly staging?: Staging | undefined
}

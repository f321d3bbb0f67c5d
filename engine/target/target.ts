/**
 * The port through which a restore writes to the disk. Paths are raw and relative to the target; "" is the
 * target itself. Whatever the paths are, and whatever other programs do meanwhile, nothing outside the target
 * is changed: no link is followed, no existing file is written into, and a file gets its name only when it is
 * complete. A failure is an `EngineError` about that one path; the restore reports it and continues.
 * spec/files.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import type { EnsureOptions } from "./folder-handles.ts"
import type { DeviceNumber, ExtendedAttribute, Stat } from "../system/stat.ts"

export interface Metadata {
  /** Permission bits up to 0o7777. Rule F19 may leave out setuid and setgid. */
  readonly mode: number
  readonly mtimeNs: bigint
  readonly uid: number
  readonly gid: number
  readonly xattrs: readonly ExtendedAttribute[]
}

/** An unfinished file. Plain data; its descriptor is valid in every thread of this process. */
export interface NewFile {
  readonly path: RawPath
  /** Its name until it is finished; in a new staging folder that is its own name. */
  readonly name: RawPath
  readonly descriptor: number
  readonly size: number
  /** Runs of zeros become holes. */
  readonly sparse: boolean
}

export interface Placing {
  /** False: an existing entry of this name is an error, "exists". True: it is replaced. */
  readonly replace: boolean
  /** The bytes are on the disk before the rename, and the rename is before this returns. */
  readonly sync?: boolean
}

/** Metadata that was not set: the file system does not support it, or this user may not set it. */
export type LeftOut = "owner" | "mode" | "time" | "setuid" | "acl" | "capability" | "attribute"

/** Result of setting the metadata of an existing entry. */
export interface Updated {
  /** False: it was already right, except for what was left out. */
  readonly changed: boolean
  readonly leftOut: readonly LeftOut[]
}

/** Identifies a file under all its names. */
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
  /** Returns an existing entry; undefined if there is none, or a parent is missing or not a folder. */
  look(path: RawPath): Stat | undefined
  /**
   * Returns the names in a folder, sorted, without those of unfinished files; none if the folder does not
   * exist.
   */
  list(folder: RawPath): RawPath[]
  readLink(path: RawPath): RawPath
  /** Returns attributes sorted by name; none where they can't be read. */
  attributes(path: RawPath): readonly ExtendedAttribute[]
  /** Opens a regular file, never through a link; undefined if there is none or it can't be read. */
  openExisting(path: RawPath): ExistingFile | undefined
  /**
   * Creates a folder and its parents, 0700 until they are finished. Every ensured folder must be finished: an
   * existing read-only one has been made writable.
   */
  ensureFolder(path: RawPath, options: EnsureOptions): "created" | "existing"
  /** Sets a folder's metadata after all its entries, where it differs. */
  finishFolder(path: RawPath, metadata: Metadata): readonly LeftOut[]
  /** Creates a file in a folder that has been ensured. */
  beginFile(path: RawPath, size: number, sparse: boolean): NewFile
  /**
   * Extends a file that ends in a hole to its size, sets the metadata, closes and renames the file. If it
   * throws, the file is removed and must not be abandoned again.
   */
  finishFile(file: NewFile, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** Closes and removes a file that won't be finished. Never throws. */
  abandonFile(file: NewFile): void
  /** Sets the time of a link where the system can. The system decides its mode. */
  placeSymlink(path: RawPath, linkTarget: RawPath, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** Adds a name to a file of this run. @throws "vanished" if `first` is another file by now */
  placeHardLink(path: RawPath, first: { path: RawPath; identity: Identity }, placing: Placing): void
  placeFifo(path: RawPath, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** @throws denied "device-node" unless the target was opened with `devices` */
  placeDevice(path: RawPath, device: DeviceNode, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /**
   * Returns undefined if `updateMetadata` would have something to set, otherwise what was left out before.
   * @param existing the result of `look`
   */
  compareMetadata(path: RawPath, existing: Stat, metadata: Metadata): readonly LeftOut[] | undefined
  /**
   * Sets what differs of an existing entry. Returns undefined if the entry must be created again instead:
   * another name of it may be outside the target, or it belongs to another user.
   */
  updateMetadata(path: RawPath, metadata: Metadata): Updated | undefined
  /** Removes an entry and everything below it. Returns the number of entries removed. */
  removeExtra(path: RawPath): number
  /** Removes one entry that is not a folder, or an empty folder. */
  removeEntry(path: RawPath): void
  /**
   * Makes a folder writable for removals. Returns the previous mode for `lockFolder`, if it had to be
   * changed.
   */
  unlockFolder(path: RawPath): number | undefined
  lockFolder(path: RawPath, mode: number): void
  /** Removes the unfinished files and staging folders that a killed restore left in a folder. */
  removeLeftovers(folder: RawPath): number
  /**
   * Provides a folder to build everything in, if the target is empty: a new one, or the one that a killed
   * restore left. Returns undefined if the target has content, or the folder can't be created. Never throws.
   */
  stage(): Staging | undefined
  /** Returns what `stage` would return, without changes. */
  wouldStage(): Staging | undefined
  /**
   * Moves the top-level entries of the staging folder to their names in the target, and removes the folder.
   * @returns entries that could not be moved, and why; they stay in the folder
   */
  publish(staging: Staging): readonly Unpublished[]
  /** Removes the staging folder if it is empty. Never throws. */
  unstage(staging: Staging): void
  /** When it resolves, everything placed survives a power cut. */
  flush(): Promise<void>
  /** Safe to call twice. */
  close(): void
}

/** The folder that a whole restore is built in. Plain data: each worker thread opens it for itself. */
export interface Staging {
  readonly name: RawPath
  /** Created by this run: every name in it was placed by this run. */
  readonly isNew: boolean
}

export interface Unpublished {
  readonly path: RawPath
  readonly error: EngineError
}

interface DeviceNode extends DeviceNumber {
  readonly type: "character-device" | "block-device"
}

/** Plain data: each worker thread opens the same target for itself. */
export interface TargetOptions {
  /** Creates a missing folder (0700) and its parents. */
  readonly create?: boolean
  /**
   * Sets owners; only root can. Default: all owners for root, otherwise the groups of the user's own files.
   */
  readonly owners?: boolean
  /** False: leaves out setuid, setgid and capabilities. So does `owners: false`. Default true: rule F19. */
  readonly setuid?: boolean
  /** Allows device nodes. */
  readonly devices?: boolean
  /**
   * Allows attributes that are neither `user.*` nor an ACL nor a capability: trusted.*, security.selinux and
   * others.
   */
  readonly systemAttributes?: boolean
  /** Refuses names that Windows forbids. Default: on Windows. */
  readonly portable?: boolean
  /** Uses handles of folders. Default: if /proc/self/fd exists. Without, paths are checked by lstat. */
  readonly byHandle?: boolean
  /** Uses the optional native calls. Default true. */
  readonly native?: boolean
  /** The paths are below this folder of the target. */
  readonly staging?: Staging | undefined
}

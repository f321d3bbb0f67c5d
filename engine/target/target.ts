/**
 * The port through which a restore changes the disk. Paths are raw and relative to the target; ""
 * is the target itself. Whatever the paths are, and whatever somebody does on the disk during the
 * restore, nothing outside the target is changed: no link is followed, no existing file is written
 * to, and a file has its name only when it is complete. Every failure is an `EngineError` about one
 * path; the restore reports it and continues. spec/files.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import type { EnsureOptions } from "./folder-handles.ts"
import type { DeviceNumber, ExtendedAttribute, Stat } from "../system/stat.ts"

export interface Metadata {
  /** Permission bits to 0o7777. Setuid and setgid are left out where rule F19 says so. */
  readonly mode: number
  readonly mtimeNs: bigint
  readonly uid: number
  readonly gid: number
  readonly xattrs: readonly ExtendedAttribute[]
}

/** An unfinished file: plain data, with a descriptor valid in every thread of this process. */
export interface NewFile {
  readonly path: RawPath
  /** Its name until it is finished; in a new staging folder its own name. */
  readonly name: RawPath
  readonly descriptor: number
  readonly size: number
  /** Runs of zeros become holes. */
  readonly sparse: boolean
}

export interface Placing {
  /** False: an existing entry with the name is an error, "exists". True: it is replaced. */
  readonly replace: boolean
  /** Flush the bytes to the disk before renaming, and the name before returning. */
  readonly sync?: boolean
}

/** Metadata that was not set: the file system doesn't support it, or this user may not set it. */
export type LeftOut = "owner" | "mode" | "time" | "setuid" | "acl" | "capability" | "attribute"

/** The result of setting an existing entry's metadata. */
export interface Updated {
  /** False: it was right already, except for what was left out. */
  readonly changed: boolean
  readonly leftOut: readonly LeftOut[]
}

/** Identifies a file by all its names. */
export interface Identity {
  readonly device: bigint
  readonly inode: bigint
}

interface ExistingFile {
  /** Open for reading. The caller closes it with `closeDescriptor`. */
  readonly descriptor: number
  readonly stat: Stat
}

export interface Target {
  /** The absolute raw path. */
  readonly root: string
  /** False: extended attributes are not placed. */
  readonly xattrsAvailable: boolean
  /**
   * Returns the existing entry; undefined if it is missing, or if a folder above it is missing or
   * isn't a folder.
   */
  look(path: RawPath): Stat | undefined
  /** Returns the sorted names in a folder, without those of unfinished files; empty if it isn't a folder. */
  list(folder: RawPath): RawPath[]
  readLink(path: RawPath): RawPath
  /** Sorted by name; empty if they can't be read. */
  attributes(path: RawPath): readonly ExtendedAttribute[]
  /** Opens a regular file, never through a link; undefined if it isn't one or can't be read. */
  openExisting(path: RawPath): ExistingFile | undefined
  /**
   * Creates a folder and those above it, 0700 until they are finished. Every ensured folder must be
   * finished: an existing read-only one was made writable.
   */
  ensureFolder(path: RawPath, options: EnsureOptions): "created" | "existing"
  /** Sets a folder's metadata, after all its entries. Only differences are set. */
  finishFolder(path: RawPath, metadata: Metadata): readonly LeftOut[]
  /** Call in an ensured folder. */
  beginFile(path: RawPath, size: number, sparse: boolean): NewFile
  /**
   * Extends a file that ends in a hole, sets the metadata, closes it, and renames it. If it throws,
   * nothing of the file remains, and it must not be abandoned.
   */
  finishFile(file: NewFile, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** Closes a file that won't be finished and removes it. Never throws. */
  abandonFile(file: NewFile): void
  /** Sets the time of a link if the system supports that. The system chooses its mode. */
  placeSymlink(path: RawPath, linkTarget: RawPath, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /**
   * Creates a second name for a file of this run.
   * @throws "vanished" if the entry at `first` is another file
   */
  placeHardLink(path: RawPath, first: { path: RawPath; identity: Identity }, placing: Placing): void
  placeFifo(path: RawPath, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /** @throws denied "device-node" unless the target was opened with `devices` */
  placeDevice(path: RawPath, device: DeviceNode, metadata: Metadata, placing: Placing): readonly LeftOut[]
  /**
   * Returns undefined if `updateMetadata` would set anything, otherwise what was left out before.
   * @param existing from `look`
   */
  compareMetadata(path: RawPath, existing: Stat, metadata: Metadata): readonly LeftOut[] | undefined
  /**
   * Sets the differences of an existing entry. Returns undefined if that can't be done in place and the
   * entry must be replaced: another of its names may be outside the target, or it belongs to another user.
   */
  updateMetadata(path: RawPath, metadata: Metadata): Updated | undefined
  /** Removes an entry and everything below it. Returns the number of entries removed. */
  removeExtra(path: RawPath): number
  /** Removes one entry that isn't a folder, or an empty folder. */
  removeEntry(path: RawPath): void
  /**
   * Makes a folder writable to remove entries in it.
   * @returns its previous mode for `lockFolder`, if that had to be changed
   */
  unlockFolder(path: RawPath): number | undefined
  lockFolder(path: RawPath, mode: number): void
  /** Removes the unfinished files and staging folders that a killed restore has left in a folder. */
  removeLeftovers(folder: RawPath): number
  /**
   * Returns a folder in which to build everything, if the target is empty: a new one, or one left
   * by a killed restore. Undefined if the target isn't empty, or none can be created. Never throws.
   */
  stage(): Staging | undefined
  /** Returns what `stage` would, without creating or removing anything. */
  wouldStage(): Staging | undefined
  /**
   * Renames the top entries of the staging folder into the target, and removes the folder.
   * @returns entries that could not be renamed, and why; they remain in the staging folder
   */
  publish(staging: Staging): readonly Unpublished[]
  /** Removes an empty staging folder. Never throws. */
  unstage(staging: Staging): void
  /** When it resolves, everything placed survives a power cut. */
  flush(): Promise<void>
  /** Safe to call twice. */
  close(): void
}

/** The folder in which a whole restore is built. Plain data: each worker thread opens it itself. */
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

/** Plain data, so each worker thread can open the same target itself. */
export interface TargetOptions {
  /** Create the folder (0700) and those above it if it doesn't exist. */
  readonly create?: boolean
  /** Set owners; only root can. Default: if run by root, and the groups of other users' own files. */
  readonly owners?: boolean
  /** False: leave out setuid, setgid and capabilities. So does `owners: false`. Default true: rule F19. */
  readonly setuid?: boolean
  /** Allow device nodes. */
  readonly devices?: boolean
  /**
   * Attributes that are neither `user.*` nor an ACL nor a capability: trusted.*, security.selinux
   * and others.
   */
  readonly systemAttributes?: boolean
  /** Refuse names that Windows can't have. Default: on Windows. */
  readonly portable?: boolean
  /** Use folder handles. Default: if /proc/self/fd exists; otherwise paths are checked by lstat. */
  readonly byHandle?: boolean
  /** Use the optional native calls. Default true. */
  readonly native?: boolean
  /** Paths are below this folder of the target. */
  readonly staging?: Staging | undefined
}

/**
 * Where a backup's entries come from: the ports that the walk and the write path read through. Paths
 * are raw and relative to the source's root, "" is the root itself. Everything is synchronous: the
 * calls are short, and a promise for each would cost more than the call. What goes wrong with one
 * entry is a value, never a throw, so that one unreadable file can't stop a backup. spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import type { ExtendedAttribute, Failure, Stat } from "../system/stat.ts"

export interface Source {
  /** The names in a folder, sorted by bytes. The array is the caller's. */
  list(directory: RawPath): RawPath[] | Failure
  /** Never follows a symlink. */
  stat(path: RawPath): Stat | Failure
  /**
   * What `stat` says of each of these names in a folder; undefined, or not there, when asking one by one
   * costs no more.
   */
  statAll?(directory: RawPath, names: readonly RawPath[]): readonly (Stat | Failure)[] | undefined
  /** The target of a symlink, as raw bytes. */
  readLink(path: RawPath): RawPath | Failure
  /**
   * Whether files may have more or less content than their size says, as in procfs, sysfs and some FUSE mounts; asked
   * once a file system. Absent: sizes are right.
   * @param path of an entry on it
   * @param device the file system's number, from `stat`
   */
  sizesAreHints?(path: RawPath, device: bigint): boolean
  /**
   * Where an entry can be read now, for `fsPath` and node:fs: its folder is held open, so that the path is good until
   * the source's next call and leads through no link. It may be one itself: open it with O_NOFOLLOW.
   */
  place(path: RawPath): string | Failure
  /** The same for any thread of this process, until `close`. */
  anchored(path: RawPath): Anchored
  /** False when this machine has no way to read them: `xattrs` is then always empty. */
  readonly xattrsAvailable: boolean
  /** Sorted by name; never follows a symlink. */
  xattrs(path: RawPath): readonly ExtendedAttribute[] | Failure
  /** "" when the number has no name on this machine. */
  userName(uid: number): string
  groupName(gid: number): string
  /** Closes the folders that are held open. */
  close(): void
}

export interface Anchored {
  /** The descriptor of a folder that the source holds open; -1 where folders can't be held, and `path` is absolute. */
  readonly anchor: number
  readonly path: string
}

/**
 * What the walk asks about leaving things out: the answers that hold inside one folder. `select.ts` makes
 * them from patterns and flags. With nothing to leave out there is no scope, and the walk asks nothing.
 */
export interface Scope {
  /** Whether a folder's entries are looked at; when not, the folder itself is kept, empty. */
  enters(directory: RawPath, stat: Stat): boolean
  /** The rules inside a folder that was entered, whose names have just been read. */
  inside(directory: RawPath, stat: Stat, names: readonly RawPath[]): Scope
  /** Whether an entry of this scope's folder is kept. */
  keeps(path: RawPath, name: RawPath, stat: Stat): boolean
  /** The same for an entry that could not be read: false when the rules leave it out whatever it is. */
  keepsUnread(path: RawPath, name: RawPath): boolean
}

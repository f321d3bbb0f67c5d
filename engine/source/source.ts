/**
 * The ports through which a backup reads its entries. Paths are raw and relative to the source's root; "" is
 * the root itself. All calls are synchronous: they are short, and a promise for each would cost more than the
 * call. The failure of one entry is a value, never a throw, so that an unreadable file can't stop a backup.
 * spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import type { ExtendedAttribute, Failure, Stat } from "../system/stat.ts"

export interface Source {
  /** Returns the names in a folder, sorted by bytes. The caller owns the array. */
  list(directory: RawPath): RawPath[] | Failure
  /** Never follows a symlink. */
  stat(path: RawPath): Stat | Failure
  /**
   * Returns the `stat` of each of these names in a folder. Undefined, or absent, if single calls cost no
   * more.
   */
  statAll?(directory: RawPath, names: readonly RawPath[]): readonly (Stat | Failure)[] | undefined
  /** Returns the target of a symlink, as raw bytes. */
  readLink(path: RawPath): RawPath | Failure
  /**
   * Whether files may have more or less content than their size, as in procfs, sysfs and some FUSE mounts.
   * Called once per file system. Absent: sizes are exact.
   * @param path of an entry on it
   * @param device the file system's number, from `stat`
   */
  sizesAreHints?(path: RawPath, device: bigint): boolean
  /**
   * Returns a path at which an entry can be read, for `fsPath` and node:fs. Its folder is held open, so the
   * path is valid until the source's next call and leads through no link. The entry may be a link itself:
   * open it with O_NOFOLLOW.
   */
  place(path: RawPath): string | Failure
  /** The same for all threads of this process, valid until `close`. */
  anchored(path: RawPath): Anchored
  /** How a file's content was taken before the walk; undefined for an ordinary file. Absent: nothing was. */
  captured?(path: RawPath): CapturedContent | undefined
  /** False if this machine can't read them: `xattrs` is then always empty. */
  readonly xattrsAvailable: boolean
  /** Returns attributes sorted by name. Never follows a symlink. */
  xattrs(path: RawPath): readonly ExtendedAttribute[] | Failure
  /** Returns "" if the number has no name on this machine. */
  userName(uid: number): string
  groupName(gid: number): string
  /** Closes the folders that are held open. */
  close(): void
}

export interface CapturedContent {
  readonly capture: "sqlite" | "sqlite-raw"
  /** The file to read at `anchored`, if it is not the entry's own. */
  readonly file: Pick<Stat, "size" | "mtimeNs" | "ctimeNs" | "inode"> | undefined
}

export interface Anchored {
  /**
   * Descriptor of a folder that the source holds open; -1 if folders can't be held open: `path` is then
   * absolute.
   */
  readonly anchor: number
  readonly path: string
}

/**
 * Says what the walk leaves out inside one folder. `select.ts` makes it from patterns and flags. Without
 * anything to leave out there is no scope.
 */
export interface Scope {
  /** Whether a folder's entries are read. If not, the folder itself is kept, empty. */
  enters(directory: RawPath, stat: Stat): boolean
  /** Returns the scope inside a folder that is entered, given its names. */
  inside(directory: RawPath, stat: Stat, names: readonly RawPath[]): Scope
  /** Whether an entry of this scope's folder is kept. */
  keeps(path: RawPath, name: RawPath, stat: Stat): boolean
  /** The same for an entry that could not be read: false if it is left out whatever its type. */
  keepsUnread(path: RawPath, name: RawPath): boolean
}

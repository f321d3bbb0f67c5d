/**
 * What the walk asks about leaving things out: the answers that hold inside one folder. `select.ts`
 * makes them from patterns and flags; with nothing to leave out there is no scope at all, and the
 * walk asks nothing. spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import type { Stat } from "../system/stat.ts"

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

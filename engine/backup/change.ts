/**
 * Changes: what the scan hands to assemble. Makes the entry of a changed path from what the walk saw, with
 * the job that reads its content, or removes a path that can't be kept. spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"
import { type FileClass, mayKeepClass } from "../chunks/classes.ts"
import type { Entry, EntryType } from "../format/listing-entry.ts"
import type { Source } from "../source/source.ts"
import { isFailure, isStorable, splitDeviceNumber, type Stat } from "../system/stat.ts"
import type { OpenRecord } from "./folder-records.ts"
import type { Run } from "./run.ts"
import type { SplitJob, SplitRead } from "./split/split-messages.ts"
import { unreadableReason } from "./split/steady-read.ts"

export type Change = PutChange | { readonly type: "remove"; readonly path: RawPath }

export interface PutChange {
  readonly type: "put"
  /** As the walk saw it, without content; a file's attributes are read with its content. */
  readonly entry: Omit<Entry, "content">
  /** Set when content must be read. */
  readonly job: SplitJob | undefined
  /** The first link of this file, when this run reads it there. */
  readonly linkTo: PutChange | undefined
  /** With `linkTo`: reads this link itself if the first one is gone or another file by then. */
  readonly spare: SplitJob | undefined
  /** The last run had an entry at this path. */
  readonly known: boolean
  /** The path was a folder and is not any more: everything below it is removed. */
  readonly replacesTree: boolean
  /** The folder record for the entry, and its position there. */
  readonly record: OpenRecord
  readonly position: number
  /** The result of the read, once it is known. */
  read: SplitRead | undefined
}

export interface ChangeTools {
  readonly run: Run
  /** Returns the class that a path had in the last snapshot, for files whose size may change theirs. */
  readonly previousClass: (path: RawPath) => FileClass | undefined
}

/** The first path of a file with several names, in this walk. */
export interface Link {
  readonly path: RawPath
  /** Undefined when the first link is unchanged. */
  readonly change: PutChange | undefined
}

interface Found {
  readonly path: RawPath
  readonly stat: Stat
  readonly first: Link | undefined
  readonly knownType: string | undefined
}

/** Returns undefined for an entry that is not kept now and was not in the last run. */
export function makeChange(
  tools: ChangeTools,
  { path, stat, first, knownType }: Found,
  place: { record: OpenRecord; position: number },
): Change | undefined {
  const { source, records } = tools.run
  const isRead = hasContent(source.files, path, stat)
  const entry = describe(tools.run, { path, stat, isRead }, first?.path ?? null)
  if (entry === undefined) return knownType === undefined ? undefined : { type: "remove", path }
  const linkTo = first?.change
  const reading = isRead ? jobOf(tools, { path, stat, knownType }) : undefined
  if (reading !== undefined) records.expect(place.record)
  return {
    type: "put",
    entry,
    job: linkTo === undefined ? reading : undefined,
    linkTo,
    spare: linkTo === undefined ? undefined : reading,
    known: knownType !== undefined,
    replacesTree: knownType === "directory" && stat.type !== "directory",
    ...place,
    read: undefined,
  }
}

function jobOf(
  { run, previousClass }: ChangeTools,
  { path, stat, knownType }: Omit<Found, "first">,
): SplitJob {
  const { files } = run.source
  const { size, inode, mtimeNs, ctimeNs } = files.captured?.(path)?.file ?? stat
  const looksBack = knownType === "file" && mayKeepClass(size)
  const previous = looksBack ? (previousClass(path) ?? -1) : -1
  const appended = run.request.capture?.appended?.some((end) => path.endsWith(end)) === true
  return { ...files.anchored(path), size, inode, mtimeNs, ctimeNs, previousClass: previous, appended }
}

/** Whether the file must be read. A size of 0 is believed only on file systems that report true sizes. */
function hasContent(source: Source, path: RawPath, stat: Stat): boolean {
  return stat.type === "file" && (stat.size > 0 || source.sizesAreHints?.(path, stat.device) === true)
}

const TIME_OUT_OF_RANGE =
  "the modification time is outside 1677 to 2262; the nearest time in that range is saved"

interface Described {
  readonly path: RawPath
  readonly stat: Stat
  /** The file's attributes are read with its content. */
  readonly isRead: boolean
}

/** readlink(2) gives EINVAL for what is no longer a link. */
function linkError(code: string): string {
  return code === "EINVAL" ? "ENOTFILE" : code
}

/** Makes the entry without content; of a file that is read, also without attributes. Reports what can't be kept. */
function describe(
  { source: { files }, tally }: Run,
  { path, stat, isRead }: Described,
  hardLink: RawPath | null,
): Omit<Entry, "content"> | undefined {
  if (stat.type === "socket") return undefined
  const target = stat.type === "symlink" ? files.readLink(path) : null
  if (isFailure(target) || target === "") {
    tally.failed(path, isFailure(target) ? unreadableReason(linkError(target.error)) : "its target is empty")
    return undefined
  }
  const captured = files.captured?.(path)
  // a copy's attributes are not the file's
  const xattrs = files.xattrsAvailable && (!isRead || captured?.file !== undefined) ? files.xattrs(path) : []
  if (isFailure(xattrs)) tally.failed(path, unreadableReason(xattrs.error))
  if (!isStorable(stat.mtimeNs)) tally.notice(`${showPath(path)}: ${TIME_OUT_OF_RANGE}`)
  const type: EntryType = stat.type
  return {
    path,
    type,
    mode: stat.mode,
    mtimeNs: stat.mtimeNs,
    uid: stat.uid,
    gid: stat.gid,
    user: files.userName(stat.uid),
    group: files.groupName(stat.gid),
    size: type === "file" ? stat.size : 0,
    linkTarget: target,
    device: type === "character-device" || type === "block-device" ? splitDeviceNumber(stat.rdev) : null,
    hardLink,
    xattrs: isFailure(xattrs) ? [] : xattrs,
    sparse: type === "file" && stat.blocks * 512 < stat.size,
    capture: captured?.capture ?? "plain",
  }
}

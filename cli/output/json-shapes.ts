/**
 * The field names of JSON output: restic's where the meaning is the same. They are stable: fields are added, never
 * renamed or removed. Paths are text; a path that is not UTF-8 also has its bytes.
 */
import type { BackupResult, Entry, EntryType, Requests, Snapshot } from "../../engine/index.ts"
import { isoTime } from "./format.ts"

export function snapshotFields(snapshot: Snapshot): Record<string, unknown> {
  return {
    id: snapshot.id,
    short_id: snapshot.shortId,
    parent: snapshot.parent,
    time: isoTime(snapshot.timeNs),
    hostname: snapshot.host,
    username: snapshot.user,
    paths: snapshot.paths.map((path) => pathText(path)),
    tags: snapshot.tags,
    series: snapshot.series,
    device: snapshot.device,
    device_label: snapshot.deviceLabel,
    trigger: snapshot.trigger,
    flag: snapshot.flag,
    good: snapshot.good,
    label: snapshot.label,
    summary: summaryFields(snapshot.summary),
  }
}

export function summaryFields(summary: BackupResult["summary"]): Record<string, number> {
  return {
    files_new: summary.filesNew,
    files_changed: summary.filesChanged,
    files_unmodified: summary.filesUnmodified,
    dirs_new: summary.dirsNew,
    dirs_changed: summary.dirsChanged,
    dirs_unmodified: summary.dirsUnmodified,
    data_added: summary.dataAdded,
    data_added_packed: summary.dataAddedPacked,
    total_files_processed: summary.files,
    total_bytes_processed: summary.bytes,
  }
}

/** Store requests, as providers bill them. */
export function requestsFields({ bytesUp, bytesDown, ...counts }: Requests): Record<string, number> {
  return { ...counts, bytes_up: bytesUp, bytes_down: bytesDown }
}

export const TYPES: Readonly<Record<EntryType, string>> = {
  file: "file",
  directory: "dir",
  symlink: "symlink",
  fifo: "fifo",
  "character-device": "chardev",
  "block-device": "dev",
}

export function entryFields(entry: Entry): Record<string, unknown> {
  const { path, linkTarget, hardLink, device } = entry
  return {
    name: pathText(path.slice(path.lastIndexOf("/") + 1)) || ".",
    type: TYPES[entry.type],
    // The root of a snapshot is the folder that was saved.
    ...pathFields(path || "."),
    uid: entry.uid,
    gid: entry.gid,
    user: entry.user,
    group: entry.group,
    ...(entry.type === "file" ? { size: entry.size } : {}),
    mode: entry.mode,
    permissions: permissions(entry),
    mtime: isoTime(entry.mtimeNs),
    ...(linkTarget === null ? {} : { linktarget: pathText(linkTarget) }),
    ...(hardLink === null ? {} : { hard_link: pathText(hardLink) }),
    ...(device === null ? {} : { device_major: device.major, device_minor: device.minor }),
    ...(entry.capture === "plain" ? {} : { capture: entry.capture }),
    ...(entry.capture === "torn" ? { torn: true } : {}),
  }
}

/** `path`, and `path_base64` when the bytes are not UTF-8. */
export function pathFields(path: string): Record<string, string> {
  const bytes = Buffer.from(path, "latin1")
  const text = bytes.toString("utf8")
  if (Buffer.from(text, "utf8").equals(bytes)) return { path: text }
  return { path: text, path_base64: bytes.toString("base64") }
}

/** The same for the item of an error or a status message; the root is a dot. */
export function itemFields(path: string): Record<string, string> {
  const { path: item = "", path_base64: bytes } = pathFields(path || ".")
  return bytes === undefined ? { item } : { item, item_base64: bytes }
}

/** The bytes of a path as text; invalid UTF-8 is replaced. */
export function pathText(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8")
}

const TYPE_LETTERS: Readonly<Record<EntryType, string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  fifo: "p",
  "character-device": "c",
  "block-device": "b",
}

/** As `ls -l` shows it: "drwxr-xr-x". */
export function permissions({ type, mode }: Pick<Entry, "type" | "mode">): string {
  const letters = "rwxrwxrwx".split("").map((letter, bit) => ((mode & (0o400 >> bit)) === 0 ? "-" : letter))
  const special = (bit: number, position: number, letter: string): void => {
    if ((mode & bit) === 0) return
    letters[position] = letters[position] === "-" ? letter.toUpperCase() : letter
  }
  special(0o4000, 2, "s")
  special(0o2000, 5, "s")
  special(0o1000, 8, "t")
  return TYPE_LETTERS[type] + letters.join("")
}

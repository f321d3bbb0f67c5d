/**
 * The folder records that a run makes, which the next run's scan compares with. A record is finished when
 * its folder has been walked and all its files have been read. Finished records wait here until the commit,
 * when the file cache takes them together with its new base. spec/home.md.
 */
import type { RawPath } from "../base/ids.ts"
import type { Stat } from "../system/stat.ts"
import {
  encodeDirectoryRecord,
  isRacy,
  type RecordedEntry,
  type RecordedType,
} from "../home/directory-record.ts"
import type { FreshStat } from "./split/split-messages.ts"

export interface OpenRecord {
  readonly path: RawPath
  /** Whether the folder's record must be written again. */
  changed: boolean
  put(position: number, name: RawPath, stat: Stat, hardLinkFirst: RawPath | null): void
  /** Removes an entry that the listing does not have. */
  drop(position: number): void
}

export interface FolderRecords {
  /** @param isKnown the file cache has a record of the folder, which stays valid if nothing changes */
  open(path: RawPath, isKnown: boolean): OpenRecord
  /** Makes the record wait for a file that will be read. */
  expect(record: OpenRecord): void
  /** Ends that wait. `fresh` is the file's state if it differs from what the walk saw; "unread" drops the entry. */
  settle(record: OpenRecord, position: number, fresh: FreshStat | null | "unread"): void
  /** Marks a folder that the walk has left. */
  walked(record: OpenRecord): void
  /** Removes the records of a folder of the last run and of everything below it. */
  removed(path: RawPath): void
  /** Yields removed folders with null first, then the finished records of changed folders. */
  changed(): Iterable<readonly [RawPath, Uint8Array | null]>
}

interface Kept {
  readonly name: RawPath
  readonly stat: Stat
  readonly hardLinkFirst: RawPath | null
}

interface Building extends OpenRecord {
  readonly entries: (Kept | undefined)[]
  /** Newer times don't prove that a file is unchanged (rule W8). */
  readonly readAtNs: bigint
  waiting: number
  walked: boolean
}

export function createFolderRecords(now: () => bigint): FolderRecords {
  const finished = new Map<RawPath, Uint8Array>()
  const removed: RawPath[] = []

  const finish = (record: Building): void => {
    if (!record.walked || record.waiting > 0 || !record.changed) return
    const entries = record.entries.filter((entry) => entry !== undefined)
    finished.set(record.path, encodeDirectoryRecord(entries.map((entry) => recorded(entry, record.readAtNs))))
    record.entries.length = 0
  }
  return {
    open(path, isKnown) {
      const entries: (Kept | undefined)[] = []
      const record: Building = {
        path,
        entries,
        readAtNs: now(),
        changed: !isKnown,
        waiting: 0,
        walked: false,
        put(position, name, stat, hardLinkFirst) {
          entries[position] = { name, stat, hardLinkFirst }
        },
        drop(position) {
          entries[position] = undefined
        },
      }
      return record
    },
    expect(record) {
      ;(record as Building).waiting++
    },
    settle(record, position, fresh) {
      const building = record as Building
      const entry = building.entries[position]
      if (fresh === "unread") building.drop(position)
      else if (fresh !== null && entry !== undefined) {
        building.entries[position] = { ...entry, stat: { ...entry.stat, ...fresh } }
      }
      building.waiting--
      finish(building)
    },
    walked(record) {
      const building = record as Building
      building.walked = true
      finish(building)
    },
    removed: (path) => void removed.push(path),
    *changed() {
      for (const path of removed) yield [path, null]
      yield* finished
    },
  }
}

function recorded({ name, stat, hardLinkFirst }: Kept, readAtNs: bigint): RecordedEntry {
  return { ...stat, type: stat.type as RecordedType, name, hardLinkFirst, racy: isRacy(stat, readAtNs) }
}

/**
 * `diff` of a snapshot with the disk: the changes that the next backup would find. It merges two
 * ordered streams. A file's content is read only if its size is unchanged and its time is not.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { resolve } from "node:path"
import { equalBytes } from "../base/bytes.ts"
import { errnoText, errorCode } from "../base/errno.ts"
import { EngineError } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId, type RawPath } from "../base/ids.ts"
import { comparePaths, fsPath, rawPathFromText, showPath } from "../base/paths.ts"
import { SIDE_FILES } from "../base/sqlite.ts"
import { chunkHasher, type ChunkHasher, chunkIdKey } from "../crypto/chunk-id.ts"
import type { Entry } from "../format/listing-entry.ts"
import { walkChunkList } from "../listing/chunk-list.ts"
import { lookUp, noEntry } from "../listing/look-up.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import { walkListing } from "../listing/walk.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { Repository } from "../session/repository.ts"
import { warn } from "../session/session.ts"
import type { Source } from "../source/source.ts"
import { openNative } from "../system/native.ts"
import { isFailure, splitDeviceNumber, type Stat } from "../system/stat.ts"
import type { Difference } from "./diff-snapshots.ts"
import { type DiskEntry, type DiskSide, openDiskSide } from "./disk-side.ts"
import { openNodeReader } from "./node-reader.ts"

export interface DiskDiffRequest {
  /** As typed: the folder to compare with `within`. Default: where the snapshot was taken. */
  readonly folder?: string | undefined
  readonly within?: RawPath | undefined
}

/**
 * Yields the changes from the snapshot to the disk, in listing order. Unreadable files are added to
 * the repository's warnings.
 * @throws invalid "no-folder"; not-found "no-entry" and "no-source"
 */
export async function* diffWithDisk(
  repository: Repository,
  snapshot: SnapshotRecord,
  { folder, within = "" as RawPath }: DiskDiffRequest = {},
): AsyncGenerator<Difference> {
  const nodes = openNodeReader(repository)
  const load = nodes.listing(snapshot.series)
  const entry = await firstEntry(walkListing(snapshot.root, load, { within, batch: 1 }))
  if (within !== "" && (await lookUp(snapshot.root, load, within)) === undefined)
    throw noEntry(snapshot, within)
  if (folder === "") throw new EngineError("invalid", "empty-path", "the folder to compare with is empty")
  const place = folder === undefined ? undefined : rawPathFromText(resolve(folder))
  const disk = openDiskSide(repository, snapshot, { folder: place, within, entry })
  try {
    const compare = comparer(repository, disk.source, contentComparer(repository, nodes.chunkLists))
    yield* merged({ before: walkListing(snapshot.root, load, { within }), disk, compare })
  } finally {
    disk.source.close()
  }
}

interface Sides {
  readonly before: AsyncIterable<Entry>
  readonly disk: DiskSide
  readonly compare: Compare
}

async function* merged({ before: entries, disk, compare }: Sides): AsyncGenerator<Difference> {
  const found = disk.entries()
  /** Databases that were captured: what SQLite keeps beside them is not in the snapshot. */
  const databases = new Set<RawPath>()
  const isBeside = (path: RawPath): boolean =>
    SIDE_FILES.some((end) => path.endsWith(end) && databases.has(path.slice(0, -end.length) as RawPath))
  let after = found.next()
  for await (const before of entries) {
    for (; after.done !== true && comparePaths(after.value.path, before.path) < 0; after = found.next()) {
      if (!isBeside(after.value.path))
        yield { path: after.value.path, change: "added", found: after.value.stat }
    }
    if (before.capture === "sqlite") databases.add(before.path)
    if (after.done !== true && after.value.path === before.path) {
      const change = await compare(before, after.value)
      if (change !== undefined) yield { path: before.path, change, before }
      after = found.next()
    } else if (!disk.isUnread(before.path)) yield { path: before.path, change: "removed", before }
  }
  for (; after.done !== true; after = found.next())
    if (!isBeside(after.value.path))
      yield { path: after.value.path, change: "added", found: after.value.stat }
}

async function firstEntry(all: AsyncIterable<Entry>): Promise<Entry | undefined> {
  for await (const entry of all) return entry
  return undefined
}

type Compare = (before: Entry, after: DiskEntry) => Promise<Difference["change"] | undefined>

function comparer(repository: Repository, source: Source, sameContent: CompareContent): Compare {
  const native = openNative()
  const sameAttributes = ({ xattrs }: Entry, file: string): boolean => {
    const found = native?.readsAttributes === true ? native.attributes(file) : undefined
    if (found === undefined || isFailure(found)) return true // this machine can't read attributes
    return (
      found.length === xattrs.length &&
      found.every(({ name, value }, i) => name === xattrs[i]?.name && equalBytes(value, xattrs[i].value))
    )
  }
  const sameTarget = ({ linkTarget }: Entry, { inside }: DiskEntry): boolean =>
    source.readLink(inside) === linkTarget
  const sameNumbers = ({ device }: Entry, { stat }: DiskEntry): boolean => {
    const { major, minor } = splitDeviceNumber(stat.rdev)
    return device?.major === major && device.minor === minor
  }
  return async (before, after) => {
    const { stat, inside } = after
    if (before.type !== stat.type) return "type"
    const file = source.place(inside)
    if (isFailure(file)) {
      warn(
        repository,
        `${showPath(after.path)}: cannot be read: ${errnoText(file.error)}. It was not compared`,
      )
      return undefined
    }
    const sameTime =
      before.mtimeNs === (before.capture === "sqlite" ? newestOfDatabase(source, inside, stat) : stat.mtimeNs)
    if (before.capture === "sqlite") {
      if (!sameTime) return "modified" // its bytes are those of a copy
    } else if (before.type === "file") {
      if (before.size !== stat.size) return "modified"
      try {
        if (!sameTime && !(await sameContent(file, before))) return "modified"
      } catch (error) {
        if (error instanceof EngineError) throw error
        warn(
          repository,
          `${showPath(after.path)}: cannot be read: ${errnoText(errorCode(error))}. Its content was not compared`,
        )
      }
    }
    if (before.type === "symlink" && !sameTarget(before, after)) return "modified"
    if (before.device !== null && !sameNumbers(before, after)) return "modified"
    const sameOwner = before.uid === stat.uid && before.gid === stat.gid
    const isSame = sameTime && sameOwner && before.mode === stat.mode && sameAttributes(before, file)
    return isSame ? undefined : "metadata"
  }
}

/** The time that a capture records: of the database or its log. */
function newestOfDatabase(source: Source, path: RawPath, { mtimeNs }: Stat): bigint {
  const log = source.stat(`${path}-wal` as RawPath)
  return isFailure(log) || log.mtimeNs < mtimeNs ? mtimeNs : log.mtimeNs
}

type CompareContent = (file: string, entry: Entry) => Promise<boolean>

const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Compares a file on the disk with its content in a snapshot, chunk by chunk, without the store. Stops
 * at the first difference.
 * @throws errors of node:fs
 */
function contentComparer({ session, index }: Repository, loadLists: LoadNodes): CompareContent {
  const { keys } = session
  const hasher = chunkHasher(chunkIdKey(keys.chunkKey, keys.repository, "data"))
  return async (file, { content, size }) => {
    if (content === null) return false
    const fd = openSync(fsPath(file), OPEN_FLAGS)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile() || stat.size !== size) return false // it was replaced after it was found
      let offset = 0
      const isSame = (ids: Uint8Array): boolean => {
        for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
          const id = ids.subarray(at, at + CHUNK_ID_BYTES) as ChunkId
          const length = index.locate(id)?.length
          if (
            length === undefined ||
            offset + length > size ||
            !chunkStands(fd, { offset, length }, id, hasher)
          )
            return false
          offset += length
        }
        return true
      }
      if (content.chunks !== undefined) return isSame(content.chunks) && offset === size
      for await (const { ids } of walkChunkList(content.list, loadLists)) if (!isSame(ids)) return false
      return offset === size
    } finally {
      closeSync(fd)
    }
  }
}

let buffer = new Uint8Array(64 * 1024)

function chunkStands(
  fd: number,
  { offset, length }: { offset: number; length: number },
  id: ChunkId,
  hasher: ChunkHasher,
): boolean {
  if (length > buffer.length) buffer = new Uint8Array(length)
  let read = 0
  while (read < length) {
    const count = readSync(fd, buffer, read, length - read, offset + read)
    if (count === 0) return false
    read += count
  }
  return equalBytes(hasher.id(buffer.subarray(0, length)), id)
}

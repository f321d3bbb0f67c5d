/**
 * The source of truth of the chunk index in SQLite: one row per pack, and one per frame with the frame's
 * ids and lengths as blobs. The key runs are derived from it; `sqlite-index.ts` combines both.
 */
import { assert } from "../base/errors.ts"
import { asBuffer, type Bytes, toHex } from "../base/bytes.ts"
import { CHUNK_ID_BYTES, type Digest } from "../base/ids.ts"
import { damagedRow, type Database, lazyStatement } from "../base/sqlite.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import { HEADER_BYTES } from "../format/sealed-header.ts"
import type { IndexCounts } from "./chunk-index.ts"
import { checkedPack, checkFrame, frameSum, packSum, STATE_CONDEMNED, STATE_LIVE } from "./row-checks.ts"

export const PACK_ROWS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS packs (
    id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, state INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
    epoch INTEGER NOT NULL, salt BLOB NOT NULL, directory_offset INTEGER NOT NULL,
    directory_sealed_length INTEGER NOT NULL, directory_raw_length INTEGER NOT NULL, directory_codec INTEGER NOT NULL,
    first_frame INTEGER NOT NULL, frames INTEGER NOT NULL, chunks INTEGER NOT NULL, sum INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS frames (
    reference INTEGER PRIMARY KEY, pack INTEGER NOT NULL, kind INTEGER NOT NULL, codec INTEGER NOT NULL,
    offset INTEGER NOT NULL, sealed_length INTEGER NOT NULL, raw_length INTEGER NOT NULL,
    lengths BLOB NOT NULL, ids BLOB NOT NULL, sum INTEGER NOT NULL);
`

export interface PackRow extends Omit<PackRecord, "name" | "salt"> {
  readonly id: number
  readonly name: Uint8Array
  readonly state: number
  readonly salt: Uint8Array
  readonly firstFrame: number
  readonly frames: number
  readonly chunks: number
  readonly sum: number
}

export interface PackRows {
  find(name: Digest): PackRow | undefined
  /** Returns at most `PAGE_ROWS` packs of a state with an id above `id`, in the order they were added. */
  after(id: number, state: number | undefined): PackRow[]
  /** Returns the reference of the first frame. Call inside a transaction. */
  insert(record: PackRecord, frames: readonly DirectoryFrame[]): number
  remove(row: PackRow): void
  setState(name: Digest, state: number): boolean
  frames(row: PackRow): DirectoryFrame[]
  anyLive(): boolean
  counts(): IndexCounts
  /** Returns one byte per frame reference, 1 if it is in use. */
  referencesInUse(): Uint8Array
  /** Chunks of all packs, including condemned ones. */
  chunks(): number
}

const PAGE_ROWS = 256

const PACK_FIELDS = `id, name, state, size_bytes AS sizeBytes, epoch, salt, directory_offset AS directoryOffset,
  directory_sealed_length AS directorySealedLength, directory_raw_length AS directoryRawLength,
  directory_codec AS directoryCodec, first_frame AS firstFrame, frames, chunks, sum`

const COUNTS = `
  SELECT count(*) FILTER (WHERE state = 0) AS packs, coalesce(sum(frames) FILTER (WHERE state = 0), 0) AS frames,
    coalesce(sum(chunks) FILTER (WHERE state = 0), 0) AS chunks, count(*) FILTER (WHERE state <> 0) AS condemnedPacks
  FROM packs`

interface FrameRow {
  kind: number
  codec: number
  offset: number
  sum: number
  sealedLength: number
  rawLength: number
  lengths: Uint8Array
  ids: Bytes
}

export function openPackRows(database: Database): PackRows {
  const find = lazyStatement<[Uint8Array], PackRow>(
    database,
    `SELECT ${PACK_FIELDS} FROM packs WHERE name = ?`,
  )
  const after = lazyStatement<[number, number, number], PackRow>(
    database,
    `SELECT ${PACK_FIELDS} FROM packs WHERE id > ? AND state BETWEEN ? AND ? ORDER BY id LIMIT ${PAGE_ROWS}`,
  )
  const removePack = lazyStatement<[number]>(database, "DELETE FROM packs WHERE id = ?")
  const removeFrames = lazyStatement<[number, number]>(
    database,
    "DELETE FROM frames WHERE reference >= ? AND reference < ?",
  )
  const setState = lazyStatement<[number, number, number]>(
    database,
    "UPDATE packs SET state = ?, sum = ? WHERE id = ?",
  )
  const frames = lazyStatement<[number, number], FrameRow>(
    database,
    `SELECT kind, codec, offset, sealed_length AS sealedLength, raw_length AS rawLength, lengths, ids, sum
      FROM frames WHERE reference >= ? AND reference < ? ORDER BY reference`,
  )

  const findPack = (name: Digest): PackRow | undefined => {
    const row = find().get(digestKey(name))
    if (row !== undefined && toHex(row.name) !== name) throw damagedRow("packs")
    return row && checkedPack(row)
  }
  return {
    find: findPack,
    after: (id, state) =>
      after()
        .all(id, state ?? STATE_LIVE, state ?? STATE_CONDEMNED)
        .map(checkedPack),
    insert: openInsert(database),
    remove(row) {
      removeFrames().run(row.firstFrame, row.firstFrame + row.frames)
      removePack().run(row.id)
    },
    setState(name, state) {
      const row = findPack(name)
      if (row === undefined) return false
      return setState().run(state, packSum({ ...row, state }), row.id).changes > 0
    },
    frames(row) {
      const found = frames().all(row.firstFrame, row.firstFrame + row.frames)
      if (found.length !== row.frames) throw damagedRow("frames")
      return found.map((frame, number) => {
        checkFrame({ ...frame, number, name: row.name })
        return toFrame(frame)
      })
    },
    ...openTotals(database),
  }
}

function openTotals(database: Database): Pick<PackRows, "anyLive" | "counts" | "referencesInUse" | "chunks"> {
  const anyLive = lazyStatement<[], number>(database, "SELECT 1 FROM packs WHERE state = 0 LIMIT 1", "pluck")
  const counts = lazyStatement<[], IndexCounts>(database, COUNTS)
  const ranges = lazyStatement<[], [number, number]>(database, "SELECT first_frame, frames FROM packs", "raw")
  const chunks = lazyStatement<[], number>(database, "SELECT coalesce(sum(chunks), 0) FROM packs", "pluck")
  return {
    anyLive: () => anyLive().get() !== undefined,
    counts: () => counts().get() as IndexCounts, // an aggregate always has one row
    referencesInUse: () => markRanges(ranges().all()),
    chunks: () => chunks().get() as number,
  }
}

function openInsert(database: Database): PackRows["insert"] {
  const last = lazyStatement<[], PackRow>(
    database,
    `SELECT ${PACK_FIELDS} FROM packs ORDER BY id DESC LIMIT 1`,
  )
  const pack = lazyStatement<[PackValues]>(
    database,
    `INSERT INTO packs (name, state, size_bytes, epoch, salt, directory_offset, directory_sealed_length,
      directory_raw_length, directory_codec, first_frame, frames, chunks, sum)
     VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const frame = lazyStatement<[FrameValues]>(
    database,
    "INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  )
  return (record, frames) => {
    // References of removed packs may be reused. A stale key then leads to a frame without the id,
    // which is harmless.
    const before = last().get()
    const first = before === undefined ? 0 : checkedPack(before).firstFrame + before.frames
    const chunks = frames.reduce((sum, { lengths }) => sum + lengths.length, 0)
    const row = [
      record.sizeBytes,
      record.epoch,
      record.salt,
      record.directoryOffset,
      record.directorySealedLength,
      record.directoryRawLength,
      record.directoryCodec,
    ]
    const name = digestKey(record.name)
    const counts = { firstFrame: first, frames: frames.length, chunks }
    const sum = packSum({ ...record, ...counts, name, state: STATE_LIVE })
    const id = Number(pack().run([name, ...row, first, frames.length, chunks, sum]).lastInsertRowid)
    let offset = HEADER_BYTES
    for (const [number, { kind, codec, sealedLength, rawLength, lengths, ids }] of frames.entries()) {
      assert(ids.length === lengths.length * CHUNK_ID_BYTES, "a length for each id")
      const bytes = bytesOf(lengths)
      const checksum = frameSum({
        kind,
        codec,
        offset,
        sealedLength,
        rawLength,
        number,
        name,
        ids,
        lengths: bytes,
      })
      const place = [kind, codec, offset, sealedLength, rawLength]
      frame().run([first + number, id, ...place, asBuffer(bytes), ids, checksum])
      offset += sealedLength
    }
    return first
  }
}

type PackValues = (number | Uint8Array)[]
type FrameValues = (number | Uint8Array)[]

function markRanges(ranges: [number, number][]): Uint8Array {
  const end = ranges.reduce((most, [first, frames]) => Math.max(most, first + frames), 0)
  const marks = new Uint8Array(end)
  for (const [first, frames] of ranges) marks.fill(1, first, first + frames)
  return marks
}

export function toRecord(row: PackRow): PackRecord {
  return {
    name: toHex(row.name) as Digest,
    sizeBytes: row.sizeBytes,
    epoch: row.epoch,
    salt: new Uint8Array(row.salt),
    directoryOffset: row.directoryOffset,
    directorySealedLength: row.directorySealedLength,
    directoryRawLength: row.directoryRawLength,
    directoryCodec: row.directoryCodec,
  }
}

function toFrame({ kind, codec, sealedLength, rawLength, lengths, ids }: FrameRow): DirectoryFrame {
  const numbers = new Uint32Array(lengths.length / 4)
  bytesOf(numbers).set(lengths)
  return { kind, codec, sealedLength, rawLength, ids: new Uint8Array(ids), lengths: numbers }
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
}

function digestKey(name: Digest): Uint8Array {
  return Buffer.from(name, "hex")
}

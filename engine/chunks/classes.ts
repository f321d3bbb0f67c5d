/**
 * File classes: a file's size and first bytes choose its chunk sizes; its name never does. Small chunks
 * find more duplicates and cost more IDs, so the average chunk grows with the file and IDs stay below
 * one per cent of the raw bytes. A change of class stores the whole file again, so a file keeps its
 * class until its size passes twice or half a bound. spec/chunking.md.
 */
export interface ChunkSizes {
  readonly min: number
  readonly average: number
  readonly max: number
  /** Cuts every `max` bytes regardless of content, for files that are written in pages. */
  readonly fixed: boolean
}

// On disk in every listing. Never change a number; only add.
export const FILE_CLASS = { piece: 0, small: 1, medium: 2, large: 3, huge: 4, sqlite: 5 } as const
export type FileClass = (typeof FILE_CLASS)[keyof typeof FILE_CLASS]

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB

const cdc = (average: number): ChunkSizes => ({ min: average / 4, average, max: average * 4, fixed: false })

/** Measured: spec/decisions/0006-chunk-sizes.md. */
export const CHUNK_SIZES: Record<FileClass, ChunkSizes> = {
  [FILE_CLASS.piece]: { min: 8 * KiB, average: 8 * KiB, max: 8 * KiB, fixed: true },
  [FILE_CLASS.small]: cdc(4 * KiB),
  [FILE_CLASS.medium]: cdc(16 * KiB),
  [FILE_CLASS.large]: cdc(64 * KiB),
  [FILE_CLASS.huge]: cdc(256 * KiB),
  [FILE_CLASS.sqlite]: { min: 4 * KiB, average: 4 * KiB, max: 4 * KiB, fixed: true },
}

/** The largest file of each class that depends on size, in bytes. */
const BOUNDS: readonly (readonly [FileClass, number])[] = [
  [FILE_CLASS.piece, 4 * KiB],
  [FILE_CLASS.small, 64 * MiB],
  [FILE_CLASS.medium, 512 * MiB],
  [FILE_CLASS.large, 16 * GiB],
]

/** Larger SQLite databases are classified by size like any file, which keeps their IDs few. */
const SQLITE_BYTES_MAX = 4 * GiB

const SQLITE_MAGIC = Buffer.from("SQLite format 3\0", "latin1")
export const MAGIC_BYTES = 16

/**
 * @param head the first 16 bytes of the file, or all of a shorter one
 * @param previous the class of the last version
 */
export function classify(sizeBytes: number, head: Uint8Array, previous?: FileClass): FileClass {
  const isSqlite = head.length >= MAGIC_BYTES && SQLITE_MAGIC.equals(head.subarray(0, MAGIC_BYTES))
  if (isSqlite && sizeBytes > 4 * KiB && sizeBytes <= SQLITE_BYTES_MAX) return FILE_CLASS.sqlite
  if (previous !== undefined && stays(previous, sizeBytes)) return previous
  return BOUNDS.find(([, bytesMax]) => sizeBytes <= bytesMax)?.[0] ?? FILE_CLASS.huge
}

/** Whether the previous class matters for a file of this size, because the size is near a bound. */
export function mayKeepClass(sizeBytes: number): boolean {
  return BOUNDS.some(([, bound]) => sizeBytes <= bound * 2 && sizeBytes * 2 > bound)
}

function stays(previous: FileClass, sizeBytes: number): boolean {
  if (previous === FILE_CLASS.sqlite) return false
  const position = BOUNDS.findIndex(([fileClass]) => fileClass === previous)
  const above = position < 0 ? Infinity : (BOUNDS[position]?.[1] ?? Infinity)
  const below = position < 0 ? (BOUNDS.at(-1)?.[1] ?? 0) : (BOUNDS[position - 1]?.[1] ?? 0)
  return sizeBytes <= above * 2 && sizeBytes * 2 > below
}

/**
 * File classes, spec/chunking.md: how finely a file is cut follows from its content and size alone,
 * never from its name. Small chunks find more duplicates and cost more ids, so the average grows
 * with the file and ids stay below one per cent of the raw bytes. A file keeps the class of its
 * last version until its size passes twice or half a bound: a change of class stores it anew.
 */
export interface ChunkSizes {
  readonly min: number
  readonly average: number
  readonly max: number
  /** Cut every `max` bytes, whatever the content: for files whose writers use pages. */
  readonly fixed: boolean
}

// On disk in every listing. Never change a number, only add.
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

/** The largest size, in bytes, of a file in each class that goes by size. */
const BOUNDS: readonly (readonly [FileClass, number])[] = [
  [FILE_CLASS.piece, 4 * KiB],
  [FILE_CLASS.small, 64 * MiB],
  [FILE_CLASS.medium, 512 * MiB],
  [FILE_CLASS.large, 16 * GiB],
]

/** SQLite images beyond this are cut by size like any file, to keep their ids few. */
const SQLITE_BYTES_MAX = 4 * GiB

const SQLITE_MAGIC = Buffer.from("SQLite format 3\0", "latin1")
export const MAGIC_BYTES = 16

/** `head` holds the file's first bytes (16 when it has them); `previous` is the class it had. */
export function classify(sizeBytes: number, head: Uint8Array, previous?: FileClass): FileClass {
  const isSqlite = head.length >= MAGIC_BYTES && SQLITE_MAGIC.equals(head.subarray(0, MAGIC_BYTES))
  if (isSqlite && sizeBytes > 4 * KiB && sizeBytes <= SQLITE_BYTES_MAX) return FILE_CLASS.sqlite
  if (previous !== undefined && stays(previous, sizeBytes)) return previous
  return BOUNDS.find(([, bytesMax]) => sizeBytes <= bytesMax)?.[0] ?? FILE_CLASS.huge
}

/** Whether a previous class can matter for a file of this size: it is near a bound. */
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

/**
 * Assemble, between split and commit: the changes that the scan found, in listing order, become
 * entries of the new listing as soon as their content is known. Files are read out of order by
 * several threads; this stage puts them back in order and gives their listing nodes to the pool.
 * It holds what lies between the oldest unfinished file and the walk, and no more than a bound.
 */
import { assert } from "../base/assert.ts"
import type { FileClass } from "../chunks/classes.ts"
import { isFailure } from "../system/stat.ts"
import type { Content, Entry } from "../format/listing-entry.ts"
import type { ListingBuilder } from "../listing/build.ts"
import type { Change, PutChange } from "./scan.ts"
import type { SplitPool } from "./split/split-pool.ts"
import type { SplitRead, SplitResult } from "./split/split-messages.ts"

/** A batch of small files is one message; a large file is one alone. */
const BATCH_FILES_MAX = 128
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** How far the walk may run ahead of the oldest file that is still being read. */
const AHEAD_MAX = 100_000

export interface AssembleObserver {
  /** A file's content is known, or could not be read: `failure` says why. */
  done(change: PutChange, result: SplitRead | undefined, failure: string | undefined): void
}

/** So many finished changes are held at most, with all that is known of them. */
const DONE_MAX = 256

interface Waiting {
  readonly change: Change
  /** Undefined while a file is being read. */
  result: SplitResult | null | undefined
}

export async function assemble(
  changes: Iterable<Change>,
  pool: SplitPool,
  builder: ListingBuilder,
  observer: AssembleObserver,
): Promise<void> {
  const queue: Waiting[] = []
  let head = 0
  let batch: Waiting[] = []
  let batchBytes = 0
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined

  const dispatch = async (): Promise<void> => {
    if (batch.length === 0) return
    const files = batch
    batch = []
    batchBytes = 0
    await pool.room()
    split(files)
  }
  const split = (files: readonly Waiting[]): void => {
    const run = pool.split(files.map((waiting) => jobOf(waiting.change))).then(
      (results) => {
        files.forEach((waiting, i) => (waiting.result = results[i]))
      },
      (error: unknown) => {
        failure ??= { error }
      },
    )
    running.add(run)
    void run.then(() => running.delete(run))
  }
  const flush = (): void => {
    for (; head < queue.length; head++) {
      const waiting = queue[head] as Waiting // below length
      if (waiting.result === null && lostItsFirst(waiting.change)) {
        waiting.result = undefined
        split([waiting])
      }
      if (waiting.result === undefined) break
      apply(waiting.change, waiting.result, builder, observer)
    }
    if (head < DONE_MAX) return
    queue.splice(0, head)
    head = 0
  }

  for (const change of changes) {
    const waiting: Waiting = {
      change,
      result: change.type === "put" && change.job !== undefined ? undefined : null,
    }
    queue.push(waiting)
    if (waiting.result === undefined) {
      const bytes = jobOf(change).size
      if (batchBytes + bytes > BATCH_BYTES_MAX || batch.length === BATCH_FILES_MAX) await dispatch()
      batch.push(waiting)
      batchBytes += bytes
    }
    if (failure !== undefined) throw failure.error
    flush()
    if (queue.length - head > AHEAD_MAX) {
      await dispatch()
      await Promise.race(running)
    }
  }
  await dispatch()
  while (running.size > 0) {
    await Promise.race(running)
    if (failure !== undefined) throw failure.error
    flush()
  }
  flush()
  assert(head === queue.length, "every change has become an entry")
}

function jobOf(change: Change): NonNullable<PutChange["job"]> {
  const job = change.type === "put" ? (change.job ?? change.spare) : undefined
  assert(job !== undefined, "only files with content are read")
  return job
}

/** The first link could not be read, or another file has its name by now: this link is read itself. */
function lostItsFirst(change: Change): boolean {
  if (change.type === "remove" || change.spare === undefined || change.linkTo === undefined) return false
  const { read } = change.linkTo
  return read === undefined || (read.stat !== null && read.stat.inode !== change.spare.inode)
}

function apply(
  change: Change,
  result: SplitResult | null,
  builder: ListingBuilder,
  observer: AssembleObserver,
): void {
  if (change.type === "remove") return builder.removeTree(change.path)
  if (change.replacesTree) builder.removeTree(change.entry.path)
  const read = result ?? change.linkTo?.read
  const failure = result?.outcome === "failed" ? result.message : undefined
  observer.done(change, read === undefined || read.outcome === "failed" ? undefined : read, failure)
  if (failure !== undefined) {
    if (change.known && !change.replacesTree) builder.remove(change.entry.path)
  } else if (read === undefined || read.outcome === "failed") {
    builder.put({ ...change.entry, content: change.entry.type === "file" ? EMPTY : null })
  } else {
    change.read = read
    const entry = readEntry(change.entry, read)
    builder.put(result !== null && change.linkTo !== undefined ? { ...entry, hardLink: null } : entry)
  }
}

const EMPTY: Content = { fileClass: 0, chunks: new Uint8Array(0) }

/** What an entry says about content that was read. */
export function contentRead(read: SplitRead): Content {
  const fileClass: FileClass = read.fileClass
  if (read.list !== null) return { fileClass, list: read.list as Extract<Content, { list: object }>["list"] }
  return { fileClass, chunks: read.chunks ?? new Uint8Array(0) }
}

function readEntry(entry: Omit<Entry, "content">, read: SplitRead): Entry {
  const { stat } = read
  const now = stat === null ? {} : { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtimeNs: stat.mtimeNs }
  const xattrs = isFailure(read.xattrs) ? [] : read.xattrs
  const torn = read.outcome === "torn"
  const sparse = entry.sparse && read.bytes >= entry.size
  return { ...entry, ...now, sparse, size: read.bytes, content: contentRead(read), xattrs, torn }
}

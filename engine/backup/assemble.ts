/**
 * Assemble, between split and commit: turns the scan's changes into the entries of the new listing, as
 * soon as their content is known. Several threads read files out of order; this stage restores the order
 * and gives the new listing nodes to the pool. It holds only what is between the oldest unfinished file
 * and the walk, up to a bound. spec/listing.md.
 */
import { assert } from "../base/errors.ts"
import type { FileClass } from "../chunks/classes.ts"
import { hkdf, idBytes, purpose } from "../crypto/derive.ts"
import type { Content, Entry } from "../format/listing-entry.ts"
import { type BuiltListing, listingBuilder, type ListingBuilder } from "../listing/build.ts"
import type { Repository } from "../session/repository.ts"
import { isFailure } from "../system/stat.ts"
import type { Change, PutChange } from "./change.ts"
import type { Run } from "./run.ts"
import type { RunStore } from "./run-store.ts"
import type { MadeChunk, SplitRead, SplitResult } from "./split/split-messages.ts"
import type { SplitPool } from "./split/split-pool.ts"
import { unreadableReason } from "./split/steady-read.ts"

/** Small files are sent in batches; a large file is a batch alone. */
const BATCH_FILES_MAX = 128
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** The walk may be this many changes ahead of the oldest file that is being read. */
const AHEAD_MAX = 100_000
/** Finished changes are released in groups of this size. */
const DONE_MAX = 256
/** Listing nodes go to the pool in messages of this many bytes. */
const NODES_BYTES = 256 * 1024

interface Building {
  readonly run: Run
  readonly store: RunStore
  readonly pool: SplitPool
}

/** Builds the run's listing on its base; `fill` puts the entries. The new nodes go to the pool. */
export async function buildListing(
  { session: { keys } }: Repository,
  { run: { base }, store: { nodes }, pool }: Building,
  fill: (builder: ListingBuilder) => Promise<void>,
): Promise<BuiltListing> {
  let made: MadeChunk[] = []
  let bytes = 0
  const builder = listingBuilder({
    cutKey: hkdf({
      key: keys.chunkKey,
      salt: idBytes(keys.repository),
      info: purpose("listing-cut"),
      length: 32,
    }),
    identify: nodes.identify,
    emit(id, node) {
      const chunk = nodes.keep(id, node)
      if (chunk === undefined) return
      made.push(chunk)
      bytes += node.length
      if (bytes < NODES_BYTES) return
      pool.add(made)
      made = []
      bytes = 0
    },
    old: base && { root: base.root, level: base.level, load: nodes.cached },
  })
  await fill(builder)
  const listing = builder.finish()
  if (made.length > 0) pool.add(made)
  return listing
}

interface Waiting {
  readonly change: Change
  /** Undefined while a file is being read, null when there is nothing to read. */
  result: SplitResult | null | undefined
}

export async function assemble(
  changes: Iterable<Change>,
  { run, pool }: Pick<Building, "run" | "pool">,
  builder: ListingBuilder,
): Promise<void> {
  const reading = startReading(pool)
  const queue: Waiting[] = []
  let head = 0
  /** Puts the entries up to the oldest one that is being read. */
  const flush = (): void => {
    for (; head < queue.length; head++) {
      const waiting = queue[head] as Waiting // below length
      if (waiting.result === null && lostItsFirst(waiting.change)) {
        waiting.result = undefined
        reading.read([waiting])
      }
      if (waiting.result === undefined) break
      apply(waiting.change, waiting.result, builder, run)
    }
    if (head < DONE_MAX) return
    queue.splice(0, head)
    head = 0
  }

  for (const change of changes) {
    const isRead = change.type === "put" && change.job !== undefined
    const waiting: Waiting = { change, result: isRead ? undefined : null }
    queue.push(waiting)
    if (isRead) {
      if (reading.isBatchFull(waiting)) await reading.dispatch()
      reading.add(waiting)
    }
    reading.throwIfFailed()
    flush()
    if (queue.length - head > AHEAD_MAX) {
      await reading.dispatch()
      await reading.next()
    }
  }
  await reading.dispatch()
  while (reading.isBusy()) {
    await reading.next()
    reading.throwIfFailed()
    flush()
  }
  flush()
  assert(head === queue.length, "every change has become an entry")
}

/** Sends files to the pool in batches and sets their results. */
interface Reading {
  /** Whether the file does not fit into the batch: dispatch it first. */
  isBatchFull(waiting: Waiting): boolean
  add(waiting: Waiting): void
  /** Sends the batch as soon as a thread would start it soon. */
  dispatch(): Promise<void>
  /** Sends these files at once. */
  read(files: readonly Waiting[]): void
  isBusy(): boolean
  /** Resolves when one more of the batches sent has its results. */
  next(): Promise<void>
  throwIfFailed(): void
}

function startReading(pool: SplitPool): Reading {
  let batch: Waiting[] = []
  let batchBytes = 0
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined

  const read = (files: readonly Waiting[]): void => {
    const batchRead = pool.split(files.map((waiting) => jobOf(waiting.change))).then(
      (results) => {
        files.forEach((waiting, i) => (waiting.result = results[i]))
      },
      (error: unknown) => {
        failure ??= { error }
      },
    )
    running.add(batchRead)
    void batchRead.then(() => running.delete(batchRead))
  }
  return {
    isBatchFull: ({ change }) =>
      batchBytes + jobOf(change).size > BATCH_BYTES_MAX || batch.length === BATCH_FILES_MAX,
    add(waiting) {
      batch.push(waiting)
      batchBytes += jobOf(waiting.change).size
    },
    async dispatch() {
      if (batch.length === 0) return
      const files = batch
      batch = []
      batchBytes = 0
      await pool.room()
      read(files)
    },
    read,
    isBusy: () => running.size > 0,
    next: () => Promise.race(running),
    throwIfFailed() {
      if (failure !== undefined) throw failure.error
    },
  }
}

function jobOf(change: Change): NonNullable<PutChange["job"]> {
  const job = change.type === "put" ? (change.job ?? change.spare) : undefined
  assert(job !== undefined, "only files with content are read")
  return job
}

/** The first link could not be read, or its path is another file by now: this link must be read itself. */
function lostItsFirst(change: Change): boolean {
  if (change.type === "remove" || change.spare === undefined || change.linkTo === undefined) return false
  const { read } = change.linkTo
  return read === undefined || (read.stat !== null && read.stat.inode !== change.spare.inode)
}

function apply(change: Change, result: SplitResult | null, builder: ListingBuilder, run: Run): void {
  if (change.type === "remove") return builder.removeTree(change.path)
  if (change.replacesTree) builder.removeTree(change.entry.path)
  const read = result ?? change.linkTo?.read
  const failure = result?.outcome === "failed" ? result.message : undefined
  settle(run, change, { read: read?.outcome === "failed" ? undefined : read, failure })
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

interface Outcome {
  readonly read: SplitRead | undefined
  readonly failure: string | undefined
}

/** Counts a file whose content is known or can't be read, and gives its folder's record what was read. */
function settle({ records, tally }: Run, change: PutChange, { read, failure }: Outcome): void {
  const { entry, job, linkTo, spare, record, position } = change
  const { counts } = tally
  if (failure !== undefined) {
    tally.unread(entry.path, failure)
    // the scan counted it, and the snapshot does not have it
    counts.files--
    counts.bytes -= entry.size
  } else if (read?.outcome === "torn" && entry.capture !== "sqlite-raw")
    tally.failed(entry.path, "it changed during each of three reads; the last one was saved")
  // the scan counted the reported size, which is a hint
  if (read !== undefined) counts.bytes += read.bytes - entry.size
  if (read !== undefined && isFailure(read.xattrs))
    tally.failed(entry.path, unreadableReason(read.xattrs.error))
  if (entry.type !== "directory") tally.fileDone(entry.path, entry.size)
  if (job === undefined && spare === undefined) return
  // a link that was read itself is no link in this listing: the next run looks at it again
  const isKept = failure === undefined && read !== undefined && (linkTo === undefined || linkTo.read === read)
  records.settle(record, position, isKept ? read.stat : "unread")
}

const EMPTY: Content = { fileClass: 0, chunks: new Uint8Array(0) }

/** The content of an entry, from what was read. */
export function contentRead(read: SplitRead): Content {
  const fileClass: FileClass = read.fileClass
  if (read.list !== null) return { fileClass, list: read.list as Extract<Content, { list: object }>["list"] }
  return { fileClass, chunks: read.chunks ?? new Uint8Array(0) }
}

function readEntry(entry: Omit<Entry, "content">, read: SplitRead): Entry {
  const { stat } = read
  const now = stat === null ? {} : { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtimeNs: stat.mtimeNs }
  const isCopy = entry.capture === "sqlite"
  const xattrs = isCopy ? entry.xattrs : isFailure(read.xattrs) ? [] : read.xattrs
  const capture = entry.capture !== "plain" ? entry.capture : read.outcome === "read" ? "plain" : read.outcome
  const sparse = entry.sparse && read.bytes >= entry.size
  return { ...entry, ...now, sparse, size: read.bytes, content: contentRead(read), xattrs, capture }
}

/**
 * The write path, one stage a file:
 *
 *     scan → split → dedupe → block → pack → upload → record → commit
 *
 * Each stage sees only what the one before it hands over. The order is the rule of
 * spec/ordering.md: packs are durable (W1) before their directories are (W2), and those before the
 * entry that needs them (W3). A crash in between leaves packs that the next run goes on from, never
 * a snapshot that can't be restored.
 */
import { isEngineError } from "../base/errors.ts"
import { paysThreads } from "../base/worker-pool.ts"
import { hkdf, idBytes, purpose } from "../crypto/derive.ts"
import { isFailure } from "../system/stat.ts"
import { walk } from "../source/walk.ts"
import type { FileCache, FileCacheBase } from "../home/file-cache.ts"
import type { Entry } from "../format/listing-entry.ts"
import { lockSeries } from "../home/series-lock.ts"
import { listingBuilder, type BuiltListing, type ListingBuilder } from "../listing/build.ts"
import { lookUp } from "../listing/look-up.ts"
import { isFolder, requireFolder } from "../store/open-store.ts"
import { look, localView, lookToWrite } from "../session/look.ts"
import type { Repository, Requests } from "../session/repository.ts"
import type { SnapshotRecord, View } from "../log/view.ts"
import { assemble, type AssembleObserver } from "./assemble.ts"
import type { BackupObserver, BackupRequest, BackupResult } from "./backup-request.ts"
import { commit, isNews, unchangedSummary } from "./commit.ts"
import { countAhead } from "./count-ahead.ts"
import { createFolderRecords, type FolderRecords } from "./folder-records.ts"
import { inlinePool, type InlinePool } from "./split/inline-pool.ts"
import { previousClasses } from "./previous-class.ts"
import { noticeLostAttributes, openRunSource, requireSomeRead, type RunSource } from "./run-source.ts"
import { createRunStore, type RunStore } from "./run-store.ts"
import { scan, type Change, type ScanCounts } from "./scan.ts"
import type { PoolPorts, SplitPool } from "./split/split-pool.ts"
import type { MadeChunk } from "./split/split-messages.ts"
import { putStream } from "./stream.ts"
import { createTally, type Tally } from "./tally.ts"
import { threadPool } from "./split/thread-pool.ts"

/** How old the last look may be for a run without change to ask the store nothing. */
const LOOK_AGE_NS_MAX = 24n * 3600n * 1_000_000_000n
/** Packs under way to the store: a remote one takes several at once, a folder one after the other. */
export const UPLOADS_AT_ONCE = { folder: 1, remote: 3 } as const
/** Listing nodes go to the pool in messages of this many bytes. */
const NODES_BYTES = 256 * 1024

/**
 * Backs up once. Writes no snapshot if nothing changed. What could not be read is in `result.errors` and not in
 * the snapshot. An interrupted run continues when it is run again.
 * @returns counts, sizes in bytes, and the snapshot, if one was written
 * @throws conflict "busy"; not-found "no-source"; denied "no-source-read"; untrusted if the store lost or changed
 * what this device has seen; unavailable or denied as the store
 * @example
 * const paths = [rawPathFromText("notes")]
 * const result = await backup(repository, { paths, cwd: process.cwd(), host: "laptop", user: "ann" })
 * console.log(result.snapshot?.shortId ?? "nothing changed")
 */
export async function backup(
  repository: Repository,
  request: BackupRequest,
  observe: BackupObserver = () => {},
): Promise<BackupResult> {
  const requestsBefore = repository.requests() // to find the series may take one
  const source = await openRunSource(repository, request, observe)
  try {
    return await runLocked(repository, { request, source, observe, requestsBefore })
  } finally {
    source.files.close()
  }
}

async function runLocked(repository: Repository, run: Run): Promise<BackupResult> {
  const { source } = run
  const lock = lockSeries(repository.home, source.series)
  try {
    return await runOnce(repository, run)
  } catch (error) {
    const isLost = isEngineError(error, "node-uncached") || isEngineError(error, "record-lost")
    if (source.stdin !== undefined || !isLost) throw error
    // the caches lost a part of the last listing: without its base, every file is read once more
    repository.fileCache(source.series, source.key).clear()
    return await runOnce(repository, run)
  } finally {
    lock.release()
  }
}

interface Run {
  readonly request: BackupRequest
  readonly source: RunSource
  readonly observe: BackupObserver
  readonly requestsBefore: Requests
}

async function runOnce(repository: Repository, run: Run): Promise<BackupResult> {
  const { request, source, observe } = run
  const startedNs = repository.clock.now()
  const counts: ScanCounts = { files: 0, dirs: 0, bytes: 0 }
  const tally = createTally(repository, run, counts)
  for (const { path, message } of source.missing) tally.failed(path, message)
  const cache = source.stdin === undefined ? repository.fileCache(source.series, source.key) : undefined
  const local = localView(repository)
  const base = request.force || cache === undefined ? undefined : usableBase(cache, local)
  const records = createFolderRecords(() => repository.clock.now())
  const changes = tallied(scanSource(repository, { source, cache, base, records, tally, counts }), tally)
  const first = source.stdin === undefined ? firstChanges(changes) : undefined

  requireSomeRead(source, tally.isUnread)
  const parentHere = local.newest(source.series)
  const isIdle =
    first?.ended === true &&
    first.changes.length === 0 &&
    parentHere !== undefined &&
    parentHere.digest === base?.snapshot &&
    !isNews(parentHere, request, source)
  if (isIdle && !request.forceSnapshot) {
    const age = repository.clock.now() - local.lookedNs
    if (age < 0n || age > LOOK_AGE_NS_MAX) await look(repository)
    else requireFolder(repository.store)
    return tally.result({ snapshot: undefined, parent: parentHere, summary: unchangedSummary(counts) })
  }

  noticeLostAttributes(source, observe)
  const view = request.dryRun ? await look(repository) : await lookToWrite(repository)
  const store = createRunStore(repository, { series: source.series, dryRun: request.dryRun === true })
  const ports = poolPorts(repository, store)
  const pool = first?.ended === false ? threadPool(ports) : inlinePool(ports)
  const unwatch = tally.watch(() => pool.bytesUnderWay())
  const stopCounting =
    first?.ended === false ? await expectTotal(repository, { request, tally, parentHere, base }) : undefined
  try {
    const fill: FillListing = async (builder) =>
      source.stdin === undefined
        ? await assemble(
            chain(first?.changes ?? [], changes),
            pool,
            builder,
            settler({ records, tally, counts }),
          )
        : await putStream(builder, pool as InlinePool, {
            stdin: source.stdin,
            startedNs,
            counts,
            user: request.user,
            before: await streamBefore(view.newest(source.series), store, source.stdin),
          })
    const listing = await buildListing(repository, { base, pool, store }, fill)
    requireSomeRead(source, tally.isUnread)
    const { rawBytes } = await pool.finish()
    await store.settled()
    const parent = view.newest(source.series)
    const finished = {
      request,
      source,
      store,
      cache,
      records,
      tally,
      counts,
      listing,
      parent,
      startedNs,
      rawBytes,
      observe,
    }
    return await commit(repository, finished)
  } finally {
    stopCounting?.()
    unwatch()
    await pool.close()
  }
}

/** The cache counts only while the snapshot that it mirrors is one that this device knows. */
function usableBase(cache: FileCache, view: View): FileCacheBase | undefined {
  const base = cache.base()
  return base !== undefined && view.has(base.snapshot) ? base : undefined
}

interface Scanning {
  readonly source: RunSource
  /** Undefined for a stream. */
  readonly cache: FileCache | undefined
  readonly base: FileCacheBase | undefined
  readonly records: FolderRecords
  readonly tally: Tally
  readonly counts: ScanCounts
}

function scanSource(repository: Repository, run: Scanning): Generator<Change, void, undefined> {
  const { source, cache, base, records, tally, counts } = run
  return scan(
    {
      source: source.files,
      runs: walk(source.files, source.scope, { unreadable: tally.unread }),
      cache: base === undefined ? undefined : cache,
      records,
      previousClass: previousClasses(repository.nodeCache(source.series), base),
      onFailure: tally.failed,
      onNotice: tally.notice,
      withRoot: !source.single,
    },
    counts,
  )
}

/** Changes as they come, with what is pending counted in the tally. */
function* tallied(changes: Iterable<Change>, tally: Tally): Generator<Change, void, undefined> {
  for (const change of changes) {
    if (change.type === "put" && change.entry.type !== "directory") tally.scanned(change.entry.size)
    yield change
  }
  tally.scanEnded()
}

interface Expecting {
  readonly request: BackupRequest
  readonly tally: Tally
  readonly parentHere: SnapshotRecord | undefined
  readonly base: FileCacheBase | undefined
}

/** The last run of this source says about how much there is; without one it may be counted. */
async function expectTotal(
  repository: Repository,
  { request, tally, parentHere, base }: Expecting,
): Promise<(() => void) | undefined> {
  if (parentHere !== undefined && (request.force === true || parentHere.digest === base?.snapshot)) {
    tally.expect(parentHere.summary)
    return undefined
  }
  if (request.countAhead !== true) return undefined
  const { files, scope } = await openRunSource(repository, request, () => {})
  return countAhead(walk(files, scope, { unreadable: () => {} }), tally.expect)
}

interface FirstChanges {
  readonly changes: Change[]
  /** The whole source has been walked: there is nothing else. */
  readonly ended: boolean
}

/** Looks ahead until it is clear whether this is a small run. */
function firstChanges(changes: Iterator<Change, void, undefined>): FirstChanges {
  const found: Change[] = []
  let bytes = 0
  while (!paysThreads({ files: found.length, bytes })) {
    const next = changes.next()
    if (next.done === true) return { changes: found, ended: true }
    found.push(next.value)
    if (next.value.type === "put") bytes += next.value.job?.size ?? 0
  }
  return { changes: found, ended: false }
}

/** Empties `first`, so that no change is held for longer than it takes. */
function* chain<T>(first: T[], rest: Iterable<T>): Generator<T, void, undefined> {
  yield* first.splice(0)
  yield* rest
}

function poolPorts(repository: Repository, store: RunStore): PoolPorts {
  return {
    keys: store.splitterKeys,
    claims: store.claims,
    random: repository.random,
    isStored: store.isStored,
    shareIndex: store.shareIndex,
    onPack: store.putPack,
    uploadsAtOnce: isFolder(repository.store) ? UPLOADS_AT_ONCE.folder : UPLOADS_AT_ONCE.remote,
  }
}

/** A file's content is known: the tally counts it, and its folder's record takes what was read. */
function settler({
  records,
  tally,
  counts,
}: Pick<Scanning, "records" | "tally" | "counts">): AssembleObserver {
  return {
    done({ entry, job, linkTo, spare, record, position }, read, failure) {
      if (failure !== undefined) {
        tally.unread(entry.path, failure)
        // the scan counted it, and the snapshot does not have it
        counts.files--
        counts.bytes -= entry.size
      } else if (read?.outcome === "torn")
        tally.failed(entry.path, "it changed during each of three reads; the last one was saved")
      // the scan counted the size that was reported, which is a hint
      if (read !== undefined) counts.bytes += read.bytes - entry.size
      if (read !== undefined && isFailure(read.xattrs)) tally.failed(entry.path, read.xattrs.error)
      if (entry.type !== "directory") tally.fileDone(entry.path, entry.size)
      if (job === undefined && spare === undefined) return
      // a link that was read itself stands alone in this listing: the next run looks at it again
      const isKept =
        failure === undefined && read !== undefined && (linkTo === undefined || linkTo.read === read)
      records.settle(record, position, isKept ? read.stat : "unread")
    },
  }
}

async function streamBefore(
  parent: SnapshotRecord | undefined,
  { readNodes }: RunStore,
  { name }: NonNullable<RunSource["stdin"]>,
): Promise<Entry | undefined> {
  return parent === undefined ? undefined : await lookUp(parent.root, readNodes, name)
}

type FillListing = (builder: ListingBuilder) => Promise<void>

interface Building {
  readonly base: FileCacheBase | undefined
  readonly pool: SplitPool
  readonly store: RunStore
}

async function buildListing(
  { session: { keys } }: Repository,
  { base, pool, store }: Building,
  fill: FillListing,
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
    identify: store.identifyNode,
    emit(id, node) {
      const chunk = store.keepNode(id, node)
      if (chunk === undefined) return
      made.push(chunk)
      bytes += node.length
      if (bytes < NODES_BYTES) return
      pool.add(made)
      made = []
      bytes = 0
    },
    old: base && { root: base.root, level: base.level, load: store.cachedNode },
  })
  await fill(builder)
  const listing = builder.finish()
  if (made.length > 0) pool.add(made)
  return listing
}

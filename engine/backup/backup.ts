/**
 * The write path, each stage in a file or room of its own:
 *
 *     scan → split → dedupe → block → pack → upload → record → commit
 *
 * The scan (scan.ts) finds changed files. A pool (split/) splits them into chunks, skips chunks that are
 * stored already, and fills packs (packs/). The uploader stores and records each pack. Meanwhile assemble.ts
 * builds the new listing, which commit.ts compares with the parent's and publishes. The order is the rule of
 * spec/ordering.md: packs are durable (W1) before their directories (W2), and those before the entry that
 * needs them (W3). A crash leaves packs that the next run continues from, never a snapshot that can't be
 * restored.
 */
import { isEngineError } from "../base/errors.ts"
import { lockSeries } from "../home/series-lock.ts"
import { look, lookToWrite } from "../session/look.ts"
import type { Repository } from "../session/repository.ts"
import { assemble, buildListing } from "./assemble.ts"
import type { BackupObserver, BackupRequest, BackupResult } from "./backup-request.ts"
import { commit, endUnchanged } from "./commit.ts"
import { expectTotal } from "./count-ahead.ts"
import { beginRun, type Run, type RunRequest } from "./run.ts"
import { noticeLostAttributes, openRunSource, requireSomeRead } from "./run-source.ts"
import { createRunStore } from "./run-store.ts"
import { scanAhead } from "./scan.ts"
import { type InlinePool, inlinePool } from "./split/split-pool.ts"
import { threadPool } from "./split/thread-pool.ts"
import { putStream } from "./stream.ts"

/**
 * Backs up once. Writes no snapshot if nothing changed. What could not be read is in `result.errors` and not in
 * the snapshot. An interrupted run continues when it is run again.
 * @returns counts, sizes in bytes, and the snapshot, if one was written
 * @throws conflict "busy"; not-found "no-source"; denied "no-source-read"; untrusted if the store lost or changed
 * what this device has seen; unavailable or denied as the store
 * @example
 * const paths = [rawPathFromText("notes")]
 * const result = await backup(repository, { paths, cwd: process.cwd(), host: "laptop", user: "ann" })
 * console.log(result.snapshotId ?? "nothing changed")
 */
export async function backup(
  repository: Repository,
  request: BackupRequest,
  observe: BackupObserver = () => {},
): Promise<BackupResult> {
  const requestsBefore = repository.requests() // finding the series may make a request
  const source = await openRunSource(repository, request, observe)
  try {
    return await runLocked(repository, { request, source, observe, requestsBefore })
  } finally {
    source.files.close()
  }
}

async function runLocked(repository: Repository, asked: RunRequest): Promise<BackupResult> {
  const { source } = asked
  const lock = lockSeries(repository.home, source.series)
  try {
    return await runOnce(repository, asked)
  } catch (error) {
    const isLost = isEngineError(error, "node-uncached") || isEngineError(error, "record-lost")
    if (source.stdin !== undefined || !isLost) throw error
    // the caches lost a part of the last listing: without the file cache, the second run reads every file
    repository.fileCache(source.series, source.key).clear()
    return await runOnce(repository, asked)
  } finally {
    lock.release()
  }
}

/** The run with copies of its live databases, if the request wants them. Loaded only then. */
async function captureDatabases(
  repository: Repository,
  run: Run,
): Promise<{ run: Run; close: () => void } | undefined> {
  if (run.request.capture?.sqlite !== true || run.source.stdin !== undefined) return undefined
  const { captureRun } = await import("./capture/capture-run.ts")
  return await captureRun(repository, run)
}

/** The stages in order. The listing is built while the pool splits, packs and uploads. */
async function runOnce(repository: Repository, asked: RunRequest): Promise<BackupResult> {
  const begun = beginRun(repository, asked)
  const captured = await captureDatabases(repository, begun)
  try {
    return await readAndCommit(repository, captured?.run ?? begun)
  } finally {
    captured?.close()
  }
}

async function readAndCommit(repository: Repository, run: Run): Promise<BackupResult> {
  const { request, source, tally } = run
  const scanned = source.stdin === undefined ? scanAhead(repository, run) : undefined
  requireSomeRead(source, tally.isUnread)
  const unchanged = scanned?.isUnchanged === true ? await endUnchanged(repository, run) : undefined
  if (unchanged !== undefined) return unchanged

  noticeLostAttributes(source, run.observe)
  const view = request.dryRun ? await look(repository) : await lookToWrite(repository)
  const store = createRunStore(repository, { series: source.series, isDry: request.dryRun === true })
  const pool = scanned?.isSmall === false ? threadPool(store.pool) : inlinePool(store.pool)
  const stopReporting = tally.watch(() => pool.bytesUnderWay())
  let stopCounting: (() => void) | undefined
  try {
    if (scanned?.isSmall === false) stopCounting = await expectTotal(repository, run)
    const listing = await buildListing(repository, { run, store, pool }, async (builder) => {
      if (scanned !== undefined) return await assemble(scanned.changes, { run, pool }, builder)
      const parent = view.newest(source.series)
      await putStream(builder, { run, nodes: store.nodes, pool: pool as InlinePool, parent })
    })
    requireSomeRead(source, tally.isUnread)
    const { rawBytes } = await pool.finish()
    await store.settled()
    const parent = view.newest(source.series)
    return await commit(repository, { ...run, store, listing, rawBytes, parent })
  } finally {
    stopCounting?.()
    stopReporting()
    await pool.close()
  }
}

/**
 * Restores a snapshot, or a part of it, into a folder; the mirror of backup/:
 *
 *     load → decide → plan → fetch → unseal → join → place → finish
 *
 * Entries are loaded in listing order and decided one by one: folders are made at once, files are collected in
 * windows, so that memory stays bounded. For each window, files of the target are compared, then content is
 * placed pack by pack (place-window.ts). Links follow when all files are in place; the folders' metadata comes
 * last (rule P1 of spec/ordering.md).
 */
import type { RawPath } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"
import type { ChunkKind } from "../crypto/chunk-id.ts"
import { ownPathsIn } from "../home/own-places.ts"
import { noEntry } from "../listing/look-up.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import { walkListingLeaves, type LostNode } from "../listing/walk.ts"
import { createChunkReader } from "../packs/chunk-reader.ts"
import type { Repository } from "../session/repository.ts"
import { decide, noteFolder } from "./decide.ts"
import { deleteExtra, keepExtra, removeUnplaced } from "./delete-extra.ts"
import { finishEntries, finishFolders, finishMissing } from "./finish.ts"
import { createFlusher, noFlusher, type Flusher } from "./flusher.ts"
import { openTarget, type OpenedTarget } from "./open-target.ts"
import { failureOf } from "./place/place-jobs.ts"
import { createWindowPlacer, type WindowPlacer } from "./place-window.ts"
import { createProgress } from "./progress.ts"
import type { RestoreObserver, RestoreRequest, RestoreResult } from "./restore-request.ts"
import { selectEntries } from "./selected.ts"
import { createTree, standingFolders, type Deciding } from "./tree.ts"
import { createWindows, type Windows } from "./windows.ts"

/**
 * Makes the target equal to the snapshot, or to the part of it that is asked for. What could not be restored is in
 * `result.errors`, and no wrong content is left under its name. An interrupted run continues when it is run again.
 * @returns counts, and sizes in bytes
 * @throws not-found "no-entry"; conflict "own-place", or "busy" while another restore into the target runs;
 * untrusted, unavailable, denied or invalid if nothing could be done
 * @example
 * const { errors } = await restore(repository, { snapshot, target: rawPathFromText("/tmp/restored") })
 */
export async function restore(
  repository: Repository,
  request: RestoreRequest,
  observe: RestoreObserver = () => {},
): Promise<RestoreResult> {
  const opened = openTarget(repository, request)
  try {
    const run = beginRun(repository, request, opened, observe)
    try {
      await expectTotal(run)
      await decideEntries(run)
      await run.windows.finish()
      await finishEntries(run.deciding, (file) => run.placer.place([file], false))
      await finishTree(run)
      await run.flusher.finish()
      return run.deciding.progress.result()
    } finally {
      await run.windows.settled()
      await run.placer.close()
    }
  } finally {
    opened.close()
  }
}

interface Run {
  readonly opened: OpenedTarget
  readonly deciding: Deciding
  readonly windows: Windows
  readonly placer: WindowPlacer
  readonly flusher: Flusher
  readonly loadListing: LoadNodes
}

function beginRun(
  repository: Repository,
  asked: RestoreRequest,
  opened: OpenedTarget,
  observe: RestoreObserver,
): Run {
  const { named, target, staging, options } = opened
  const request: RestoreRequest = staging === undefined ? asked : { ...asked, overwrite: "always" }
  const reader = createChunkReader(repository)
  const loader =
    (kind: ChunkKind): LoadNodes =>
    (ids) =>
      reader.read(kind, ids)
  const progress = createProgress(repository, request, observe)
  const own = ownPathsIn(repository, named.root)
  const selected = selectEntries(request, own)
  const removing = { request, target, progress, selected, reader, own }
  const isResumed = staging?.isNew === false
  const extra = request.delete === true ? deleteExtra(removing) : keepExtra
  const deciding: Deciding = {
    request,
    target,
    progress,
    selected,
    tree: createTree(staging?.isNew === true),
    extra: isResumed ? removeUnplaced(removing) : extra,
    standing: standingFolders(target),
    readLists: loader("chunk-list"),
    unmade: [],
  }
  const flushes = request.dryRun !== true && request.sync !== "none"
  const flusher = flushes ? createFlusher(target) : noFlusher
  const placer = createWindowPlacer(
    { repository, request, target, progress, flusher },
    { keys: repository.session.keys, root: target.root, target: options },
  )
  const windows = createWindows({
    place: ({ files, isLast }) => placer.place(files, isLast),
    onMuch: () => placer.startThreads(),
  })
  return { opened, deciding, windows, placer, flusher, loadListing: loader("listing") }
}

/** A whole snapshot records its amount; a part of one may be counted. */
async function expectTotal({ deciding: { request, progress }, loadListing }: Run): Promise<void> {
  const { snapshot, within = "" as RawPath, include = [], exclude = [] } = request
  if (within === "" && include.length === 0 && exclude.length === 0)
    return progress.expectAll(snapshot.summary)
  if (request.countAhead !== true) return
  const amount = { files: 0, bytes: 0 }
  const selected = selectEntries(request)
  const range = { within, onLost: () => {} }
  for await (const entries of walkListingLeaves(snapshot.root, loadListing, range)) {
    for (const entry of entries) {
      if (selected.place(entry) === undefined || entry.type === "directory") continue
      amount.files++
      amount.bytes += entry.size
    }
  }
  progress.expectAll(amount)
}

/** Decides all entries. Each full window is placed while the next one is decided. */
async function decideEntries({ opened, deciding, windows, loadListing }: Run): Promise<void> {
  const { request, tree, standing } = deciding
  const { snapshot, within = "" as RawPath } = request
  if (opened.staging === undefined) standing.meet("" as RawPath)
  noteFolder(deciding, "" as RawPath, false) // its own entry may be damaged, or not asked for
  const range = { within, onLost: (lost: LostNode): void => noteLost(deciding, lost) }
  let found = within === ""
  for await (const entries of walkListingLeaves(snapshot.root, loadListing, range)) {
    found ||= entries.length > 0
    for (const entry of entries) {
      await decide(deciding, entry, windows.filling)
      if (windows.isFull()) await windows.next()
    }
    await windows.leafDecided()
  }
  if (tree.lost) return
  if (!found) throw noEntry(snapshot, within)
  noteUnmatched(deciding)
}

function noteUnmatched({ selected, progress }: Deciding): void {
  for (const path of selected.unmatched())
    progress.failed({ path, kind: "unmatched", message: "this pattern matches nothing in the snapshot" })
}

/** The rest of the snapshot is restored, and nothing is deleted. */
function noteLost({ tree, progress }: Deciding, { first, upper, error }: LostNode): void {
  tree.lost = true
  const from = first ?? ("" as RawPath)
  const what = from === "" ? "the listing" : "the listing from here on"
  const end = upper === undefined ? "" : `, up to ${showPath(upper)}`
  progress.failed({ path: from, ...failureOf(error), message: `${what}${end} is damaged: ${error.message}` })
}

/** Folders get their metadata; before those at the top, what was staged gets its names in the target. */
async function finishTree({ opened, deciding, flusher, loadListing }: Run): Promise<void> {
  const { target, tree, request } = deciding
  finishFolders(deciding, target, "inner")
  if (opened.staging !== undefined && request.dryRun !== true) {
    await flusher.finish() // on the disk before it has its name
    publish(deciding, opened)
    finishFolders(deciding, opened.named, "top")
  } else finishFolders(deciding, target, "top")
  const isFinished = tree.lost || tree.folders.some(({ path }) => path === "")
  await finishMissing(deciding, opened, loadListing, isFinished)
}

function publish({ tree, progress }: Deciding, { named, staging }: OpenedTarget): void {
  if (staging === undefined) return
  for (const { path, error } of named.publish(staging)) {
    tree.failedFolders.add(path)
    progress.failed({ path, ...failureOf(error) })
  }
}

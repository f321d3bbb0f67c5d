/**
 * The read path, the mirror of write/:
 *
 *     load → plan → fetch → unseal → join → place
 *
 * Entries are read in listing order and taken in windows, so that memory stays bounded. In a window
 * folders come first, then what stands in the target is compared, then content by pack. Links follow
 * when all files are in place, folders' metadata comes last (rule P1 of spec/ordering.md). Where nothing
 * stands in the target, all of it is built in a staging folder and then named (target/staging.ts).
 */
import type { RawPath } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"
import type { ChunkKind } from "../crypto/chunk-id.ts"
import { openDiskTarget } from "../target/disk-target.ts"
import { openDryTarget } from "../target/dry-target.ts"
import type { Staging, Target, TargetOptions } from "../target/target.ts"
import { noEntry } from "../listing/look-up.ts"
import type { LoadNodes } from "../listing/ordered-walk.ts"
import { walkListingLeaves, type LostNode } from "../listing/walk.ts"
import { createChunkReader } from "../packs/chunk-reader.ts"
import type { Repository } from "../session/repository.ts"
import { createTree, decide, idsOf, noteFolder, type Deciding } from "./decide.ts"
import { deleteExtra, keepExtra, removeUnplaced, type ExtraRemover, type Removing } from "./delete-extra.ts"
import { finishEntries, finishFolders } from "./finish.ts"
import { createFlusher, noFlusher } from "./flusher.ts"
import { finishMissing, missingFolders } from "./missing-parents.ts"
import { ownPathsIn, refuseOwnPlace } from "../home/own-places.ts"
import { comparingPool, inlinePlacePool, threadPlacePool, type PlacePool } from "./place/place-pool.ts"
import type { PlacerOptions } from "./place/place-jobs.ts"
import { placeWindow } from "./place-window.ts"
import { failureOf } from "./place/placer.ts"
import { createProgress, type Progress } from "./progress.ts"
import type { RestoreObserver, RestoreRequest, RestoreResult } from "./restore-request.ts"
import { selectEntries } from "./selected.ts"
import { standingFolders } from "./tree.ts"
import { lockTarget } from "./open-target.ts"
import { verifyWindow } from "./verify.ts"
import { createWindows, type FileWindow } from "./windows.ts"

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
  const options = targetOptions(request)
  const isDry = request.dryRun === true
  refuseOwnPlace(repository, request.target)
  const missing = isDry ? [] : missingFolders(request.target)
  const named = openTarget(request, options)
  try {
    const lock = isDry ? undefined : lockTarget(named.root, repository.home)
    try {
      return await restoreInto({ named, options, missing }, repository, request, observe)
    } finally {
      lock?.release()
    }
  } finally {
    named.close()
  }
}

interface Opened {
  readonly named: Target
  readonly options: TargetOptions
  /** The target and the folders above it that this run has made. */
  readonly missing: readonly string[]
}

async function restoreInto(
  { named, options, missing }: Opened,
  repository: Repository,
  request: RestoreRequest,
  observe: RestoreObserver,
): Promise<RestoreResult> {
  const isDry = request.dryRun === true
  const staging = isDry ? named.wouldStage() : named.stage()
  const placed = { ...options, staging: isDry && staging?.isNew === true ? undefined : staging }
  const target = staging === undefined || isDry ? named : openDiskTarget(named.root, placed)
  const reader = createChunkReader(repository)
  const loader =
    (kind: ChunkKind): LoadNodes =>
    (ids) =>
      reader.read(kind, ids)
  const progress = createProgress(repository, request, observe)
  const readLists = loader("chunk-list")
  const own = ownPathsIn(repository, named.root)
  const selected = selectEntries(request, own)
  const deciding: Deciding = {
    request: staging === undefined ? request : { ...request, overwrite: "always" },
    target,
    progress,
    selected,
    tree: createTree(staging?.isNew === true),
    extra: extraRemover({ request, target, progress, selected, reader, own }, staging),
    standing: standingFolders(target),
    readLists,
    unmade: [],
  }
  if (staging === undefined) deciding.standing.meet("" as RawPath)
  noteFolder(deciding, "" as RawPath, false) // its own entry may be damaged, or not asked for
  const placer: PlacerOptions = { keys: repository.session.keys, root: target.root, target: placed }
  const syncs = !isDry && request.sync !== "none"
  const flusher = syncs ? createFlusher(target) : noFlusher
  const sharedInodes = new Set<string>()
  let pool: PlacePool | undefined
  const place = async ({ files, isLast }: FileWindow): Promise<void> => {
    pool ??= isDry ? comparingPool(placer) : inlinePlacePool(placer)
    const window = { repository, request: deciding.request, target, progress, pool, flusher, sharedInodes }
    await placeWindow(window, files, isLast)
    if (request.verify && !isDry) await verifyWindow(window, files)
  }
  const onMuch = (): void => {
    if (!isDry) pool ??= threadPlacePool(placer)
  }
  const windows = createWindows({ place, onMuch })
  try {
    await expectTotal(request, progress, loader("listing"))
    const within = request.within ?? ("" as RawPath)
    const range = { within, onLost: (lost: LostNode): void => noteLost(deciding, lost) }
    let found = within === ""
    for await (const entries of walkListingLeaves(request.snapshot.root, loader("listing"), range)) {
      found ||= entries.length > 0
      for (const entry of entries) {
        await decide(deciding, entry, windows.filling)
        if (windows.isFull()) await windows.next()
      }
      await windows.leafDecided()
    }
    if (!found && !deciding.tree.lost) throw noEntry(request.snapshot, within)
    if (!deciding.tree.lost) noteUnmatched(deciding)
    await windows.finish()
    await finishEntries(deciding, async ({ path, entry }) => {
      const file = { path, entry, existing: target.look(path), ids: await idsOf(entry, readLists) }
      await place({ files: [file], bytes: entry.size, isLast: false })
    })
    await finishFolders(deciding, async () => {
      if (staging === undefined || isDry) return target
      await flusher.finish() // on the disk before it has its name
      publish(deciding, named, staging)
      return named
    })
    const isFinished = deciding.tree.lost || deciding.tree.folders.some(({ path }) => path === "")
    const above = { request, options, missing, load: loader("listing") }
    for (const leftOut of await finishMissing(above, isFinished)) progress.leftOut("" as RawPath, leftOut)
    await flusher.finish()
    return progress.result()
  } finally {
    await windows.settled()
    await pool?.close()
    target.close()
    if (staging !== undefined && !isDry) named.unstage(staging)
  }
}

/** A whole snapshot says how much it is; a part of one may be counted. */
async function expectTotal(request: RestoreRequest, progress: Progress, load: LoadNodes): Promise<void> {
  const { snapshot, within = "" as RawPath, include = [], exclude = [] } = request
  if (within === "" && include.length === 0 && exclude.length === 0)
    return progress.expectAll(snapshot.summary)
  if (request.countAhead !== true) return
  const amount = { files: 0, bytes: 0 }
  const selected = selectEntries(request)
  for await (const entries of walkListingLeaves(snapshot.root, load, { within, onLost: () => {} })) {
    for (const entry of entries) {
      if (selected.place(entry) === undefined || entry.type === "directory") continue
      amount.files++
      amount.bytes += entry.size
    }
  }
  progress.expectAll(amount)
}

function openTarget({ target, dryRun }: RestoreRequest, options: TargetOptions): Target {
  return dryRun === true
    ? openDryTarget(target, options)
    : openDiskTarget(target, { ...options, create: true })
}

function targetOptions(request: RestoreRequest): TargetOptions {
  const { owners, setuid, special, systemAttributes, privileges = true } = request
  return {
    ...(owners === undefined ? {} : { owners }),
    setuid: privileges && setuid !== false,
    devices: privileges && special === true,
    systemAttributes: privileges && systemAttributes === true,
  }
}

function extraRemover(removing: Removing, staging: Staging | undefined): ExtraRemover {
  if (staging?.isNew === false) return removeUnplaced(removing)
  return removing.request.delete === true ? deleteExtra(removing) : keepExtra
}

function publish({ tree, progress }: Deciding, named: Target, staging: Staging): void {
  for (const { path, error } of named.publish(staging)) {
    tree.failedFolders.add(path)
    progress.failed({ path, ...failureOf(error) })
  }
}

function noteUnmatched({ selected, progress }: Deciding): void {
  for (const path of selected.unmatched())
    progress.failed({ path, kind: "unmatched", message: "this pattern matches nothing in the snapshot" })
}

/** What is not known can't be restored; all else is, and nothing is deleted. */
function noteLost({ tree, progress }: Deciding, { first, upper, error }: LostNode): void {
  tree.lost = true
  const from = first ?? ("" as RawPath)
  const what = from === "" ? "the listing" : "the listing from here on"
  const end = upper === undefined ? "" : `, up to ${showPath(upper)}`
  progress.failed({ path: from, ...failureOf(error), message: `${what}${end} is damaged: ${error.message}` })
}

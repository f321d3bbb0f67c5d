/**
 * `copy`: a verbatim mirror of a repository in another store. Objects are not decrypted; each object's bytes
 * are compared with the digest in its name. Objects that are already there are not uploaded again, so an
 * interrupted copy resumes. In this order of stages the mirror is never a broken repository:
 *
 *     mark → packs, segments, keyslots → trust → chain entries, each after what it names → `repository`
 *
 * spec/copy.md.
 */
import { errnoText } from "../base/errno.ts"
import type { Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import { EngineError, isEngineError } from "../base/errors.ts"
import type { Digest, ObjectName, RawPath } from "../base/ids.ts"
import { rawPathFromText } from "../base/paths.ts"
import { type Clock, monotonicMs, SYSTEM_CLOCK } from "../base/ports.ts"
import { shellWord } from "../base/show.ts"
import { digestOf } from "../crypto/digest.ts"
import { whyNotMade } from "../target/can-make.ts"
import { LOG_PREFIX, type ParsedName, parseName, REPOSITORY_NAME } from "../format/names.ts"
import { refuseOwnPlace } from "../home/own-places.ts"
import { PROBE_PREFIX } from "../store/probe.ts"
import { createLocalRoot } from "../store/folder/local-store.ts"
import { isLitter, strangersIn } from "../store/folder/neighbours.ts"
import type { Store } from "../store/store.ts"
import { look } from "../session/look.ts"
import { isMirrorMark, mirrorMark, newestMark, putMirrorMark } from "../log/mirror.ts"
import type { Repository } from "../session/repository.ts"
import { type CopyError, entriesInOrder } from "./copy-order.ts"

export interface CopyRequest {
  /** A missing folder is created. */
  readonly to: Store
  /** Only reports what would be copied. */
  readonly dryRun?: boolean | undefined
}

export interface Amount {
  readonly objects: number
  readonly bytes: number
}

export interface CopyResult {
  readonly copied: Amount
  /** Already in the mirror. */
  readonly present: Amount
  /** Objects that are damaged or missing in the source, and so not in the mirror. */
  readonly errors: readonly CopyError[]
  readonly durationMs: number
}

export interface CopyEvent {
  readonly type: "progress"
  readonly bytesDone: number
  readonly bytesTotal: number
  readonly current: string
}

export type CopyObserver = (event: CopyEvent) => void

/** Of up to 16 MiB each. */
const OBJECTS_AT_ONCE = 6

interface Listed {
  readonly name: ObjectName
  readonly parsed: ParsedName
  readonly sizeBytes: number
}

interface Copying {
  readonly repository: Repository
  readonly to: Store
  readonly dryRun: boolean
  readonly there: ReadonlyMap<ObjectName, number>
  readonly copied: { objects: number; bytes: number }
  readonly errors: CopyError[]
  readonly tell: (current: string) => void
}

/**
 * Copies all objects to another store, without opening them, and continues a copy that was interrupted.
 * The result is a read-only mirror until `promote`.
 * @throws conflict "not-a-mirror" or "mirror-diverged"; untrusted if the source lost what this device has seen
 * @example
 * await copy(repository, { to: await openStore("/mnt/mirror/notes") })
 */
export async function copy(
  repository: Repository,
  { to, dryRun = false }: CopyRequest,
  observe: CopyObserver = () => {},
): Promise<CopyResult> {
  const startedMs = monotonicMs()
  const folder = to.folder === undefined ? undefined : rawPathFromText(to.folder)
  if (folder !== undefined) refuseOwnPlace(repository, folder, "repository")
  const listed = await listOurs(repository.store)
  await look(repository)
  const there = await listThere(to)
  const mark = await requireMirror(repository, to, there)
  requireNoOthers(to, listed, there)
  if (folder !== undefined) await makePlace(to, folder, dryRun)

  const wanted = listed.filter(({ name, sizeBytes }) => there.get(name) !== sizeBytes)
  const bytesTotal = sum(wanted)
  const copied = { objects: 0, bytes: 0 }
  const tell = (current: string): void =>
    observe({ type: "progress", bytesDone: copied.bytes, bytesTotal, current })
  const run: Copying = { repository, to, dryRun, there, copied, errors: [], tell }
  if (!dryRun && mark === 0) await putMirrorMark(to, 1, repository.clock)
  await copyStages(run, wanted)
  const present = listed.length - wanted.length
  return {
    copied,
    present: { objects: present, bytes: sum(listed) - bytesTotal },
    errors: run.errors,
    durationMs: monotonicMs() - startedMs,
  }
}

async function copyStages(run: Copying, wanted: readonly Listed[]): Promise<void> {
  const of = (...types: ParsedName["type"][]): Listed[] =>
    wanted.filter(({ parsed }) => types.includes(parsed.type))
  await forEachBounded(of("pack", "segment", "bundle", "keyslot"), OBJECTS_AT_ONCE, async (object) => {
    await copyObject(run, object)
  })
  // Until the mirror has its `repository` object, nobody reads it, and the order of its log does not matter.
  const atOnce = run.there.has(REPOSITORY_NAME) ? 1 : OBJECTS_AT_ONCE
  const told = run.errors.length
  const entries = entriesInOrder(run.repository, of("entry"), run.errors)
  let isStopped = false
  await forEachBounded([...of("trust"), ...entries, ...of("gc")], atOnce, async (object) => {
    // Later entries may name it.
    if (!isStopped && !(await copyObject(run, object))) isStopped = atOnce === 1
  })
  // A repository without its whole log would look rolled back.
  if (run.errors.length === told) for (const object of of("repository")) await copyObject(run, object)
}

/** @returns false if the source's object is damaged or missing; it is reported and left out */
async function copyObject(run: Copying, { name, sizeBytes, parsed }: Listed): Promise<boolean> {
  const { to, there, copied, errors, dryRun } = run
  if (!dryRun) {
    const bytes = await readVerified(run, name, parsed)
    if (bytes instanceof EngineError) {
      errors.push({ object: name, message: bytes.message })
      return false
    }
    // The mirror's object has another size: it is damaged.
    if (there.has(name)) await to.remove(name)
    await to.put(name, bytes)
  }
  copied.objects++
  copied.bytes += sizeBytes
  run.tell(name)
  return true
}

async function readVerified(
  { repository: { store, objects, digest } }: Copying,
  name: ObjectName,
  parsed: ParsedName,
): Promise<Bytes | EngineError> {
  const expected: Digest = parsed.type === "repository" ? digest : parsed.digest
  try {
    const bytes = await store.get(name)
    if (digestOf(bytes) === expected) return bytes
    // This home may have the right bytes of an object of the log in its cache.
    const kept = objects.get(name)
    if (kept !== undefined && digestOf(kept) === expected) return kept
    return new EngineError("corrupt", "digest", `${name}: damaged: its digest does not match its name`)
  } catch (error) {
    if (isEngineError(error) && (error.kind === "not-found" || error.kind === "corrupt")) return error
    throw error
  }
}

/**
 * Lists the log first. What its entries name was durable before them (W1, W2), so the later LIST contains it.
 */
async function listOurs(store: Store): Promise<Listed[]> {
  const listed: Listed[] = []
  for (const prefix of [LOG_PREFIX, ""]) {
    for await (const { name, sizeBytes } of store.list(prefix)) {
      const parsed = parseName(name)
      if (parsed === undefined || parsed.type === "mirror") continue
      if (prefix === LOG_PREFIX || !name.startsWith(LOG_PREFIX)) listed.push({ name, parsed, sizeBytes })
    }
  }
  return listed
}

async function listThere(to: Store): Promise<Map<ObjectName, number>> {
  const there = new Map<ObjectName, number>()
  try {
    for await (const { name, sizeBytes } of to.list("")) there.set(name, sizeBytes)
  } catch (error) {
    if (!isEngineError(error, "no-store")) throw error // the folder does not exist yet
  }
  return there
}

async function makePlace({ location }: Store, folder: RawPath, dryRun: boolean): Promise<void> {
  if (!dryRun) return await createLocalRoot(location)
  const code = whyNotMade(folder)
  if (code === undefined) return
  const message = `${location}: cannot create the folder: ${errnoText(code)}`
  throw new EngineError("denied", "no-folder", message)
}

/**
 * Requires that the place is empty, or a mirror of this repository that was not promoted.
 * @returns the newest mark
 */
async function requireMirror(
  repository: Repository,
  to: Store,
  there: ReadonlyMap<ObjectName, number>,
): Promise<number> {
  const ours = [...there.keys()].filter((name) => parseName(name) !== undefined)
  if (ours.length === 0) {
    const unknown = [...there.keys()].filter((name) => !isOurs(name))
    const stranger = strangersIn(to)[0] ?? unknown[0]
    if (stranger === undefined) return 0
    const message = `${to.location}: is neither empty nor a mirror (it contains ${shellWord(stranger)}). Choose an empty folder`
    throw new EngineError("conflict", "not-a-mirror", message)
  }
  const mark = newestMark(there.keys())
  if (!isMirrorMark(mark)) {
    const why = mark === 0 ? "is a repository and not a mirror" : "was promoted, so devices may write to it"
    throw new EngineError("conflict", "not-a-mirror", `${to.location}: ${why}. Choose an empty folder`)
  }
  if (there.has(REPOSITORY_NAME) && digestOf(await to.get(REPOSITORY_NAME)) !== repository.digest) {
    const message = `${to.location}: is a mirror of another repository. Choose an empty folder`
    throw new EngineError("conflict", "not-a-mirror", message)
  }
  return mark
}

/** Includes what a file system or a probe leaves in a new place. */
function isOurs(name: ObjectName): boolean {
  const [top = ""] = name.split("/")
  return parseName(name) !== undefined || name.startsWith(PROBE_PREFIX) || isLitter(top)
}

/** Refuses log entries that the source lacks: a device wrote to the mirror, or the source was rolled back. */
function requireNoOthers(to: Store, listed: readonly Listed[], there: ReadonlyMap<ObjectName, number>): void {
  const known = new Set(listed.map(({ name }) => name))
  for (const name of there.keys()) {
    const parsed = parseName(name)
    if (known.has(name) || (parsed?.type !== "entry" && parsed?.type !== "trust")) continue
    const message = `${to.location}: contains ${name}, which the original repository does not have. One of the two was changed on its own`
    throw new EngineError("conflict", "mirror-diverged", message, { detail: { object: name } })
  }
}

/**
 * Makes a finished mirror writable. Nothing may be written to its original afterwards.
 * @param store the mirror
 * @throws conflict "not-a-mirror"; not-found "no-repository" if the copy has not finished
 */
export async function promote(
  store: Store,
  { clock = SYSTEM_CLOCK, dryRun = false }: { readonly clock?: Clock; readonly dryRun?: boolean } = {},
): Promise<void> {
  const mark = await mirrorMark(store)
  if (!isMirrorMark(mark)) {
    throw new EngineError("conflict", "not-a-mirror", `${store.location}: is not a mirror`)
  }
  for await (const { name } of store.list(REPOSITORY_NAME)) {
    if (name !== REPOSITORY_NAME) continue
    if (!dryRun) await putMirrorMark(store, mark + 1, clock)
    return
  }
  const message = `${store.location}: this mirror is incomplete. Run \`holdfast copy\` from the original again`
  throw new EngineError("not-found", "no-repository", message)
}

function sum(listed: readonly Listed[]): number {
  return listed.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
}

/**
 * The last step of `init`. If several processes create a repository in one place at the same time, exactly
 * one gets it on a store that creates exclusively, and at most one elsewhere. A loser removes its own
 * objects and nothing else. spec/stores.md, "Two at once".
 */
import { setTimeout } from "node:timers/promises"
import { EngineError, isEngineError } from "../base/errors.ts"
import { type Bytes, equalBytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import { shellWord } from "../base/show.ts"
import { FIRST_TRUST_PREFIX, REPOSITORY_NAME } from "../format/names.ts"
import type { Store } from "../store/store.ts"
import { readRepositoryObject } from "./repository-object.ts"

export interface Claim {
  readonly store: Store
  /** The content of the object `repository`. */
  readonly record: Bytes
  /** The first trust entry's name. It has a digest, so it identifies one `init`. */
  readonly trust: ObjectName
  /** Keyslots and the trust entry, which are put before `repository`. */
  readonly objects: readonly (readonly [ObjectName, Bytes])[]
  /** What was there before: left by an interrupted `init`, or written by one that is running. */
  readonly leftovers: readonly ObjectName[]
  /** Of several PUTs of `repository` one succeeds and the others are refused. */
  readonly exclusive: boolean
  /** Called when everything but `repository` is durable. */
  readonly beforeCommit: () => void
}

/** A trust entry without its `repository` is a leftover if nothing changes for this long. */
const LEFTOVER_MS = 2_000
const POLL_MS = 200
const WAIT_MS = 10_000

/** Throws conflict "init-lost" if another process has the place, or may have it. */
export async function claimPlace(claim: Claim): Promise<void> {
  const { store, objects, exclusive } = claim
  const dead = exclusive ? [] : await settledLeftovers(claim)
  try {
    await Promise.all(objects.map(([name, content]) => store.put(name, content)))
    if (!exclusive) await outlastOthers(claim, dead)
    else if ((await readRepositoryObject(store)) !== undefined) throw initLost(store)
    claim.beforeCommit()
    await putRecord(claim)
  } catch (error) {
    if (isEngineError(error, "init-lost"))
      await removeQuietly(
        store,
        objects.map(([name]) => name),
      )
    throw error
  }
  const own = new Set(objects.map(([name]) => name))
  await removeQuietly(
    store,
    claim.leftovers.filter((name) => !own.has(name)),
  )
}

/** This PUT creates the repository. */
async function putRecord({ store, record, trust, exclusive }: Claim): Promise<void> {
  try {
    await store.put(REPOSITORY_NAME, record)
  } catch (error) {
    if (!isEngineError(error, "object-exists")) throw error
    throw initLost(store)
  }
  if (!exclusive && !(await firstTrusts(store)).includes(trust)) throw initLost(store)
  const there = await readRepositoryObject(store)
  if (there !== undefined && equalBytes(there, record)) return
  if (exclusive) throw initLost(store)
  // Another process that paused between its LIST and its PUT has overwritten it: the trust entry decides.
  await store.put(REPOSITORY_NAME, record)
}

/**
 * For a store where a PUT overwrites. A process that is alone after its own PUT goes on: of two, the later
 * one sees the earlier. Of those that see each other, the one with the smallest name waits until the
 * others have given up.
 */
async function outlastOthers({ store, trust }: Claim, dead: readonly ObjectName[]): Promise<void> {
  for (let waitedMs = 0; waitedMs <= WAIT_MS; waitedMs += POLL_MS) {
    const there = await firstTrusts(store)
    if (!there.includes(trust)) throw initLost(store)
    const others = there.filter((name) => name !== trust && !dead.includes(name))
    const isTaken = (await readRepositoryObject(store)) !== undefined
    if (isTaken || others.some((name) => name < trust)) throw initLost(store)
    if (others.length === 0) return
    await setTimeout(POLL_MS)
  }
  throw initLost(store)
}

/** Removes first trust entries that no running process owns, and gives their names. */
async function settledLeftovers({ store, leftovers }: Claim): Promise<ObjectName[]> {
  const found = leftovers.filter((name) => name.startsWith(FIRST_TRUST_PREFIX))
  if (found.length === 0) return []
  await setTimeout(LEFTOVER_MS)
  const there = await firstTrusts(store)
  const isTaken = (await readRepositoryObject(store)) !== undefined
  if (isTaken || there.join() !== found.join()) throw initLost(store)
  await removeQuietly(store, found)
  return found
}

async function firstTrusts(store: Store): Promise<ObjectName[]> {
  const names: ObjectName[] = []
  for await (const { name } of store.list(FIRST_TRUST_PREFIX)) names.push(name)
  return names
}

/** An object that stays is harmless. A failure here must not hide the outcome. */
async function removeQuietly(store: Store, names: readonly ObjectName[]): Promise<void> {
  for (const name of names) {
    try {
      await store.remove(name)
    } catch (error) {
      if (!isEngineError(error)) throw error
    }
  }
}

function initLost({ location }: Store): EngineError {
  const message = `${location}: another \`holdfast init\` was creating a repository here at the same time. Run the command again. If a repository exists by then, use it: holdfast connect ${shellWord(location)}`
  return new EngineError("conflict", "init-lost", message)
}

/**
 * Tests what a store supports: whether it lists new objects at once, honours ranges, lets exactly one of
 * several conditional PUTs succeed, and removes. `init` records the result in the trust state, `doctor` shows
 * it, and garbage collection refuses a store whose listing lags. Writes and removes a few objects under
 * `probe/`. See spec/stores.md.
 */
import { isEngineError } from "../base/errors.ts"
import { equalBytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import type { ProviderId } from "./provider-profiles.ts"
import type { Store } from "./store.ts"

/** Recorded as text under these names. Never change one. */
export interface StoreAbilities {
  readonly provider: ProviderId
  /** "works": exactly one of several concurrent puts succeeds. "races": only of consecutive ones. */
  readonly conditionalPut: "works" | "races" | "absent"
  readonly listing: "at-once" | "lags"
  /** "ignored": a range returns the whole object, which costs its transfer. */
  readonly ranges: "works" | "ignored"
  readonly removal: "works" | "denied"
}

export interface ProbePorts {
  /** Unconditional, retried. */
  readonly store: Store
  /** The same place with conditional PUTs. */
  readonly guarded: Store
  /** Whether a range has returned a whole object so far. */
  ignoresRanges(): boolean
  /** Random hex digits, unique to this probe. */
  readonly nonce: string
}

export const PROBE_PREFIX = "probe/"

const LIST_ROUNDS = 4
const RACES = 3
const RACERS = 8

/** @throws as the store, if it can't be written to */
export async function probeStore(ports: ProbePorts): Promise<Omit<StoreAbilities, "provider">> {
  const { store } = ports
  const written: ObjectName[] = []
  const nameOf = (what: string): ObjectName => {
    const name = `${PROBE_PREFIX}${ports.nonce}-${what}` as ObjectName
    written.push(name)
    return name
  }
  let lags = false
  for (let round = 0; round < LIST_ROUNDS; round++) {
    const name = nameOf(`list-${round}`)
    await store.put(name, content(round))
    if (!(await listed(store)).has(name)) lags = true
  }
  await readBack(store, written[0] as ObjectName)
  const conditionalPut = await tryConditionalPut(ports.guarded, nameOf)
  const removal = await removeAll(store, written)
  if (removal === "works") {
    const left = await listed(store)
    if (written.some((name) => left.has(name))) lags = true
  }
  return {
    conditionalPut,
    listing: lags ? "lags" : "at-once",
    ranges: ports.ignoresRanges() ? "ignored" : "works",
    removal,
  }
}

/** Returns bytes that differ from those of every other call. */
function content(number: number): Uint8Array {
  return new TextEncoder().encode(`holdfast tries what this store does: ${number}`)
}

async function listed(store: Store): Promise<Set<ObjectName>> {
  const names = new Set<ObjectName>()
  for await (const { name } of store.list(PROBE_PREFIX)) names.add(name)
  return names
}

async function readBack(store: Store, name: ObjectName): Promise<void> {
  const expected = content(0)
  const whole = await store.get(name)
  const part = await store.get(name, { offset: 9, length: 5 })
  if (equalBytes(whole, expected) && equalBytes(part, expected.subarray(9, 14))) return
  throw new Error(`bug: ${name} was read as something else than was written`)
}

async function tryConditionalPut(
  guarded: Store,
  nameOf: (what: string) => ObjectName,
): Promise<StoreAbilities["conditionalPut"]> {
  const first = nameOf("guard")
  if (!(await wins(guarded, first, 0)) || (await wins(guarded, first, 1))) return "absent"
  for (let race = 0; race < RACES; race++) {
    const name = nameOf(`race-${race}`)
    const won = await Promise.all(Array.from({ length: RACERS }, (_, i) => wins(guarded, name, i)))
    if (won.filter(Boolean).length !== 1) return "races"
  }
  return "works"
}

async function wins(guarded: Store, name: ObjectName, number: number): Promise<boolean> {
  try {
    await guarded.put(name, content(number))
    return true
  } catch (error) {
    // A server that refuses the header itself can't be relied on either.
    if (isEngineError(error, "object-exists") || (isEngineError(error) && error.kind === "invalid"))
      return false
    throw error
  }
}

async function removeAll(store: Store, names: readonly ObjectName[]): Promise<StoreAbilities["removal"]> {
  try {
    for (const name of names) await store.remove(name)
    return "works"
  } catch (error) {
    if (isEngineError(error, "delete-denied")) return "denied"
    throw error
  }
}

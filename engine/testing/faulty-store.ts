/**
 * A store that fails at chosen calls, in the ways that networks and disks fail, so that every use
 * case can be run with a fault at its k-th call. Calls are numbered from 0 as they begin; a put is
 * never partial (the port forbids it), a get may bring wrong bytes, and a listing may be stale.
 */
import { EngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Store, StoredObject } from "../store/store.ts"

export type StoreMethod = "put" | "get" | "list" | "remove"

export interface StoreCall {
  readonly number: number
  readonly method: StoreMethod
  /** The object's name, or the listing's prefix. */
  readonly name: string
}

/** Crashes are the end: the call and all later ones throw `StoreCrash`, as if the process had died. */
export type Fault =
  | "refused" // unavailable, before any effect
  | "lost-reply" // done, and then unavailable; a listing breaks off in its middle
  | "denied" // refused for good
  | "truncated" // a get brings half of the bytes; other calls as refused
  | "corrupted" // a get brings one flipped bit; other calls as refused
  | "stale-list" // a listing without what was put, and with what was removed, through this store
  | "crash-before"
  | "crash-after"
  | { readonly delay: () => Promise<void> }

export class StoreCrash extends Error {}

export interface FaultyStore extends Store {
  /** What was called so far, in order. */
  readonly calls: readonly StoreCall[]
}

type Plan = (call: StoreCall) => Fault | undefined

/** The k-th call of all (from 0), or of one method. */
export function faultAt(number: number, fault: Fault, method?: StoreMethod): Plan {
  let seen = 0
  return (call) => ((method === undefined || call.method === method) && seen++ === number ? fault : undefined)
}

export function faultyStore(store: Store, plan: Plan): FaultyStore {
  const { calls, begin, end } = faultGate(plan)
  const history = new Map<ObjectName, StoredObject | "put">()

  return {
    location: store.location,
    calls,

    async put(name, bytes) {
      const fault = await begin("put", name)
      await store.put(name, bytes)
      history.set(name, "put")
      end(fault, name)
    },

    async get(name, range) {
      const fault = await begin("get", name)
      const bytes = await store.get(name, range)
      end(fault, name)
      if (fault === "truncated") return bytes.slice(0, bytes.length >>> 1)
      const middle = bytes.length >>> 1
      if (fault === "corrupted") bytes[middle] = (bytes[middle] ?? 0) ^ 0x10
      return bytes
    },

    async *list(prefix): AsyncGenerator<StoredObject> {
      const fault = await begin("list", prefix)
      const objects: StoredObject[] = []
      for await (const object of store.list(prefix)) objects.push(object)
      if (fault === "stale-list") yield* staleList(objects, history, prefix)
      else if (fault === "lost-reply") yield* objects.slice(0, objects.length >>> 1)
      else yield* objects
      end(fault, prefix)
    },

    async remove(name) {
      const fault = await begin("remove", name)
      const removed = await sizeOf(store, name)
      await store.remove(name)
      if (history.get(name) === "put") history.delete(name)
      else if (removed !== undefined) history.set(name, removed)
      end(fault, name)
    },
  }
}

interface FaultGate {
  readonly calls: StoreCall[]
  /** What shall happen to this call; throws the faults that come before any effect. */
  begin(this: void, method: StoreMethod, name: string): Promise<Fault | undefined>
  /** Throws the faults that come after the effect. */
  end(this: void, fault: Fault | undefined, name: string): void
}

function faultGate(plan: Plan): FaultGate {
  const calls: StoreCall[] = []
  let crashed = false
  const crash = (): StoreCrash => {
    crashed = true
    return new StoreCrash("the process died here")
  }
  return {
    calls,

    async begin(method, name) {
      if (crashed) throw new StoreCrash("the process is dead")
      const call = { number: calls.length, method, name }
      calls.push(call)
      const fault = plan(call)
      if (typeof fault === "object") await fault.delay()
      if (fault === "crash-before") throw crash()
      if (fault === "denied") throw new EngineError("denied", "test-denied", `${name}: denied by the test`)
      const wrongBytes = fault === "truncated" || fault === "corrupted"
      if (fault === "refused" || (wrongBytes && method !== "get")) throw unavailable(name)
      return fault
    },

    end(fault, name) {
      if (fault === "crash-after") throw crash()
      if (fault === "lost-reply") throw unavailable(name)
      // The run has died while this call was on its way.
      if (crashed) throw new StoreCrash("the process is dead")
    },
  }
}

function staleList(
  objects: StoredObject[],
  history: ReadonlyMap<ObjectName, StoredObject | "put">,
  prefix: string,
): StoredObject[] {
  const old = objects.filter(({ name }) => history.get(name) !== "put")
  for (const removed of history.values()) {
    if (removed !== "put" && removed.name.startsWith(prefix)) old.push(removed)
  }
  return old.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function sizeOf(store: Store, name: ObjectName): Promise<StoredObject | undefined> {
  for await (const object of store.list(name)) if (object.name === name) return object
  return undefined
}

function unavailable(name: string): EngineError {
  return new EngineError("unavailable", "test-fault", `${name}: refused by the test`)
}

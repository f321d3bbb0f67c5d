/**
 * A store that fails at chosen calls like networks and disks, so every use case can run with a
 * fault at its k-th call. Calls are numbered from 0 in the order they start. A put is never partial
 * (the port forbids it), a get may return wrong bytes, and a listing may be stale.
 */
import { EngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Store, StoredObject } from "../store/store.ts"

export type StoreMethod = "put" | "get" | "list" | "remove"

export interface StoreCall {
  readonly number: number
  readonly method: StoreMethod
  /** The object's name or the listing's prefix. */
  readonly name: string
}

/** After a crash, the call and all later ones throw `StoreCrash`, as if the process had died. */
export type Fault =
  | "refused" // unavailable, without an effect
  | "lost-reply" // done, then unavailable; a listing stops halfway
  | "denied" // refused permanently
  | "truncated" // a get returns half of the bytes; other calls are refused
  | "corrupted" // a get returns bytes with one flipped bit; other calls are refused
  | "stale-list" // a listing without objects put, and with objects removed, through this store
  | "crash-before"
  | "crash-after"
  | { readonly delay: () => Promise<void> }

export class StoreCrash extends Error {}

export interface FaultyStore extends Store {
  /** Calls so far, in order. */
  readonly calls: readonly StoreCall[]
}

type Plan = (call: StoreCall) => Fault | undefined

/** Plans a fault for the k-th call (from 0), of all methods or of one. */
export function faultAt(number: number, fault: Fault, method?: StoreMethod): Plan {
  let seen = 0
  return (call) => ((method === undefined || call.method === method) && seen++ === number ? fault : undefined)
}

export function faultyStore(store: Store, plan: Plan): FaultyStore {
  const { calls, begin, end } = faultGate(plan)
  const history = new Map<ObjectName, StoredObject | "put">()

  return {
    location: store.location,
    folder: store.folder,
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
  /** Returns the fault planned for this call. Throws faults that come before any effect. */
  begin(this: void, method: StoreMethod, name: string): Promise<Fault | undefined>
  /** Throws faults that come after the effect. */
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
      // The run died while this call was in progress.
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

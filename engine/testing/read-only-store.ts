/** A store whose writes are refused before they reach it: for commands that must only read. */
import { EngineError } from "../base/errors.ts"
import type { Store } from "../store/store.ts"

export function readOnlyStore(store: Store): Store {
  return {
    location: store.location,
    folder: store.folder,
    get: (name, range) => store.get(name, range),
    lend: store.lend,
    list: (prefix) => store.list(prefix),
    put: () => Promise.reject(readOnly(store.location)),
    remove: () => Promise.reject(readOnly(store.location)),
  }
}

function readOnly(location: string): EngineError {
  return new EngineError("denied", "read-only-store", `${location}: opened read-only`)
}

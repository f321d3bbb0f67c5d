/**
 * A store for a check: an object that this disk can't read is damaged, and the others are still looked
 * at; a store that has gone as a whole ends the check instead of making every object look missing.
 */
import { errnoText } from "../base/errno.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { Store } from "../store/store.ts"

/** Of one file: a bad sector, a wrong mode, a folder in its place. */
const ONE_OBJECT = new Set(["EIO", "EACCES", "EPERM", "EISDIR", "ENXIO", "EBADMSG", "EUCLEAN"])

export function checkedStore(store: Store): Store {
  return {
    location: store.location,
    put: (name, bytes) => store.put(name, bytes),
    list: (prefix) => store.list(prefix),
    remove: (name) => store.remove(name),
    async get(name, range) {
      try {
        return await store.get(name, range)
      } catch (error) {
        if (!isEngineError(error)) throw error
        const errno = error.detail["errno"]
        if (typeof errno === "string" && ONE_OBJECT.has(errno))
          throw corrupt("object-unreadable", name, `cannot be read: ${errnoText(errno)}`)
        if (error.kind === "not-found" && error.code !== "object-not-found") {
          throw new EngineError("unavailable", "store-gone", error.message, { cause: error })
        }
        throw error
      }
    },
  }
}

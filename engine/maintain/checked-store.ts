/**
 * What a check reads instead of the repository's own store and object cache. A check asks the store, not
 * what this device remembers of it.
 */
import { errnoText } from "../base/errno.ts"
import { corrupt, EngineError, isEngineError } from "../base/errors.ts"
import type { Store } from "../store/store.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import type { ObjectCache } from "../home/object-cache.ts"

/** Errors of a single file: a bad sector, a wrong mode, a folder in its place. */
const ONE_OBJECT = new Set(["EIO", "EACCES", "EPERM", "EISDIR", "ENXIO", "EBADMSG", "EUCLEAN"])

/**
 * An object that this disk can't read is damaged, and the check continues with the others. A store that is
 * gone as a whole ends the check instead of making every object look missing.
 */
export function checkedStore(store: Store): Store {
  return {
    location: store.location,
    folder: store.folder,
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

/**
 * Returns only what was fetched during this check, each object once. New objects go on to the home's cache.
 */
export function freshObjects(cache: ObjectCache): ObjectCache {
  const fetched = new Map<ObjectName, Bytes>()
  return {
    get: (name) => fetched.get(name),
    names: (prefix) => [...fetched.keys()].filter((name) => name.startsWith(prefix)).toSorted(),
    put(objects) {
      for (const [name, bytes] of objects) {
        fetched.set(name, new Uint8Array(bytes))
        cache.put([[name, bytes]])
      }
    },
    remove(names) {
      for (const name of names) fetched.delete(name)
    },
  }
}

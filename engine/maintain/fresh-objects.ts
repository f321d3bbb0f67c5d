/**
 * A check asks the store, not what this device remembers of it. This stands in for the home's object
 * cache: it gives only what was fetched during this check, each object once, and passes what is new on
 * to the home.
 */
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import type { ObjectCache } from "../home/object-cache.ts"

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

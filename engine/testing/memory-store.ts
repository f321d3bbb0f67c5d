/**
 * A store in memory, for tests and simulations. It is the port's reference: the simplest
 * implementation that passes `testing/store-contract.ts`. Tests may damage or count its `objects`.
 */
import { equalBytes, type Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import {
  checkObjectName,
  checkPrefix,
  checkRange,
  isNamedAfter,
  objectExists,
  objectNotFound,
  shortObject,
} from "../store/object-name.ts"
import type { Store } from "../store/store.ts"

export interface MemoryStore extends Store {
  readonly objects: Map<ObjectName, Bytes>
}

/** Two memory stores over the same map are two clients of one store. */
export function memoryStore(objects: Map<ObjectName, Bytes> = new Map()): MemoryStore {
  return {
    location: "memory",
    folder: undefined,
    objects,

    async put(name, bytes) {
      checkObjectName(name)
      const present = objects.get(name)
      if (present !== undefined && equalBytes(present, bytes)) return
      if (present !== undefined && !isNamedAfter(name, bytes)) throw objectExists(name)
      objects.set(name, new Uint8Array(bytes))
    },

    async get(name, range) {
      checkObjectName(name)
      checkRange(range)
      const bytes = objects.get(name)
      if (bytes === undefined) throw objectNotFound(name)
      if (range === undefined) return bytes.slice()
      const end = range.offset + range.length
      if (end > bytes.length) throw shortObject(name, end, bytes.length)
      return bytes.slice(range.offset, end)
    },

    async *list(prefix) {
      checkPrefix(prefix)
      const names = [...objects.keys()].filter((name) => name.startsWith(prefix)).sort()
      for (const name of names) {
        const bytes = objects.get(name)
        if (bytes !== undefined) yield { name, sizeBytes: bytes.length }
      }
    },

    async remove(name) {
      checkObjectName(name)
      objects.delete(name)
    },
  }
}

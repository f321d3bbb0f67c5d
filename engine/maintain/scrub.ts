/**
 * `check --store-only`: compares every object's SHA-256 with the digest in its name. It needs no key, so the
 * operator of the store can run it. It finds every changed or truncated object. Only a check with a key finds
 * missing objects, and objects that don't belong together. spec/copy.md.
 */
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { parseName, REPOSITORY_NAME } from "../format/names.ts"
import { decodeRepository } from "../format/repository-record.ts"
import type { Store, StoredObject } from "../store/store.ts"

export interface ScrubError {
  readonly object: ObjectName
  readonly message: string
}

export interface ScrubResult {
  readonly objects: number
  readonly bytes: number
  readonly errors: readonly ScrubError[]
  /** Number of objects with unknown names, which are not read. */
  readonly foreign: number
}

export interface ScrubEvent {
  readonly type: "progress"
  readonly bytesDone: number
  readonly bytesTotal: number
  readonly current: string
}

const OBJECTS_AT_ONCE = 6

/**
 * Verifies the digest of every object without any key: reads the whole store.
 * @throws not-found "no-repository", and what the store throws
 */
export async function scrub(
  store: Store,
  observe: (event: ScrubEvent) => void = () => {},
): Promise<ScrubResult> {
  const objects: StoredObject[] = []
  let foreign = 0
  for await (const object of store.list("")) {
    if (parseName(object.name) === undefined) foreign++
    else objects.push(object)
  }
  const bytesTotal = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const errors: ScrubError[] = []
  let bytesDone = 0
  await forEachBounded(objects, OBJECTS_AT_ONCE, async ({ name, sizeBytes }) => {
    const fault = await faultOf(store, name)
    if (fault !== undefined) errors.push({ object: name, message: fault })
    bytesDone += sizeBytes
    observe({ type: "progress", bytesDone, bytesTotal, current: name })
  })
  if (objects.length > 0 && !objects.some(({ name }) => name === REPOSITORY_NAME))
    errors.push({ object: REPOSITORY_NAME, message: "missing: no other object can be read without it" })
  errors.sort((a, b) => (a.object < b.object ? -1 : 1))
  return { objects: objects.length, bytes: bytesDone, errors, foreign }
}

async function faultOf(store: Store, name: ObjectName): Promise<string | undefined> {
  try {
    const bytes = await store.get(name)
    const parsed = parseName(name)
    if (parsed === undefined || parsed.type === "repository") {
      decodeRepository(bytes, name)
      return undefined
    }
    return digestOf(bytes) === parsed.digest ? undefined : "damaged: its digest does not match its name"
  } catch (error) {
    if (isEngineError(error) && (error.kind === "corrupt" || error.kind === "not-found")) return error.message
    throw error
  }
}

/**
 * Mirror marks. A mirror, made by `copy`, is read-only: a device that wrote to it would fork the
 * repository. A mark in the log says so, because every look lists the log anyway. Marks are numbered: an
 * odd number makes a mirror, an even one promotes it. spec/copy.md.
 */
import { EngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Clock } from "../base/ports.ts"
import { digestOf } from "../crypto/digest.ts"
import { MIRROR_PREFIX, mirrorName, parseName } from "../format/names.ts"
import { encodeCanonical } from "../format/msgpack.ts"
import type { Store } from "../store/store.ts"

/** The number of the newest mark; 0 without a mark. One LIST. */
export async function mirrorMark(store: Store): Promise<number> {
  const names: ObjectName[] = []
  for await (const { name } of store.list(MIRROR_PREFIX)) names.push(name)
  return newestMark(names)
}

/** Likewise, among names that were listed already. */
export function newestMark(names: Iterable<ObjectName>): number {
  let newest = 0
  for (const name of names) {
    const parsed = parseName(name)
    if (parsed?.type === "mirror") newest = Math.max(newest, parsed.number)
  }
  return newest
}

export async function putMirrorMark(store: Store, number: number, clock: Clock): Promise<void> {
  const bytes = encodeCanonical({ v: 0, mirror: isMirrorMark(number), timeNs: clock.now() })
  await store.put(mirrorName(number, digestOf(bytes)), bytes)
}

/** Odd: a mirror. Even or 0: promoted, or never a mirror. */
export function isMirrorMark(number: number): boolean {
  return number % 2 === 1
}

/** Throws conflict "mirror". */
export function refuseMirror({ isMirror }: { readonly isMirror: boolean }, { location }: Store): void {
  if (!isMirror) return
  const message = `${location}: is a read-only mirror. Back up to the original, or run \`holdfast copy --promote\` to make it writable`
  throw new EngineError("conflict", "mirror", message)
}

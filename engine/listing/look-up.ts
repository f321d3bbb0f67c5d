/**
 * Finds one path in a listing and loads one node per level. Used by dump, snapshot addresses with a
 * path, and file history. spec/listing.md.
 */
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { comparePaths, showPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { type ListingRoot, type NodeRef, openNode, rootRef } from "./node-ref.ts"
import { loadAll, type LoadNodes } from "./ordered-walk.ts"

/** Returns the entry of exactly this path, or undefined. */
export async function lookUp(root: ListingRoot, load: LoadNodes, path: RawPath): Promise<Entry | undefined> {
  let ref: NodeRef = rootRef(root)
  for (;;) {
    const [bytes] = await loadAll(load, [ref])
    const step = descend(ref, bytes as Uint8Array, path)
    if (step.next === undefined) return step.entry
    ref = step.next
  }
}

/** The error of every verb for a path that a snapshot doesn't have. */
export function noEntry({ shortId }: { readonly shortId: string }, path: RawPath): EngineError {
  const message = `${showPath(path)}: no such file or folder in snapshot ${shortId}`
  return new EngineError("not-found", "no-entry", message)
}

interface Descent {
  /** The only child that can contain the path. */
  readonly next?: NodeRef | undefined
  readonly entry?: Entry | undefined
}

function descend(ref: NodeRef, bytes: Uint8Array, path: RawPath): Descent {
  const { refs, entries } = openNode(ref, bytes)
  if (refs === undefined) return { entry: entries.find((entry) => entry.path === path) }
  return { next: refs.findLast(({ first }) => first !== undefined && comparePaths(first, path) <= 0) }
}

/**
 * Reads the older tree of a new listing from left to right. A node is opened only if something
 * inside may differ. Used by build.ts only. spec/listing.md.
 */
import type { ChunkId, RawPath } from "../base/ids.ts"
import { LeafReader } from "../format/leaf-reader.ts"
import { checkRange, type ListingRoot, nodeName, type NodeRef, openNode, rootRef } from "./node-ref.ts"

/** An entry in the encoding of its leaf; see `LeafWriter.appendEncoded`. */
export interface EncodedEntry {
  readonly path: RawPath
  readonly afterSuffix: Uint8Array
  readonly level?: undefined
}

export type OldItem = EncodedEntry | NodeRef

interface Frame {
  readonly items: readonly OldItem[]
  at: number
}

export class OldTree {
  readonly #load: (id: ChunkId) => Uint8Array
  /** Opened nodes, the innermost last. */
  readonly #frames: Frame[]

  constructor(root: ListingRoot, load: (id: ChunkId) => Uint8Array) {
    this.#load = load
    this.#frames = [{ items: [rootRef(root)], at: 0 }]
  }

  /** Returns the next entry, or the node that contains it. Undefined at the end. */
  current(): OldItem | undefined {
    for (;;) {
      const frame = this.#frames.at(-1)
      if (frame === undefined) return undefined
      const item = frame.items[frame.at]
      if (item !== undefined) return item
      this.#frames.pop()
    }
  }

  /** Skips the current item and everything below it. */
  skip(): void {
    const frame = this.#frames.at(-1)
    if (frame !== undefined) frame.at++
  }

  /** Replaces the current node by its children. */
  open(ref: NodeRef): void {
    this.skip()
    const bytes = this.#load(ref.id)
    const items = ref.level === 0 ? readLeaf(ref, bytes) : (openNode(ref, bytes).refs ?? [])
    this.#frames.push({ items, at: 0 })
  }

  clear(): void {
    this.#frames.length = 0
  }
}

function readLeaf(ref: NodeRef, bytes: Uint8Array): EncodedEntry[] {
  const reader = new LeafReader(bytes, nodeName(ref))
  const entries: EncodedEntry[] = []
  while (reader.left > 0) {
    const { path } = reader.next()
    entries.push({ path, afterSuffix: reader.afterSuffix })
  }
  checkRange(ref, { count: entries.length, first: entries[0]?.path, last: entries.at(-1)?.path })
  return entries
}

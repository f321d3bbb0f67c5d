/**
 * Writes the new tree of a listing from left to right, with one open node per level. Entries are
 * added at the bottom. Whole nodes of an older tree are adopted at any level if all lower levels
 * have just been cut. Used by build.ts only. spec/listing.md.
 */
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { LeafWriter } from "../format/leaf-writer.ts"
import { encodeInner, type Entry, innerItemBytes, type ListingChild } from "../format/listing-node.ts"
import { isFull, type ListingCuts } from "./cut.ts"
import type { ListingRoot } from "./node-ref.ts"

export interface TreeOutput {
  readonly cuts: ListingCuts
  identify(node: Bytes): ChunkId
  emit(id: ChunkId, node: Bytes): void
}

/** The open inner node of one level. */
interface OpenNode {
  children: ListingChild[]
  itemBytes: number
  /**
   * Whether the node is cut after its last child. It is closed when another child follows, since it
   * may be the only one.
   */
  cut: boolean
  /** Children of this level so far. An adopted node above counts as several. */
  total: number
  /** Whether the level's first child was adopted. */
  firstAdopted: boolean
}

export interface FinishedTree {
  readonly root: ListingRoot
  readonly entries: number
  /** Whether the root was adopted. It may be an inner node with a single child, which can't be a root. */
  readonly adopted: boolean
}

export class TreeWriter {
  readonly #output: TreeOutput
  readonly #leaf = new LeafWriter()
  /** Index 0 is level 1. */
  readonly #levels: OpenNode[] = []
  #emitted = 0

  constructor(output: TreeOutput) {
    this.#output = output
  }

  get emitted(): number {
    return this.#emitted
  }

  add(entry: Entry): void {
    this.#leaf.append(entry)
    this.#cutLeaf(entry.path)
  }

  addEncoded(path: RawPath, afterSuffix: Uint8Array): void {
    this.#leaf.appendEncoded(path, afterSuffix)
    this.#cutLeaf(path)
  }

  #cutLeaf(path: RawPath): void {
    const leaf = this.#leaf
    if (isFull(leaf.count, leaf.itemBytes) || this.#output.cuts.afterEntry(path)) this.#closeLeaf()
  }

  /**
   * Adopts a node of `level` with everything below it, if all open nodes up to that level have just
   * been cut. The same entries would then give the same node. Call only if more entries follow.
   * @returns false if the node can't be adopted
   */
  adopt(child: ListingChild, level: number): boolean {
    if (this.#leaf.count > 0) return false
    for (let at = 1; at <= level; at++) {
      const open = this.#level(at)
      if (open.cut) this.#closeInner(at)
      else if (open.children.length > 0) return false
    }
    for (let at = 1; at <= level; at++) this.#level(at).total += 2
    this.#addChild(level + 1, child, true)
    return true
  }

  finish(): FinishedTree {
    if (this.#leaf.count > 0 || this.#levels.length === 0) this.#closeLeaf()
    for (let level = 1; ; level++) {
      const open = this.#level(level)
      const only = open.children[0]
      if (open.total === 1 && only !== undefined) {
        return { root: { id: only.id, level: level - 1 }, entries: only.entries, adopted: open.firstAdopted }
      }
      if (only !== undefined) this.#closeInner(level)
    }
  }

  #closeLeaf(): void {
    const entries = this.#leaf.count
    const first = entries === 0 ? ("" as RawPath) : this.#leaf.first
    this.#addChild(1, { first, id: this.#put(this.#leaf.take()), entries }, false)
  }

  #closeInner(level: number): void {
    const open = this.#level(level)
    const { children } = open
    const first = children[0]?.first ?? ("" as RawPath)
    const entries = children.reduce((sum, child) => sum + child.entries, 0)
    const id = this.#put(encodeInner(level, children))
    open.children = []
    open.itemBytes = 0
    open.cut = false
    this.#addChild(level + 1, { first, id, entries }, false)
  }

  #addChild(level: number, child: ListingChild, adopted: boolean): void {
    const open = this.#level(level)
    if (open.cut) this.#closeInner(level)
    if (open.total === 0) open.firstAdopted = adopted
    open.children.push(child)
    open.itemBytes += innerItemBytes(child)
    open.total++
    open.cut =
      isFull(open.children.length, open.itemBytes) || this.#output.cuts.afterChild(level, child.first)
  }

  #level(level: number): OpenNode {
    return (this.#levels[level - 1] ??= {
      children: [],
      itemBytes: 0,
      cut: false,
      total: 0,
      firstAdopted: false,
    })
  }

  #put(node: Bytes): ChunkId {
    const id = this.#output.identify(node)
    this.#output.emit(id, node)
    this.#emitted++
    return id
  }
}

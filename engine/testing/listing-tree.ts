/** Listings in memory, for tests of builders and readers. The ids are plain SHA-256. */
import assert from "node:assert/strict"
import { hash } from "node:crypto"

import { toHex } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import type { Entry } from "../format/listing-node.ts"
import { type BuiltListing, listingBuilder, type ListingBuilder } from "../listing/build.ts"

export const cutKey: Uint8Array = new Uint8Array(32).fill(3)

export function plainId(node: Uint8Array): ChunkId {
  return new Uint8Array(hash("sha256", node, "buffer")) as ChunkId
}

/** Returns a file's entry. `mark` determines its time and content. */
export function fileEntry(path: string, size: number = 0, mark: number = 0): Entry {
  return {
    path: path as RawPath,
    type: "file",
    mode: 0o644,
    mtimeNs: BigInt(mark),
    uid: 1000,
    gid: 1000,
    user: "alice",
    group: "alice",
    size,
    content: { fileClass: 1, chunks: new Uint8Array(size === 0 ? 0 : 32).fill(mark) },
    linkTarget: null,
    device: null,
    hardLink: null,
    xattrs: [],
    sparse: false,
    capture: "plain",
  }
}

export function sortedPaths(paths: Iterable<string>): string[] {
  return [...new Set(paths)].sort(comparePaths)
}

/** Returns about `count` paths in folders of different sizes, from part of a node to many nodes. */
export function manyPaths(count: number, seed: number): string[] {
  const paths = new Set([""])
  for (let i = 0; paths.size < count; i++) {
    const folder = Math.floor(((i * 7919 + seed * 104729) % 10007) ** 0.6)
    paths.add(`d${folder}`)
    paths.add(`d${folder}/f${i}-${seed}`)
  }
  return sortedPaths(paths)
}

/** Nodes by id, and the ids requested per call. */
export class NodeShelf {
  readonly nodes: Map<string, Uint8Array> = new Map()
  readonly calls: string[][] = []

  get loaded(): string[] {
    return this.calls.flat()
  }

  readonly emit = (id: ChunkId, node: Uint8Array): void => void this.nodes.set(toHex(id), node)

  readonly loadOne = (id: ChunkId): Uint8Array => {
    this.calls.push([toHex(id)])
    return this.#node(id)
  }

  readonly load = (ids: readonly ChunkId[]): Promise<Uint8Array[]> => {
    this.calls.push(ids.map(toHex))
    return Promise.resolve(ids.map((id) => this.#node(id)))
  }

  #node(id: ChunkId): Uint8Array {
    return this.nodes.get(toHex(id)) ?? assert.fail("a node that was never emitted")
  }

  /** Builds a listing from an older one on this shelf, or from nothing. */
  build(old: BuiltListing | undefined, change: (builder: ListingBuilder) => void): BuiltListing {
    const from = old && { root: old.root.id, level: old.root.level, load: this.loadOne }
    const builder = listingBuilder({ cutKey, identify: plainId, emit: this.emit, old: from })
    change(builder)
    return builder.finish()
  }

  buildAll(entries: readonly Entry[]): BuiltListing {
    return this.build(undefined, (builder) => {
      for (const entry of entries) builder.put(entry)
    })
  }

  /** Forgets earlier calls. */
  startCounting(): void {
    this.calls.length = 0
  }
}

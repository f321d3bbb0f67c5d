import * as assert from "node:assert/strict"
import { test } from "node:test"
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, RawPath } from "../base/ids.ts"
import { chunkHasher } from "../crypto/chunk-id.ts"
import type { Entry } from "../format/listing-entry.ts"
import type { NodeCache } from "../home/node-cache.ts"
import { listingBuilder, type BuiltListing, type OldListing } from "../listing/build.ts"
import { isTimeToTrim, trimNodes } from "./kept-nodes.ts"

const hasher = chunkHasher(new Uint8Array(32).fill(7))
const key = (id: Uint8Array): string => Buffer.from(id).toString("hex")

function memoryCache(): NodeCache & { readonly held: Map<string, Bytes> } {
  const held = new Map<string, Bytes>()
  return {
    held,
    get: (id) => held.get(key(id)),
    put(nodes) {
      for (const [id, bytes] of nodes) held.set(key(id), new Uint8Array(bytes))
    },
    keepOnly(ids) {
      const kept = new Set(Array.from(ids, key))
      const gone = [...held.keys()].filter((id) => !kept.has(id))
      for (const id of gone) held.delete(id)
      return gone.length
    },
  }
}

function entry(path: string, mtimeNs: bigint): Entry {
  const owner = { uid: 0, gid: 0, user: "", group: "" }
  const none = {
    linkTarget: null,
    device: null,
    hardLink: null,
    xattrs: [],
    sparse: false,
    capture: "plain" as const,
  }
  const content = { fileClass: 0, chunks: new Uint8Array(0) }
  return { path: path as RawPath, type: "file", mode: 0o644, mtimeNs, size: 0, content, ...owner, ...none }
}

function build(cache: NodeCache, entries: readonly Entry[], old?: OldListing): BuiltListing {
  const builder = listingBuilder({
    cutKey: new Uint8Array(32),
    identify: (node) => hasher.id(node),
    emit: (id, node) => cache.put([[id, node]]),
    old,
  })
  for (const one of entries) builder.put(one)
  return builder.finish()
}

test("trimNodes() keeps exactly the nodes of the newest listing", () => {
  const cache = memoryCache()
  const names = Array.from({ length: 5000 }, (_, i) => `file-${String(i).padStart(4, "0")}`)
  let { root } = build(
    cache,
    names.map((name) => entry(name, 1n)),
  )
  for (let day = 2n; day < 12n; day++) {
    const load = (id: ChunkId): Bytes => cache.get(id) ?? assert.fail("a node of the listing is missing")
    root = build(cache, [entry(names[Number(day) * 300] ?? "", day)], {
      root: root.id,
      level: root.level,
      load,
    }).root
  }
  const before = cache.held.size
  const gone = trimNodes(cache, [root])
  assert.ok(gone >= 20, `${gone} of ${before} nodes went`)
  const fresh = memoryCache()
  const again = names.map((name, i) =>
    entry(name, i % 300 === 0 && i >= 600 && i < 3600 ? BigInt(i / 300) : 1n),
  )
  assert.deepEqual(build(fresh, again).root, root)
  assert.deepEqual([...cache.held.keys()].sort(), [...fresh.held.keys()].sort())
})

test("isTimeToTrim() is true at regular intervals", () => {
  assert.deepEqual([1, 63, 64, 65, 128].map(isTimeToTrim), [false, false, true, false, true])
})

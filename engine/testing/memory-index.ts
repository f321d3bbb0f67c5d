/**
 * The chunk index as plain maps: for tests, and the naive twin of the SQLite index. It takes
 * hundreds of bytes per chunk, so it isn't for large repositories.
 */
import { toHex } from "../base/bytes.ts"
import { CHUNK_ID_BYTES, type Digest } from "../base/ids.ts"
import type { DirectoryFrame, PackRecord } from "../format/pack.ts"
import type { ChunkIndex, ChunkLocation, PackState } from "../chunk-index/chunk-index.ts"
import { type PlacedChunk, placedChunks } from "./example-packs.ts"

interface KnownPack {
  readonly record: PackRecord
  readonly frames: readonly DirectoryFrame[]
  state: PackState
}

export function createMemoryIndex(): ChunkIndex {
  const packs = new Map<Digest, KnownPack>()
  /** By id, in the order added. */
  const places = new Map<string, PlacedChunk[]>()
  const known = (state?: PackState): KnownPack[] => {
    return [...packs.values()].filter((pack) => state === undefined || pack.state === state)
  }
  const livePlace = (id: Uint8Array): PlacedChunk | undefined => {
    return places.get(toHex(id))?.find(({ location }) => packs.get(location.pack.name)?.state === "live")
  }

  return {
    has: (id) => livePlace(id) !== undefined,
    locate: (id) => livePlace(id)?.location,

    locateAll(ids) {
      const places: ChunkLocation[] = []
      for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
        const place = livePlace(ids.subarray(at, at + CHUNK_ID_BYTES))
        if (place === undefined) return undefined
        places.push(place.location)
      }
      return places
    },

    isEmpty: () => known("live").length === 0,
    share: () => ({ file: "", keys: [] }), // no look-up in other threads

    counts() {
      const frames = known("live").flatMap((pack) => pack.frames)
      const chunks = frames.reduce((sum, frame) => sum + frame.lengths.length, 0)
      const condemnedPacks = known("condemned").length
      return { packs: known("live").length, frames: frames.length, chunks, condemnedPacks }
    },

    addPack(record, frames) {
      if (packs.has(record.name)) return
      packs.set(record.name, { record, frames, state: "live" })
      for (const chunk of placedChunks(record, frames)) {
        const others = places.get(toHex(chunk.id))
        if (others === undefined) places.set(toHex(chunk.id), [chunk])
        else others.push(chunk)
      }
    },

    removePack(name) {
      packs.delete(name)
      for (const [id, all] of places) {
        const left = all.filter(({ location }) => location.pack.name !== name)
        if (left.length === 0) places.delete(id)
        else places.set(id, left)
      }
    },

    hasPack: (name) => packs.has(name),
    pack: (name) => packs.get(name)?.record,
    packState: (name) => packs.get(name)?.state,

    setPackState(name, state) {
      const pack = packs.get(name)
      if (pack !== undefined) pack.state = state
      return pack !== undefined
    },

    packs: (state) => known(state).map((pack) => pack.record),
    framesOfPack: (name) => [...(packs.get(name)?.frames ?? [])],
    idsOfPack: (name) => chunksOf(packs.get(name)).map((chunk) => chunk.id),
  }
}

function chunksOf(pack: KnownPack | undefined): PlacedChunk[] {
  return pack === undefined ? [] : [...placedChunks(pack.record, pack.frames)]
}

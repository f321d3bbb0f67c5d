/** `stats`: what lies in the store, by kind, and what the snapshots hold. Two LISTs. */
import { parseName } from "../format/names.ts"
import type { Repository } from "../trust/repository-ports.ts"
import { snapshots } from "./snapshots.ts"

export interface KindStats {
  readonly objects: number
  readonly bytes: number
}

export type StatsKind = "packs" | "index" | "log" | "keys" | "other"

export interface Stats {
  readonly snapshots: number
  readonly objects: number
  readonly storedBytes: number
  /** "other": what is not ours; not counted in `objects` and `storedBytes`. */
  readonly byKind: Readonly<Record<StatsKind, KindStats>>
  /** Chunks that are stored, listings' nodes included. */
  readonly chunks: number
  /** What restoring every snapshot would write. */
  readonly rawBytes: number
}

export async function stats(repository: Repository): Promise<Stats> {
  const all = await snapshots(repository)
  const byKind: Record<StatsKind, { objects: number; bytes: number }> = {
    packs: { objects: 0, bytes: 0 },
    index: { objects: 0, bytes: 0 },
    log: { objects: 0, bytes: 0 },
    keys: { objects: 0, bytes: 0 },
    other: { objects: 0, bytes: 0 },
  }
  for await (const { name, sizeBytes } of repository.store.list("")) {
    const kind = byKind[kindOf(name)]
    kind.objects++
    kind.bytes += sizeBytes
  }
  const ours = [byKind.packs, byKind.index, byKind.log, byKind.keys]
  return {
    snapshots: all.length,
    objects: ours.reduce((sum, { objects }) => sum + objects, 0),
    storedBytes: ours.reduce((sum, { bytes }) => sum + bytes, 0),
    byKind,
    chunks: repository.index.counts().chunks,
    rawBytes: all.reduce((sum, { summary }) => sum + summary.bytes, 0),
  }
}

function kindOf(name: string): StatsKind {
  switch (parseName(name)?.type) {
    case "pack":
      return "packs"
    case "segment":
      return "index"
    case "entry":
    case "trust":
    case "gc":
    case "mirror":
    case "bundle":
      return "log"
    case "repository":
    case "keyslot":
      return "keys"
    case undefined:
      return "other"
  }
}

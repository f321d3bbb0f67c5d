/**
 * One LIST of everything in the store, sorted by kind. Packs are listed after the log, so a pack that a
 * listed entry names was durable before packs were listed (rule W1).
 */
import type { DeviceId, Digest, ObjectName } from "../base/ids.ts"
import { parseName } from "../format/names.ts"
import type { Numbered } from "../format/entry.ts"
import type { Store } from "../store/store.ts"
import type { ChainName, LogNames } from "../log/log-names.ts"
import { isMirrorMark } from "../log/mirror.ts"

export interface Inventory {
  readonly log: LogNames
  readonly keyslots: ReadonlySet<Digest>
  readonly segments: ReadonlySet<Digest>
  /** Sizes in bytes. */
  readonly packs: ReadonlyMap<Digest, number>
  /** Names of unknown kinds. */
  readonly foreign: readonly ObjectName[]
}

export async function takeInventory(store: Store): Promise<Inventory> {
  const trust: Numbered[] = []
  const chains = new Map<DeviceId, ChainName[]>()
  const keyslots = new Set<Digest>()
  const segments = new Set<Digest>()
  const packs = new Map<Digest, number>()
  const foreign: ObjectName[] = []
  let mirror = 0
  let count = 0
  for await (const { name, sizeBytes } of store.list("")) {
    const parsed = parseName(name)
    switch (parsed?.type) {
      case "repository":
        break
      case "keyslot":
        keyslots.add(parsed.digest)
        break
      case "segment":
        segments.add(parsed.digest)
        break
      case "pack":
        packs.set(parsed.digest, sizeBytes)
        break
      case "trust":
        count++
        trust.push({ number: parsed.number, digest: parsed.digest })
        break
      case "entry": {
        count++
        const chain = chains.get(parsed.device) ?? []
        chains.set(parsed.device, chain)
        chain.push({ sequence: parsed.sequence, digest: parsed.digest })
        break
      }
      case "mirror":
        count++
        mirror = parsed.number
        break
      case "gc":
      case "bundle":
      case undefined:
        foreign.push(name)
    }
  }
  return { log: { trust, chains, isMirror: isMirrorMark(mirror), count }, keyslots, segments, packs, foreign }
}

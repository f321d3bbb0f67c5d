/**
 * One LIST of the log, as a table of names: which trust entries there are, and which entries each
 * chain has. Names only; nothing is believed yet. spec/log.md.
 */
import type { DeviceId, Digest } from "../base/ids.ts"
import type { Numbered } from "../format/entry.ts"
import { LOG_PREFIX, parseName } from "../format/names.ts"
import type { Store } from "../store/store.ts"
import { isMirrorMark } from "./mirror.ts"

export interface ChainName {
  readonly sequence: number
  readonly digest: Digest
}

export interface LogNames {
  /** In the order of their numbers; several of one number are siblings, in the order of digests. */
  readonly trust: readonly Numbered[]
  /** Each in the order of sequences. */
  readonly chains: ReadonlyMap<DeviceId, readonly ChainName[]>
  /** Devices must not write: a mirror, that nobody has promoted. spec/copy.md. */
  readonly isMirror: boolean
  /** Names under the log that are none of ours are not counted. */
  readonly count: number
}

export async function listLog(store: Store): Promise<LogNames> {
  const trust: Numbered[] = []
  const chains = new Map<DeviceId, ChainName[]>()
  let mirror = 0
  let count = 0
  for await (const { name } of store.list(LOG_PREFIX)) {
    const parsed = parseName(name)
    if (parsed === undefined) continue
    count++
    if (parsed.type === "mirror") mirror = parsed.number
    if (parsed.type === "trust") trust.push({ number: parsed.number, digest: parsed.digest })
    if (parsed.type !== "entry") continue
    const chain = chains.get(parsed.device)
    const entry = { sequence: parsed.sequence, digest: parsed.digest }
    if (chain === undefined) chains.set(parsed.device, [entry])
    else chain.push(entry)
  }
  return { trust, chains, isMirror: isMirrorMark(mirror), count }
}

export function hasTrust(names: LogNames, { number, digest }: Numbered): boolean {
  return names.trust.some((each) => each.number === number && each.digest === digest)
}

export function hasEntry(names: LogNames, device: DeviceId, entry: ChainName): boolean {
  const chain = names.chains.get(device) ?? []
  return chain.some((each) => each.digest === entry.digest && each.sequence === entry.sequence)
}

/**
 * One LIST of the log as a table of names: the trust entries, and the entries of each chain. These are
 * names only; nothing is verified yet. spec/log.md.
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
  /** Ordered by number. Several of one number are siblings, ordered by digest. */
  readonly trust: readonly Numbered[]
  /** Each ordered by sequence. */
  readonly chains: ReadonlyMap<DeviceId, readonly ChainName[]>
  /** A mirror that was not promoted: devices must not write to it. spec/copy.md. */
  readonly isMirror: boolean
  /** Of all names that parse. */
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

/**
 * The order in which chain entries are copied into a mirror: each after its predecessor in its chain, and
 * after the heads of other chains that it names. A reader of the unfinished mirror sees the repository as it
 * was at some moment. spec/copy.md.
 */
import type { DeviceId } from "../base/ids.ts"
import type { ParsedName } from "../format/names.ts"
import type { Repository } from "../session/repository.ts"

type EntryName = Extract<ParsedName, { type: "entry" }>

export interface CopyError {
  readonly object: string
  readonly message: string
}

/** @param wanted in the order of names. An entry that did not verify ends its chain and is reported. */
export function entriesInOrder<T extends { readonly name: string; readonly parsed: ParsedName }>(
  { log }: Pick<Repository, "log">,
  wanted: readonly T[],
  errors: CopyError[],
): T[] {
  const chains = new Map<DeviceId, T[]>()
  for (const object of wanted) {
    const { device } = object.parsed as EntryName
    const chain = chains.get(device)
    if (chain === undefined) chains.set(device, [object])
    else chain.push(object)
  }
  /** All entries of a chain below this number are in the mirror or ordered before. */
  const next = new Map<DeviceId, number>()
  const sequenceOf = (object: T | undefined): number =>
    (object?.parsed as EntryName | undefined)?.sequence ?? Infinity
  for (const [device, chain] of chains) next.set(device, sequenceOf(chain[0]))

  const ordered: T[] = []
  for (let before = -1; before < ordered.length;) {
    before = ordered.length
    for (const [device, chain] of chains) {
      for (let first = chain[0]; first !== undefined; first = chain[0]) {
        const entry = log.entry((first.parsed as EntryName).digest)
        if (entry === undefined) break
        if (entry.heads.some((head) => (next.get(head.device) ?? Infinity) <= head.sequence)) break
        ordered.push(first)
        chain.shift()
        next.set(device, sequenceOf(chain[0]))
      }
    }
  }
  for (const [first] of chains.values()) {
    if (first !== undefined)
      errors.push({
        object: first.name,
        message: "cannot be verified in the source. It and the entries after it are not copied",
      })
  }
  return ordered
}

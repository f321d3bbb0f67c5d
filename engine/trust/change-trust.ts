/**
 * Writes a change of trust as entry n+1. A LIST after the PUT shows whether another device wrote one at the
 * same time. No lock and no conditional PUT is needed: names have digests, so both entries stay, and one
 * of the two writers merges. spec/log.md, rule T2.
 */
import { equalBytes } from "../base/bytes.ts"
import { EngineError } from "../base/errors.ts"
import type { Random } from "../base/ports.ts"
import type { KeyPair } from "../crypto/keypair.ts"
import { nextTrust, signTrust, type TrustDraft } from "../crypto/trust-change.ts"
import { type OpenedTrust, openTrust, type VerifiedTrust } from "../crypto/trust-state.ts"
import type { Numbered } from "../format/entry.ts"
import { trustName } from "../format/names.ts"
import { listLog, type LogNames } from "../log/log-names.ts"
import { firstOf, isLocalFault, loadTrust, type TrustSource } from "./trust-log.ts"
import {
  applyDifference,
  isNoDifference,
  missingFrom,
  trustDifference,
  type TrustDifference,
} from "./trust-merge.ts"

export interface TrustChange {
  readonly source: TrustSource
  /** X25519 pairs that can open the state. The first belongs to a full slot: only that can sign. */
  readonly members: readonly KeyPair[]
  readonly random: Random
  /** The log when `from` was chosen. */
  readonly names: LogNames
  readonly from: VerifiedTrust
}

export interface ChangedTrust {
  readonly trust: OpenedTrust
  /** The log after the last PUT. */
  readonly names: LogNames
}

/** Two writers need two rounds. More rounds mean that many devices change keys at this moment. */
const ROUNDS_MAX = 12

/** When it resolves, the change is durable and part of the newest state. */
export async function changeTrust(
  change: TrustChange,
  edit: (draft: TrustDraft) => TrustDraft,
): Promise<ChangedTrust> {
  const { source } = change
  const known = new Map<string, VerifiedTrust>([[change.from.digest, change.from]])
  // Siblings of `from` are merged too, in case that their writer died before it could.
  const older = change.names.trust.filter((each) => each.number < change.from.state.number)
  const ignored = new Set<string>(older.map((each) => each.digest))
  const wanted: { difference: TrustDifference; labels: ReadonlyMap<string, string> }[] = []

  let best = openAsAny(change.members, change.from)
  const { root } = best
  let draft = edit(nextTrust(best))
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const written = await write(change, draft)
    known.set(written.digest, written)
    wanted.push(differenceOf(written, best, draft.private.labels))

    const names = await listLog(source.store)
    for (const name of names.trust) {
      if (known.has(name.digest) || ignored.has(name.digest)) continue
      const other = await loadSibling(source, name)
      if (other === undefined) ignored.add(name.digest)
      else {
        known.set(other.digest, other)
        wanted.push(await differenceAgainstPrevious(change, known, other))
      }
    }
    const newest = Math.max(...[...known.values()].map((each) => each.state.number))
    const first = firstOf([...known.values()].filter((each) => each.state.number === newest))
    // The change itself may have removed the slot that opens the root key.
    best = { ...openAsAny(change.members, first as VerifiedTrust), root }
    const missing = wanted.filter((each) => !isNoDifference(missingFrom(best.state, each.difference)))
    draft = nextTrust(best)
    for (const { difference, labels } of missing)
      draft = applyDifference(draft, difference, labels, change.random)
    if (isNoDifference(trustDifference(best.state, draft.state))) return { trust: best, names }
  }
  throw new EngineError(
    "conflict",
    "trust-busy",
    "other devices are changing keys or devices at the same time. Run the command again",
  )
}

function openAsAny(members: readonly KeyPair[], trust: VerifiedTrust): OpenedTrust {
  const boxes = trust.state.epochs.at(-1)?.boxes ?? []
  const member = members.find((pair) => boxes.some((box) => equalBytes(box.to, pair.public)))
  return openTrust(trust, member ?? (members[0] as KeyPair))
}

async function write(change: TrustChange, draft: TrustDraft): Promise<VerifiedTrust> {
  const { bytes, ...written } = signTrust(draft, change.random)
  const name = trustName(written.state.number, written.digest)
  await change.source.store.put(name, bytes)
  change.source.objects.put([[name, bytes]])
  return written
}

/** Undefined for an entry that the root has not signed: anybody who can write to the store can put one. */
async function loadSibling(source: TrustSource, name: Numbered): Promise<VerifiedTrust | undefined> {
  try {
    return await loadTrust(source, name)
  } catch (error) {
    if (isLocalFault(error)) return undefined
    throw error
  }
}

async function differenceAgainstPrevious(
  change: TrustChange,
  known: Map<string, VerifiedTrust>,
  entry: VerifiedTrust,
): Promise<{ difference: TrustDifference; labels: ReadonlyMap<string, string> }> {
  const { previous, number } = entry.state
  let before = previous === null ? undefined : known.get(previous)
  if (before === undefined && previous !== null)
    before = await loadTrust(change.source, { number: number - 1, digest: previous })
  const labels = openAsAny(change.members, entry).private.labels
  return before === undefined
    ? { difference: trustDifference({ devices: [], slots: [] }, entry.state), labels }
    : differenceOf(entry, before, labels)
}

function differenceOf(
  entry: VerifiedTrust,
  before: VerifiedTrust,
  labels: ReadonlyMap<string, string>,
): { difference: TrustDifference; labels: ReadonlyMap<string, string> } {
  return { difference: trustDifference(before.state, entry.state), labels }
}

/**
 * The commit: signs a chain entry, keeps it in the home, puts it, and looks at the log. Before the commit
 * nothing that a run stored is visible; after it everything is. Rules W3 and W6 of spec/ordering.md.
 */
import { EngineError } from "../base/errors.ts"
import { encodeEntryBody } from "../format/entry-body.ts"
import type { Digest } from "../base/ids.ts"
import { PROGRAM } from "../base/version.ts"
import { sealingKeyOfEpoch } from "../crypto/sealed-object.ts"
import { signEntry } from "../crypto/signed-entry.ts"
import type { Entry, PartialEntry, SnapshotEntry } from "../format/entry.ts"
import { entryName } from "../format/names.ts"
import { SALT_BYTES } from "../format/sealed-header.ts"
import { lockChain } from "../home/series-lock.ts"
import { carryAlong, newestBefore } from "./carry.ts"
import { CHAIN_WAIT_MS, look, notEnrolled } from "./look.ts"
import { ownHead, settleOwnChain } from "./own-chain.ts"
import type { Repository } from "./repository.ts"
import type { Device } from "./session.ts"
import { presentEnd } from "../log/sources.ts"
import { type SignedEntry, writeSignedEntry } from "../log/signed-file.ts"
import type { View } from "../log/view.ts"

/** Sending an entry, or a new device id, each takes one. */
const SETTLE_TRIES_MAX = 3

/** Fields that `publish` fills in. */
type Chained =
  | "version"
  | "repository"
  | "device"
  | "sequence"
  | "previous"
  | "heads"
  | "gcSeen"
  | "trust"
  | "program"
  | "rest"
  | "segments"
  | "newest"
  | "parent"

interface DraftCommon {
  /** Segments written for this entry. `publish` adds the chain's live ones. */
  readonly newSegments: readonly Digest[]
  /** Earlier segments whose packs are all in the new ones. */
  readonly superseded?: readonly Digest[]
  /** Packs that the new segments cover. */
  readonly covered?: readonly Digest[]
}

export type SnapshotDraft = Omit<SnapshotEntry, Chained> & DraftCommon
export type PartialDraft = Omit<PartialEntry, Chained> & DraftCommon

export type EntryDraft = SnapshotDraft | PartialDraft

export interface Published {
  /** The snapshot's id. */
  readonly digest: Digest
  readonly sequence: number
  /** From the look after the commit. */
  readonly view: View
}

/**
 * The packs and segments that the draft names must be durable (W1, W2) and in the local index. When this
 * resolves, the entry is durable and visible to every other device.
 */
export async function publish(repository: Repository, draft: EntryDraft): Promise<Published> {
  const { home } = repository
  const { device } = repository.session
  if (device === undefined) throw notEnrolled()
  const lock = await lockChain(home, CHAIN_WAIT_MS)
  let signed: SignedEntry
  try {
    for (let tries = 1; await settleOwnChain(repository); tries++) {
      const { problems } = await look(repository)
      if (tries === SETTLE_TRIES_MAX) throw unsettled(problems)
    }
    const entry = await chained(repository, repository.session.device ?? device, draft)
    signed = sign(repository, repository.session.device ?? device, entry)
    writeSignedEntry(home, signed) // from here on no other entry is ever signed for this sequence
    const name = entryName(signed.device, signed.sequence, signed.digest)
    await repository.store.put(name, signed.bytes)
    repository.objects.put([[name, signed.bytes]])
    for (const digest of draft.newSegments) repository.log.addSegment(digest)
    repository.log.add(signed.digest, entry, true)
  } finally {
    lock.release()
  }
  const view = await look(repository)
  return { digest: signed.digest, sequence: signed.sequence, view }
}

/** The store has the entry that was sent again, but it cannot be read: sending it once more would not help. */
function unsettled(problems: readonly EngineError[]): EngineError {
  const found = problems.find(({ kind }) => kind === "corrupt")
  if (found !== undefined) return found
  return new EngineError(
    "unavailable",
    "unsettled",
    "the store does not list this device's last entry, although it was sent",
  )
}

/** The draft as the entry after the own head, with the heads of all other chains that this device has seen. */
async function chained(repository: Repository, device: Device, draft: EntryDraft): Promise<Entry> {
  const { log } = repository
  const { trust } = repository.session
  const { newSegments, superseded = [], covered = [], ...own } = draft
  const head = ownHead(repository)
  const previous = head === undefined ? undefined : log.entry(head.digest)
  const live = previous?.segments.filter((digest) => !superseded.includes(digest)) ?? []
  const common = {
    version: 0 as const,
    repository: repository.id,
    device: device.id,
    sequence: (head?.sequence ?? 0) + 1,
    previous: head?.digest ?? null,
    heads: log.heads().filter((each) => each.device !== device.id),
    gcSeen: null,
    trust: { number: trust.number, digest: trust.digest },
    program: PROGRAM,
    ...(await carryAlong(repository, head, own.packs, new Set(covered))),
    segments: [...new Set([...live, ...newSegments])],
    newest: newestBefore(previous),
  }
  if (own.type === "partial") return { ...own, ...common }
  return {
    ...own,
    ...common,
    parent: log.newest(own.series, presentEnd(repository.clock.now()))?.digest ?? null,
  }
}

function sign({ id, random, session }: Repository, device: Device, entry: Entry): SignedEntry {
  const { keys } = session
  const place = { repository: id, device: device.id, sequence: entry.sequence }
  const sealing = sealingKeyOfEpoch(keys, keys.epoch, "a new chain entry")
  const { bytes, digest } = signEntry(place, encodeEntryBody(entry), {
    sealing,
    signing: device.signing,
    salt: random.bytes(SALT_BYTES),
  })
  return { device: device.id, sequence: entry.sequence, digest, bytes }
}

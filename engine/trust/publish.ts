/**
 * The commit: a chain entry is signed, kept at home, and put; then the log is looked at. Before it
 * nothing that a run stored can be seen, after it everything can. Rules W3 and W6 of
 * spec/ordering.md.
 */
import type { Digest } from "../base/ids.ts"
import type { PartialEntry, SnapshotEntry } from "../format/entry.ts"
import type { Repository } from "./repository-ports.ts"
import type { View } from "./view.ts"

/** What `publish` knows better than any stage. */
type Chained = "version" | "repository" | "device" | "sequence" | "previous" | "heads" | "gcSeen" | "trust"

interface DraftCommon {
  /** Segments written for this entry. The chain's live ones are carried along by `publish`. */
  readonly newSegments: readonly Digest[]
}

export type SnapshotDraft = Omit<SnapshotEntry, Chained | "program" | "segments"> & DraftCommon
export type PartialDraft = Omit<PartialEntry, Chained | "program" | "segments"> & DraftCommon

export type EntryDraft = SnapshotDraft | PartialDraft

export interface Published {
  /** The snapshot's id. */
  readonly digest: Digest
  readonly sequence: number
  /** What the look after it saw. */
  readonly view: View
}

/**
 * Packs and segments that the draft names must be durable (W1, W2) and in the local index. When this
 * resolves, the entry is durable and every other device sees it.
 */
export async function publish(_repository: Repository, _draft: EntryDraft): Promise<Published> {
  throw new Error("being written")
}

/**
 * What the log says, as far as this device has looked: the snapshots, the heads, and what garbage
 * collection has taken. Answered from the home alone; `look` brings it up to date. spec/log.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { Head, SnapshotEntry } from "../format/entry.ts"

/** A snapshot as its signed manifest has it, and its name. Its packs are in the chunk index. */
export interface SnapshotRecord extends Omit<SnapshotEntry, "packs"> {
  /** SHA-256 of the chain entry: the snapshot's id. */
  readonly digest: Digest
  /** The first eight digits, for people. */
  readonly shortId: string
}

/** All given fields must hold; a snapshot needs every one of `tags`. */
export interface SnapshotFilter {
  readonly series?: string | undefined
  readonly host?: string | undefined
  readonly tags?: readonly string[] | undefined
  /** Raw and absolute: one of the snapshot's own paths, or below one. */
  readonly path?: string | undefined
}

export interface View {
  /** By the snapshots' own time, from whatever device; one dated in the future only if there is no other. */
  newest(series: string): SnapshotRecord | undefined
  /** Whether this snapshot is in an accepted chain. */
  has(snapshot: Digest): boolean
  /** Oldest first. */
  snapshots(filter?: SnapshotFilter): SnapshotRecord[]
  /** Names of all series, sorted. */
  series(): string[]
  /** Whether the entry is a verified one of the log. */
  has(entry: Digest): boolean
  /** The newest accepted entry of every chain, sorted by device; this device's own too. */
  readonly heads: readonly Head[]
  /** Nothing collects garbage before format 1. */
  readonly gc: null
  /** What is damaged in the log and was left aside; with `tolerant`, also what would be an alarm. */
  readonly problems: readonly EngineError[]
  /** When the log was last listed, by this machine's clock; 0 when never. */
  readonly lookedNs: bigint
}

/**
 * The log as of this device's last look: snapshots, series and the newest entry of each chain. All answers
 * come from the home; `look` brings them up to date. spec/log.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { Head, SnapshotEntry } from "../format/entry.ts"

/** A snapshot's signed manifest and its id. Its packs are in the chunk index. */
export interface SnapshotRecord extends Omit<SnapshotEntry, "packs"> {
  /** SHA-256 of the chain entry: the snapshot's id. */
  readonly digest: Digest
  /** The first eight digits of the id, for people. */
  readonly shortId: string
}

/** All given fields must match. A snapshot must have all of `tags`. */
export interface SnapshotFilter {
  readonly series?: string | undefined
  readonly host?: string | undefined
  readonly tags?: readonly string[] | undefined
  /** Raw and absolute: one of the snapshot's paths, or a path below one. */
  readonly path?: string | undefined
}

export interface View {
  /** By the snapshots' own time, from any device. One dated in the future counts only if there is no other. */
  newest(series: string): SnapshotRecord | undefined
  /** Oldest first. */
  snapshots(filter?: SnapshotFilter): SnapshotRecord[]
  /** The names of all series, sorted. */
  series(): string[]
  /** Whether the log has this entry, a snapshot or another one, and it is verified. */
  has(entry: Digest): boolean
  /** The newest accepted entry of every chain, this device's included, sorted by device. */
  readonly heads: readonly Head[]
  /** Nothing collects garbage before format 1. */
  readonly gc: null
  /** Damage in the log, which was skipped; with `tolerant`, alarms too. */
  readonly problems: readonly EngineError[]
  /** When the log was last listed: nanoseconds since 1970 by this machine's clock; 0 if never. */
  readonly lookedNs: bigint
}

/**
 * Packs that are durable in the store and that no entry of this device names yet: where an
 * interrupted run goes on. An entry must name every pending pack that it refers to, whatever series
 * made it, for the index knows their chunks. A cache: when it is lost, the packs are garbage for GC and their content
 * is sent again. spec/home.md.
 */
import type { Bytes } from "../base/bytes.ts"
import type { Digest } from "../base/ids.ts"
import type { PackRecord } from "../format/pack.ts"

export interface PendingPack {
  /** The series whose run made it. */
  readonly series: string
  readonly record: PackRecord
  /** The encoded directory, as it goes into an entry or a segment. */
  readonly directory: Bytes
}

export interface Journal {
  /**
   * After the pack is durable (rule W1), in one transaction with the index's `addPack`, so that no
   * chunk is known whose pack nobody will name. Idempotent.
   */
  add(pack: PendingPack): void

  /** In the order added; of one series, or of all. */
  pending(series?: string): PendingPack[]

  /** After an entry that names them is durable (rule W3), or after they were found missing. */
  settle(names: Iterable<Digest>): void
}

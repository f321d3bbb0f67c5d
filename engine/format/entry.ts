/**
 * A chain entry: what a device says in its log. A snapshot is a manifest; a partial protects the packs of a
 * long run; a fence takes a slot for a garbage collection. entry-body.ts encodes and decodes it;
 * crypto/signed-entry.ts seals and signs it. spec/log-entry.md.
 */
import type { ChunkId, DeviceId, Digest, RawPath, RepositoryId } from "../base/ids.ts"
import type { PackWithDirectory } from "./pack-record.ts"

export type Entry = SnapshotEntry | PartialEntry | FenceEntry

/** The last entry of a chain that the author had seen. */
export interface Head {
  readonly device: DeviceId
  readonly sequence: number
  readonly digest: Digest
}

/** An earlier entry of the same chain. */
export interface EntryPlace {
  readonly sequence: number
  readonly digest: Digest
}

/** A snapshot of the same chain, so that it is found without reading the entries between. */
export interface NewestSnapshot extends EntryPlace {
  readonly series: string
  /** The snapshot's own time. */
  readonly timeNs: bigint
}

/** One entry of a linear log: of trust, or of gc. */
export interface Numbered {
  readonly number: number
  readonly digest: Digest
}

/** A new pack, its directory inline when it is small (the writer's policy). */
export type EntryPack = PackWithDirectory

export interface EntryCommon {
  readonly version: 0
  readonly repository: RepositoryId
  readonly device: DeviceId
  /** From 1, without gaps. */
  readonly sequence: number
  /** Digest of the entry before; null exactly in entry 1. */
  readonly previous: Digest | null
  /** Of all other devices, sorted by device; encoding sorts. */
  readonly heads: readonly Head[]
  readonly gcSeen: Numbered | null
  readonly trust: Numbered
  readonly timeNs: bigint
  /** Name and version of the program that wrote this. */
  readonly program: string
  /** What this entry makes known, and what it carries along of earlier ones; sorted by name, encoding sorts. */
  readonly packs: readonly EntryPack[]
  /**
   * The earlier entries whose packs, with those here, are all that this chain made known and that no
   * segment of it covers; ascending.
   */
  readonly rest: readonly EntryPlace[]
  /** All live segments of this chain, those added here included; a sorted set, encoding sorts. */
  readonly segments: readonly Digest[]
  /**
   * Of each series the newest snapshot, by its own time, among the earlier entries of this chain; sorted
   * by series, encoding sorts. Null when there are too many to tell.
   */
  readonly newest: readonly NewestSnapshot[] | null
}

export interface SnapshotSummary {
  readonly filesNew: number
  readonly filesChanged: number
  readonly filesUnmodified: number
  readonly dirsNew: number
  readonly dirsChanged: number
  readonly dirsUnmodified: number
  readonly files: number
  readonly dirs: number
  /** Of all files' contents. */
  readonly bytes: number
  /** Raw bytes that were new, and what they took in packs. */
  readonly dataAdded: number
  readonly dataAddedPacked: number
}

export interface SkippedPath {
  readonly path: RawPath
  readonly reason: string
}

export interface SnapshotFields {
  readonly series: string
  /** The snapshot that this one follows in its series, from whatever device. */
  readonly parent: Digest | null
  readonly host: string
  readonly user: string
  /** Absolute, as the file system has them. */
  readonly paths: readonly RawPath[]
  /** A sorted set; encoding sorts. */
  readonly tags: readonly string[]
  readonly trigger: string
  readonly startedNs: bigint
  readonly root: { readonly id: ChunkId; readonly level: number }
  readonly summary: SnapshotSummary
  /** The first hundred; `skippedCount` counts all. */
  readonly skipped: readonly SkippedPath[]
  readonly skippedCount: number
  readonly options: Readonly<Record<string, string>>
  /** The snapshot is of one entry, not of a folder. */
  readonly single: boolean
}

export interface SnapshotEntry extends EntryCommon, SnapshotFields {
  readonly type: "snapshot"
}

export interface PartialEntry extends EntryCommon {
  readonly type: "partial"
  readonly series: string
}

export interface FenceEntry extends EntryCommon {
  readonly type: "fence"
  /** The condemn entry that this slot is held for. */
  readonly gc: Numbered
}

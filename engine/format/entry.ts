/**
 * A chain entry: what a device says in its log. A snapshot is a manifest; a partial protects the packs of a
 * long run; a fence takes a slot for a garbage collection. entry-body.ts encodes and decodes it;
 * crypto/signed-entry.ts seals and signs it. spec/log-entry.md.
 */
import type { ChunkId, DeviceId, Digest, RawPath, RepositoryId } from "../base/ids.ts"
import type { PackWithDirectory } from "./pack-record.ts"

export type Entry = SnapshotEntry | PartialEntry | FenceEntry

/** The last entry of another chain that the author had seen. */
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

/** A snapshot of the same chain. Readers find it without the entries between. */
export interface NewestSnapshot extends EntryPlace {
  readonly series: string
  /** The snapshot's own time. */
  readonly timeNs: bigint
}

/** One entry of a linear log: of trust or of gc. */
export interface Numbered {
  readonly number: number
  readonly digest: Digest
}

/** A new pack. The writer includes its directory if it is small. */
export type EntryPack = PackWithDirectory

export interface EntryCommon {
  readonly version: 0
  readonly repository: RepositoryId
  readonly device: DeviceId
  /** From 1, without gaps. */
  readonly sequence: number
  /** Digest of the entry before; null only in entry 1. */
  readonly previous: Digest | null
  /** Of all other devices, sorted by device; encoding sorts. */
  readonly heads: readonly Head[]
  readonly gcSeen: Numbered | null
  readonly trust: Numbered
  readonly timeNs: bigint
  /** Name and version of the program that wrote this entry. */
  readonly program: string
  /**
   * Packs that this entry makes known, and packs repeated from earlier entries. Sorted by name;
   * encoding sorts.
   */
  readonly packs: readonly EntryPack[]
  /**
   * Earlier entries whose packs, with those here, are all packs of this chain that no segment of it
   * covers. Ascending.
   */
  readonly rest: readonly EntryPlace[]
  /** All live segments of this chain, including those added here. A sorted set; encoding sorts. */
  readonly segments: readonly Digest[]
  /**
   * The newest snapshot of each series, by its own time, among the earlier entries of this chain.
   * Sorted by series; encoding sorts. Null if there are too many.
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
  /** New raw bytes, and their size in packs. */
  readonly dataAdded: number
  readonly dataAddedPacked: number
}

export interface SkippedPath {
  readonly path: RawPath
  readonly reason: string
}

/**
 * Why a snapshot is no ordinary one: much of the source had vanished, or a restore was about to begin. Null for an
 * ordinary one. `latest` skips flagged snapshots.
 */
export type SnapshotFlag = "suspected-wipe" | "pre-restore" | null

export interface SnapshotFields {
  readonly series: string
  /** The previous snapshot of the series, from any device. */
  readonly parent: Digest | null
  readonly host: string
  readonly user: string
  /** Absolute, as the file system names them. */
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
  readonly flag: SnapshotFlag
  /** A flagged snapshot of the series that this one declares good. */
  readonly accepts: Digest | null
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
  /** The condemn entry that reserves this slot. */
  readonly gc: Numbered
}

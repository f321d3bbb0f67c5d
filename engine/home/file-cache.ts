/**
 * What the last complete run of one series saw of one source: a record per directory, to be compared
 * with fresh `lstat` results (rule W8), so that unchanged files are not read. A cache: without it
 * every file is read once more and nothing new is stored. spec/home.md; the record's bytes are
 * `directory-record.ts`.
 */
import type { ChunkId, Digest, RawPath } from "../base/ids.ts"

/** The snapshot that the records describe. Its listing must still be reachable for them to count. */
export interface FileCacheBase {
  readonly root: ChunkId
  readonly level: number
  /** Digest of the chain entry. */
  readonly snapshot: Digest
}

export interface FileCache {
  base(): FileCacheBase | undefined

  /** The record of a directory, "" for the root; undefined when it was not there, or is damaged. */
  directory(path: RawPath): Uint8Array | undefined

  /**
   * Puts the cache at a new base in one transaction: `changed` replaces records, and null removes a
   * folder's with those of all folders below it; the others stay. A crash leaves the old base with the old records, or the new with the new.
   */
  replace(base: FileCacheBase, changed: Iterable<readonly [RawPath, Uint8Array | null]>): void

  /** Forgets the base and all records. */
  clear(): void
}

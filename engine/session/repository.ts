/**
 * An open repository, which every stage takes: ports that stay as they were opened, and a session, which
 * changes. It has no methods that do work; the stages are functions of it. assemble-repository.ts puts it
 * together and is the one place that names adapters. spec/ordering.md.
 */
import type { Clock, Random } from "../base/ports.ts"
import type { Digest, RepositoryId } from "../base/ids.ts"
import type { RepositoryRecord } from "../format/repository-record.ts"
import type { CaptureRecords } from "../home/capture-records.ts"
import type { FileCache, FileCacheBase } from "../home/file-cache.ts"
import type { Journal } from "../home/journal.ts"
import type { NodeCache } from "../home/node-cache.ts"
import type { ObjectCache } from "../home/object-cache.ts"
import type { RepositoryHome } from "../home/home.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import type { Store } from "../store/store.ts"
import type { Requests } from "../store/wrappers/metered-store.ts"
import type { Secret } from "../trust/unlock.ts"
import type { LogTable } from "../log/log-table.ts"
import type { Session } from "./session.ts"

/** What stays the same as long as the repository is open. */
export interface Ports {
  readonly id: RepositoryId
  /** SHA-256 of the object `repository`. */
  readonly digest: Digest
  /** That object: the root's public key, the chunking parameters. */
  readonly record: RepositoryRecord
  /** The store's location for people, without secrets. */
  readonly location: string
  /** Metered and retried. */
  readonly store: Store
  /** Since this repository was opened. */
  requests(): Requests

  readonly home: RepositoryHome
  readonly index: ChunkIndex
  readonly objects: ObjectCache
  /** Listing nodes of a series: the next run need not fetch them. */
  nodeCache(series: string): NodeCache
  readonly journal: Journal
  readonly log: LogTable
  fileCache(series: string, source: string): FileCache
  /** Of all sources of the series. */
  fileCacheBases(series: string): FileCacheBase[]
  captureRecords(series: string, source: string): CaptureRecords
  /** Writes all that `run` writes to index, journal and caches, or nothing. */
  atomically<T>(run: () => T): T
  /**
   * The same repository and session over the state database opened again; a database that was found
   * damaged is rebuilt. The caller closes it.
   */
  renewed(): Repository

  readonly clock: Clock
  readonly random: Random

  /** Called only if this device must be enrolled again. Undefined if nobody can answer. */
  askSecret(): Promise<Secret | undefined>
  close(): void
}

export interface Repository extends Ports {
  /** What changes meanwhile, by the functions of session.ts alone. */
  readonly session: Session
}

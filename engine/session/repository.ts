/**
 * An open repository: a record of ports and of what this device knows, handed to every stage. It has
 * no methods that do work; the stages are functions that take it. Put together in
 * engine/session/assemble-repository.ts, the one place that names adapters. spec/ordering.md.
 */
import type { EngineError } from "../base/errors.ts"
import type { Clock, Random } from "../base/ports.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import type { KeyPair } from "../crypto/keypair.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import type { RepositoryRecord } from "../format/repository-record.ts"
import type { TrustState } from "../format/trust-entry.ts"
import type { FileCache, FileCacheBase } from "../home/file-cache.ts"
import type { Journal } from "../home/journal.ts"
import type { NodeCache } from "../home/node-cache.ts"
import type { ObjectCache } from "../home/object-cache.ts"
import type { Pins } from "../home/pins.ts"
import type { RepositoryHome } from "../home/home.ts"
import type { ChunkIndex } from "../chunk-index/chunk-index.ts"
import type { Store } from "../store/store.ts"
import type { Secret } from "../trust/secret.ts"
import type { LogNames } from "../log/log-names.ts"
import type { LogTable } from "../log/log-table.ts"

/** What the store was asked for since this repository was opened; what a provider bills. */
export interface Requests {
  readonly put: number
  readonly get: number
  readonly head: number
  readonly list: number
  readonly delete: number
  readonly bytesUp: number
  readonly bytesDown: number
}

/** The newest trust entry that this device has accepted. */
export interface Trust {
  readonly number: number
  readonly digest: Digest
  readonly state: TrustState
  /** What people call devices and slots; by their ids. */
  readonly labels: ReadonlyMap<string, string>
}

/** This device's identity, from its home. */
export interface Device {
  readonly id: DeviceId
  readonly signing: KeyPair
  readonly sealing: KeyPair
}

export interface Repository {
  readonly id: RepositoryId
  /** SHA-256 of the object `repository`. */
  readonly digest: Digest
  /** That object: the root's public key, the chunking parameters. */
  readonly record: RepositoryRecord
  /** What a person calls the store, without secrets. */
  readonly location: string
  /** Metered and retried. */
  readonly store: Store
  requests(): Requests

  readonly home: RepositoryHome
  readonly index: ChunkIndex
  readonly objects: ObjectCache
  /** Listing nodes of a series, so that the next run need not fetch them. */
  nodeCache(series: string): NodeCache
  readonly journal: Journal
  readonly log: LogTable
  fileCache(series: string, source: string): FileCache
  /** Of all sources of the series. */
  fileCacheBases(series: string): FileCacheBase[]
  /** All of what `run` writes to index, journal and caches, or nothing of it. */
  atomically<T>(run: () => T): T
  /** The same with the state database opened again, which makes one that was found damaged anew. Closed by itself. */
  renewed(): Repository

  readonly clock: Clock
  readonly random: Random

  /** A look may bring newer ones: read them when they are used, never keep them. */
  keys: RepositoryKeys
  trust: Trust
  /** A newer state, which does not seal its keys to this member: revoked, or lost between two changes. */
  excludedBy: TrustState | undefined
  /** Undefined when a secret alone opened the repository, for reading. */
  device: Device | undefined
  /** The device's sealing pair, or the keyslot's: opens what the trust state seals to it. */
  member: KeyPair
  pins: Pins
  /** The log as it was listed while opening, and when: a look that follows at once takes it. */
  listed: { readonly names: LogNames; readonly atNs: bigint } | undefined
  /** Asked only when this device has to be enrolled anew; undefined when nobody can answer. */
  askSecret(): Promise<Secret | undefined>

  /** This run made this device known to the repository. */
  enrolled: boolean
  /** For the person at the end of the run. */
  readonly warnings: string[]
  /** Damage that a reading verb went on beside: its answer may be incomplete. */
  readonly unread: EngineError[]
  /** Of verbs that went on in spite of them (rule R1): the run must not end as if nothing were wrong. */
  readonly alarms: EngineError[]
  close(): void
}

/**
 * Puts a `Repository` together from a store, the home's state database, and the trust that opening has
 * verified. This is the only file that names adapters. repository.ts says what each part promises.
 */
import { randomBytes } from "node:crypto"
import type { Clock, Random } from "../base/ports.ts"
import { chunkHasher, chunkIdKey, type ChunkHasher } from "../crypto/chunk-id.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import type { KeyPair } from "../crypto/keypair.ts"
import type { OpenedTrust } from "../crypto/trust-state.ts"
import type { RepositoryHome } from "../home/home.ts"
import { type Identify, type NodeCache, openNodeCache } from "../home/node-cache.ts"
import { openObjectCache } from "../home/object-cache.ts"
import { openCaptureRecords } from "../home/capture-records.ts"
import { fileCacheBases, openFileCache } from "../home/file-cache.ts"
import { openJournal } from "../home/journal.ts"
import { openStateDatabase, type StateDatabase } from "../home/state-database.ts"
import { openChunkIndex } from "../chunk-index/sqlite-index.ts"
import {
  type MeteredStore,
  type Traffic,
  requestsIn,
  requestsSince,
} from "../store/wrappers/metered-store.ts"
import { guardPuts } from "../store/open-store.ts"
import type { LogNames } from "../log/log-names.ts"
import { openLogTable } from "../log/log-table.ts"
import type { FoundRepository } from "./open-trust.ts"
import type { Ports, Repository } from "./repository.ts"
import { type Device, startSession } from "./session.ts"
import type { Secret } from "../trust/unlock.ts"

export interface OpeningPorts {
  readonly store: MeteredStore
  /** The store's counts when opening began. */
  readonly start: Traffic
  readonly clock: Clock
  readonly random: Random
  askSecret(): Promise<Secret | undefined>
}

/** What opening found. */
export interface Parts {
  readonly home: RepositoryHome
  readonly state: LocalState
  readonly found: FoundRepository
  readonly opened: OpenedTrust
  readonly member: KeyPair
  readonly device: Device | undefined
  readonly listed: LogNames | undefined
  /** Opening enrolled the device. */
  readonly enrolled?: boolean
}

export const SYSTEM_RANDOM: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

export function assembleRepository(ports: OpeningPorts, parts: Parts): Repository {
  const { store, start, clock, random } = ports
  const { home, found, opened, device, member, listed: names, enrolled = false } = parts
  guardPuts(store, opened.state.store)
  const identify = identifier(opened.keys)
  const { recreated, ...state } = parts.state
  return {
    ...statePorts(state, identify),
    renewed() {
      const { recreated: _, ...anew } = openLocalState(home)
      return { ...this, ...statePorts(anew, identify) }
    },
    id: found.id,
    digest: found.digest,
    record: found.record,
    location: store.location,
    store,
    requests: () => requestsSince(requestsIn(start), requestsIn(store.traffic())),
    home,
    clock,
    random,
    askSecret: () => ports.askSecret(),
    session: startSession({
      opened,
      home,
      device,
      member,
      listed: names === undefined ? undefined : { names, atNs: clock.now() },
      enrolled,
      warnings: recreated === undefined ? [] : [RECREATED[recreated]],
    }),
  }
}

function statePorts(state: Omit<LocalState, "recreated">, identify: Identify): StatePorts {
  return { ...state, nodeCache: (series) => state.nodeCache(series, identify) }
}

/** Ids of listing nodes. The chunk key is the same in all epochs. */
function identifier({ chunkKey, repository }: RepositoryKeys): Identify {
  let hasher: ChunkHasher | undefined
  return (node) => (hasher ??= chunkHasher(chunkIdKey(chunkKey, repository, "listing"))).id(node)
}

const RECREATED: Readonly<Record<NonNullable<StateDatabase["recreated"]>, string>> = {
  damaged: "the local index and caches were damaged; rebuilding them from the repository",
  foreign: "the local index file belonged to another program; rebuilding it from the repository",
  "other-version":
    "the local index and caches were written by another version; rebuilding them from the repository",
}

type StatePorts = Pick<Ports, "nodeCache"> & Omit<LocalState, "recreated" | "nodeCache">

/** Index, caches and journal, in one database file. */
export interface LocalState extends Pick<
  Ports,
  | "index"
  | "objects"
  | "journal"
  | "log"
  | "fileCache"
  | "fileCacheBases"
  | "captureRecords"
  | "atomically"
  | "close"
> {
  readonly recreated: StateDatabase["recreated"]
  nodeCache(series: string, identify: Identify): NodeCache
}

export function openLocalState(home: RepositoryHome): LocalState {
  const file = openStateDatabase(home)
  const { database, recreated } = file
  return {
    recreated,
    close: () => file.close(),
    atomically: (run) => file.atomically(run),
    index: openChunkIndex(database),
    objects: openObjectCache(database),
    journal: openJournal(database),
    log: openLogTable(database),
    nodeCache: (series, identify) => openNodeCache(database, series, identify),
    fileCache: (series, source) => openFileCache(database, series, source),
    captureRecords: (series, source) => openCaptureRecords(database, series, source),
    fileCacheBases: (series) => fileCacheBases(database, series),
  }
}

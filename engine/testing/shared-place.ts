/**
 * One store in memory shared by several homes, for tests of trust, looks and commits. Each home is
 * a device. Secrets are raw keys, which need no derivation. Snapshots are small and empty.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { TestContext } from "node:test"
import type { Bytes } from "../base/bytes.ts"
import type { ChunkId, ObjectName } from "../base/ids.ts"
import type { Clock, Random } from "../base/ports.ts"
import { findHome, type Home } from "../home/home.ts"
import { openRepository, type OpenRequest } from "../session/open-repository.ts"
import { createRepository } from "../session/create-repository.ts"
import { memoryStore } from "./memory-store.ts"
import type { Store } from "../store/store.ts"
import { publish, type Published, type SnapshotDraft } from "../session/publish.ts"
import type { Repository } from "../session/repository.ts"
import type { Secret } from "../trust/unlock.ts"
import { seededRandom } from "./seeded-random.ts"

export interface SharedPlace {
  readonly objects: Map<ObjectName, Bytes>
  readonly secret: Secret
  readonly random: Random
  /** Returns a new empty home. */
  home(): Home
  /** Returns a new client. `wrap` may make it faulty. */
  store(wrap?: (store: Store) => Store): Store
  /** Creates the repository, with its home as a device. */
  create(home?: Home): Promise<{ repository: Repository; home: Home; recoveryWords: string }>
  /** Opens it with the key, for writing unless the request says otherwise. */
  open(home: Home, request?: Partial<OpenRequest>): Promise<Repository>
  /** Returns names in the store with this prefix. */
  names(prefix: string): ObjectName[]
}

export function sharedPlace(t: TestContext, seed = "place"): SharedPlace {
  const objects = new Map<ObjectName, Bytes>()
  const random = seededRandom(seed)
  const secret: Secret = { kind: "key", bytes: random.bytes(32) }
  const clock = steppingClock()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-place-"))
  const opened: Repository[] = []
  t.after(() => {
    for (const repository of opened) repository.close()
    fs.rmSync(folder, { recursive: true, force: true })
  })
  let homes = 0
  const home = (): Home => findHome({ HOLDFAST_HOME: path.join(folder, `home-${homes++}`) })
  const store = (wrap: (store: Store) => Store = (inner) => inner): Store => wrap(memoryStore(objects))
  return {
    objects,
    secret,
    random,
    home,
    store,
    names: (prefix) => [...objects.keys()].filter((name) => name.startsWith(prefix)).toSorted(),
    async create(own = home()) {
      const request = { store: store(), home: own, secrets: [secret], label: "first", clock, random }
      const { repository, recoveryWords } = await createRepository(request)
      opened.push(repository)
      return { repository, home: own, recoveryWords }
    },
    async open(own, request = {}) {
      const base = { store: store(), home: own, secret, write: true, label: "another", clock, random }
      const repository = await openRepository({ ...base, ...request })
      opened.push(repository)
      return repository
    },
  }
}

/** A second later at each call. */
function steppingClock(): Clock {
  let now = 1_800_000_000_000_000_000n
  return { now: () => (now += 1_000_000_000n) }
}

/** A snapshot of nothing, for entries whose content doesn't matter. */
export function emptyDraft(series = "notes", changes: Partial<SnapshotDraft> = {}): SnapshotDraft {
  return {
    type: "snapshot",
    timeNs: 1_800_000_000_000_000_000n,
    packs: [],
    newSegments: [],
    series,
    host: "machine",
    user: "somebody",
    paths: [],
    tags: [],
    trigger: "manual",
    startedNs: 1_800_000_000_000_000_000n,
    root: { id: new Uint8Array(32) as ChunkId, level: 0 },
    summary: {
      filesNew: 0,
      filesChanged: 0,
      filesUnmodified: 0,
      dirsNew: 0,
      dirsChanged: 0,
      dirsUnmodified: 0,
      files: 0,
      dirs: 0,
      bytes: 0,
      dataAdded: 0,
      dataAddedPacked: 0,
    },
    skipped: [],
    skippedCount: 0,
    options: {},
    single: false,
    flag: null,
    accepts: null,
    ...changes,
  }
}

/** Publishes an empty snapshot at the repository's next second. */
export async function publishEmpty(repository: Repository, series = "notes"): Promise<Published> {
  return await publish(repository, emptyDraft(series, { timeNs: repository.clock.now() }))
}

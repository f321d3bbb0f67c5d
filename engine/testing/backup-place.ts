/**
 * A repository, a home and folders for tests of whole backups and restores, with real parts. The
 * store is in memory by default. The clock is ten seconds ahead, so new files are old enough to be
 * trusted (rule W8). Everything is removed when the test ends.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { Writable } from "node:stream"
import type { TestContext } from "node:test"
import { differences, pictureOf, showDifferences, type Picture } from "../../fixtures/picture.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName, RawPath } from "../base/ids.ts"
import type { Clock } from "../base/ports.ts"
import {
  backup,
  createRepository,
  dump,
  findSnapshot,
  openHome,
  openRepository,
  restore,
  type BackupObserver,
  type BackupRequest,
  type BackupResult,
  type DumpRequest,
  type Home,
  type Repository,
  type RestoreRequest,
  type RestoreResult,
  type Store,
} from "../index.ts"
import { memoryStore } from "./memory-store.ts"
import { localStore } from "../store/folder/local-store.ts"

export interface BackupPlace {
  /** For this test only. */
  readonly folder: string
  /** The memory store's objects. */
  readonly objects: Map<ObjectName, Bytes>
  readonly clock: Clock & { aheadNs: bigint }
  readonly home: Home
  /** Opened by the home's first device. */
  readonly repository: Repository
  newHome(): Home
  /** Returns a client of the store. `wrap` may make it faulty. */
  store(wrap?: (store: Store) => Store): Store
  /** Opens the repository, with the key if the home is new. Closed with the place. */
  open(home?: Home, store?: Store, write?: boolean): Promise<Repository>
  /** Closes everything that was opened and removes the folder. Also called when the test ends. */
  close(): void
}

const KEY = { kind: "key" as const, bytes: new Uint8Array(32).fill(7) }

export interface PlaceOptions {
  /** Use a folder as the store instead of memory. */
  readonly local?: boolean
  /** Any empty store. */
  readonly adapter?: Store
}

export async function backupPlace(
  t: TestContext,
  { local = false, adapter }: PlaceOptions = {},
): Promise<BackupPlace> {
  const folder = fs.mkdtempSync(path.join(fastFolder(), "holdfast-backup-"))
  const objects = new Map<ObjectName, Bytes>()
  const opened: Repository[] = []
  const close = (): void => {
    for (const repository of opened.splice(0)) repository.close()
    objects.clear()
    fs.rmSync(folder, { recursive: true, force: true })
  }
  t.after(close)
  const clock = {
    aheadNs: 10_000_000_000n,
    now: () => BigInt(Date.now()) * 1_000_000n + clock.aheadNs,
  }
  const inner = (): Store =>
    adapter ?? (local ? localStore(path.join(folder, "repository")) : memoryStore(objects))
  const store: BackupPlace["store"] = (wrap = (each) => each) => wrap(inner())
  let homes = 0
  const newHome = (): Home => openHome({ directory: path.join(folder, `home-${homes++}`), environment: {} })
  const home = newHome()
  const { repository } = await createRepository({
    store: store(),
    home,
    secrets: [KEY],
    label: "first",
    clock,
  })
  opened.push(repository)
  return {
    folder,
    objects,
    clock,
    home,
    repository,
    newHome,
    store,
    close,
    async open(from = home, through = store(), write = true) {
      const again = await openRepository({
        store: through,
        home: from,
        secret: KEY,
        write,
        label: "other",
        clock,
      })
      opened.push(again)
      return again
    },
  }
}

/** Returns a folder in memory if the machine has one: these tests create a hundred thousand files. */
export function fastFolder(): string {
  return process.env["TMPDIR"] === undefined && fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir()
}

/** All paths in a folder, sorted. */
export function names(root: string): string[] {
  return fs.readdirSync(root, { recursive: true, encoding: "utf8" }).toSorted()
}

export interface Saved extends BackupResult {
  /** The source's current snapshot: the new one, or the parent if nothing changed. */
  readonly at: string
}

/** Backs up one folder in a series named after it. */
export async function save(
  repository: Repository,
  source: string,
  changes: Partial<BackupRequest> = {},
  observe?: BackupObserver,
): Promise<Saved> {
  const request = { paths: [source as RawPath], cwd: "/", host: "machine", user: "somebody", ...changes }
  const result = await backup(repository, request, observe)
  return { ...result, at: result.snapshotId ?? result.parentId ?? "" }
}

/** Restores a whole snapshot, with everything that root may set. */
export async function restoreTo(
  repository: Repository,
  id: string,
  target: string,
  changes: Partial<RestoreRequest> = {},
): Promise<RestoreResult> {
  const { snapshot } = await findSnapshot(repository, id)
  return await restore(repository, {
    snapshot,
    target,
    setuid: true,
    special: true,
    sync: "none",
    ...changes,
  })
}

/** Returns what `dump` writes for a path of the newest snapshot. */
export async function dumped(
  { repository }: BackupPlace,
  at: string,
  archive?: DumpRequest["archive"],
): Promise<Buffer> {
  const parts: Buffer[] = []
  const out = new Writable({
    write(bytes: Uint8Array, _encoding, done) {
      parts.push(Buffer.from(bytes)) // a copy, since the bytes are reused
      done()
    },
  })
  const { snapshot } = await findSnapshot(repository, "latest")
  await dump(repository, snapshot, at as RawPath, { out, archive })
  return Buffer.concat(parts)
}

/** @throws an error with the first differences */
export function assertPicture(
  found: Picture | string,
  expected: Picture,
  what = "the restored folder",
): void {
  const differing = differences(expected, typeof found === "string" ? pictureOf(found) : found)
  if (differing.length > 0) throw new Error(`${what}: ${showDifferences(differing)}`)
}

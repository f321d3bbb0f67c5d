/**
 * One backup or restore in its own process, for tests that kill it. Its argument is a JSON plan. It
 * can kill itself before or after its k-th store call; otherwise the test may kill it at any time.
 * It prints the result as one JSON line. Only tests start it.
 */
import { writeSync } from "node:fs"
import {
  backup,
  findSnapshot,
  openHome,
  openRepository,
  restore,
  type RawPath,
  type Repository,
  type Store,
} from "../index.ts"
import { localStore } from "../store/folder/local-store.ts"

export interface ChildPlan {
  readonly action: "backup" | "restore"
  readonly home: string
  readonly repository: string
  /** The source of a backup or the target of a restore. */
  readonly folder: string
  readonly snapshot?: string
  /** Number of the store call at which it dies, from 0. */
  readonly dieAt?: number
  readonly dieAfter?: boolean
}

export interface ChildResult {
  readonly snapshotId: string | null
  readonly errors: number
  readonly calls: number
  readonly bytesUp: number
  /** Peak memory of all threads together, in bytes. */
  readonly peakBytes: number
}

export const CHILD_KEY: Uint8Array<ArrayBuffer> = new Uint8Array(32).fill(7)

if (process.argv[2] !== undefined) await run(JSON.parse(process.argv[2]) as ChildPlan)

async function run(plan: ChildPlan): Promise<void> {
  const calls = { count: 0 }
  const store = mortal(localStore(plan.repository), plan, calls)
  const home = openHome({ directory: plan.home, environment: {} })
  const secret = { kind: "key" as const, bytes: CHILD_KEY }
  const repository = await openRepository({ store, home, secret, write: plan.action === "backup" })
  const { snapshotId, errors } = await (plan.action === "backup"
    ? save(repository, plan)
    : bringBack(repository, plan))
  const { bytesUp } = repository.requests()
  const peakBytes = process.resourceUsage().maxRSS * 1024
  repository.close()
  const result: ChildResult = { snapshotId, errors, calls: calls.count, bytesUp, peakBytes }
  writeSync(1, `${JSON.stringify(result)}\n`)
}

type Done = Pick<ChildResult, "snapshotId" | "errors">

async function save(repository: Repository, { folder }: ChildPlan): Promise<Done> {
  const request = {
    paths: [folder as RawPath],
    cwd: "/",
    host: "machine",
    user: "somebody",
    series: "source",
  }
  const { snapshotId, errors } = await backup(repository, request)
  return { snapshotId, errors: errors.length }
}

async function bringBack(repository: Repository, { folder, snapshot }: ChildPlan): Promise<Done> {
  const found = await findSnapshot(repository, snapshot ?? "latest")
  const { errors } = await restore(repository, {
    snapshot: found.snapshot,
    target: folder,
    setuid: true,
    special: true,
  })
  return { snapshotId: found.snapshot.id, errors: errors.length }
}

function mortal(store: Store, { dieAt, dieAfter = false }: ChildPlan, calls: { count: number }): Store {
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    const isLast = calls.count++ === dieAt
    if (isLast && !dieAfter) process.kill(process.pid, "SIGKILL")
    const result = await call()
    if (isLast) process.kill(process.pid, "SIGKILL")
    return result
  }
  return {
    location: store.location,
    folder: store.folder,
    put: (name, bytes) => around(() => store.put(name, bytes)),
    get: (name, range) => around(() => store.get(name, range)),
    remove: (name) => around(() => store.remove(name)),
    async *list(prefix) {
      yield* await around(async () => {
        const objects = []
        for await (const object of store.list(prefix)) objects.push(object)
        return objects
      })
    },
  }
}

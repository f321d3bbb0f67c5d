/**
 * Compares a snapshot with the disk in its own process, for tests in which it might wait or read forever.
 * Its argument is a JSON plan; it prints the differences as one JSON line. Only tests start it.
 */
import { localStore } from "../store/folder/local-store.ts"
import { diffWithDisk, findSnapshot, openHome, openRepository, type RawPath } from "../index.ts"

export interface DiffPlan {
  readonly home: string
  readonly repository: string
  /** The selection in the snapshot's options. */
  readonly selection: object
  readonly folder?: string
  readonly within?: string
}

const plan = JSON.parse(process.argv[2] as string) as DiffPlan
const repository = await openRepository({
  store: localStore(plan.repository),
  home: openHome({ directory: plan.home, environment: {} }),
  secret: { kind: "key", bytes: new Uint8Array(32).fill(7) },
  write: false,
})
const { snapshot } = await findSnapshot(repository, "latest", { series: "source" })
const forged = { ...snapshot, options: { ...snapshot.options, selection: JSON.stringify(plan.selection) } }
const found: Record<string, string> = {}
const { folder, within = "" } = plan
for await (const { path, change } of diffWithDisk(repository, forged, { folder, within: within as RawPath }))
  found[path] = change
repository.close()
console.log(JSON.stringify(found))

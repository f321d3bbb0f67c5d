/**
 * `check --read-data`: packs are fetched whole, a few at a time, and opened by threads. What is found
 * goes to the findings; rows of the index that rotted are put right. spec/check.md.
 */
import type { Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import type { Digest } from "../base/ids.ts"
import { packName } from "../format/names.ts"
import type { Repository } from "../session/repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"
import type { PackVerdict } from "./check-pack.ts"
import { inlineCheckPool, threadCheckPool, type CheckPool } from "./check-pool.ts"
import type { CheckObserver, Subset } from "./check-request.ts"
import { drawPacks } from "./draw-packs.ts"
import type { Findings } from "./findings.ts"
import type { Inventory } from "./inventory.ts"
import type { NamedPack, NamedPacks } from "./named-packs.ts"

/** 16 MiB each. */
const PACKS_AT_ONCE = 6
/** Up to this much is opened by the main thread: starting threads would take longer. */
const INLINE_BYTES_MAX = 8 * 1024 * 1024

export interface Reading {
  readonly repository: Repository
  readonly inventory: Inventory
  readonly named: NamedPacks
  readonly findings: Findings
  /** Which packs are read. */
  readonly subset: Subset
  readonly observe: CheckObserver
}

/** Gives how many were read. */
export async function readPacks(reading: Reading): Promise<number> {
  const { repository, inventory, subset, observe } = reading
  const names = drawPacks(inventory.packs, subset, repository.random)
  const bytesTotal = names.reduce((sum, name) => sum + (inventory.packs.get(name) ?? 0), 0)
  const pool =
    bytesTotal <= INLINE_BYTES_MAX
      ? inlineCheckPool(repository.session.keys)
      : threadCheckPool(repository.session.keys)
  let bytesDone = 0
  try {
    await forEachBounded(names, PACKS_AT_ONCE, async (name) => {
      await readPack(reading, pool, name)
      bytesDone += inventory.packs.get(name) ?? 0
      observe({
        type: "progress",
        bytesDone,
        bytesTotal,
        snapshotsDone: 0,
        snapshotsTotal: 0,
        current: packName(name),
      })
    })
  } finally {
    await pool.close()
  }
  return names.length
}

async function readPack(
  { repository, named, findings }: Reading,
  pool: CheckPool,
  name: Digest,
): Promise<void> {
  const known = named.packs.get(name)
  let bytes: Bytes
  try {
    bytes = await repository.store.get(packName(name))
  } catch (error) {
    if (!isLocalFault(error)) throw error
    const isGone = error.kind === "not-found"
    const found = isGone
      ? "was listed, but was missing when it was read"
      : error.message.replace(`${packName(name)}: `, "")
    findings.addPack(name, found, "all")
    return
  }
  const frames = known === undefined ? [] : repository.index.framesOfPack(name)
  const verdict = await pool.check({ name, bytes, record: known?.record ?? null, frames })
  judge({ repository, findings, name, known }, verdict)
}

interface Judged extends Pick<Reading, "repository" | "findings"> {
  readonly name: Digest
  readonly known: NamedPack | undefined
}

function judge(
  { repository, findings, name, known }: Judged,
  { faults, badFrames, directory, own }: PackVerdict,
): void {
  // Other devices learn from its own directory alone what is in it.
  const isLost = directory === "unreadable" && known?.inLog === false
  for (const fault of faults) findings.addPack(name, fault, isLost ? "all" : badFrames)
  if (known === undefined || own === null) return
  if (known.inLog) findings.addPack(name, "its directory differs from the one in the log", [])
  else {
    repository.index.removePack(name)
    repository.index.addPack(known.record, own)
  }
}

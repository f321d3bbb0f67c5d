/**
 * `check --read-data`: packs, or a subset of them, are fetched whole, a few at a time, and opened by threads.
 * What is found goes to the findings. Damaged rows of the index are corrected. spec/check.md.
 */
import type { Bytes } from "../base/bytes.ts"
import { forEachBounded } from "../base/concurrency.ts"
import type { Digest } from "../base/ids.ts"
import { packName } from "../format/names.ts"
import type { Repository } from "../session/repository.ts"
import { isLocalFault } from "../trust/trust-log.ts"
import type { PackVerdict } from "./check-pack.ts"
import { type CheckPool, inlineCheckPool, threadCheckPool } from "./check-pool.ts"
import type { CheckObserver, Subset } from "./check-request.ts"
import type { Findings } from "./findings.ts"
import type { Inventory } from "./inventory.ts"
import type { NamedPack, NamedPacks } from "./named-packs.ts"
import { EngineError } from "../base/errors.ts"
import type { Random } from "../base/ports.ts"

/** 16 MiB each. */
const PACKS_AT_ONCE = 6
/** Up to this size the main thread opens the packs: starting threads would take longer. */
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

/** @returns the number of packs read */
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
  // Other devices know its content only from its own directory.
  const isLost = directory === "unreadable" && known?.inLog === false
  for (const fault of faults) findings.addPack(name, fault, isLost ? "all" : badFrames)
  if (known === undefined || own === null) return
  if (known.inLog) findings.addPack(name, "its directory differs from the one in the log", [])
  else {
    repository.index.removePack(name)
    repository.index.addPack(known.record, own)
  }
}

/** @throws invalid "subset" */
export function checkSubset(subset: Subset): void {
  const isRight =
    "share" in subset
      ? subset.share > 0 && subset.share <= 1
      : "bytes" in subset
        ? subset.bytes > 0
        : isWhole(subset.part) && isWhole(subset.of) && subset.part <= subset.of
  if (!isRight)
    throw new EngineError(
      "invalid",
      "subset",
      "a subset is a share of at most 1, a size, or a part of a whole",
    )
}

function isWhole(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 1
}

/**
 * Draws the packs to read. A share or a size is at least one pack, unless there are no packs; a part may be
 * empty.
 */
export function drawPacks(
  packs: ReadonlyMap<Digest, number>,
  subset: Subset,
  random: Random,
): readonly Digest[] {
  const names = [...packs.keys()]
  if ("part" in subset) return names.filter((name) => groupOf(name, subset.of) === subset.part)
  if ("share" in subset && subset.share >= 1) return names
  const shuffled = shuffle(names, random)
  if ("share" in subset) return shuffled.slice(0, Math.max(1, Math.ceil(names.length * subset.share)))
  let bytes = 0
  const end = shuffled.findIndex((name) => (bytes += packs.get(name) ?? 0) >= subset.bytes)
  return end === -1 ? names : shuffled.slice(0, end + 1)
}

/** @returns 1 to `of`, evenly distributed, because digests are */
function groupOf(name: Digest, of: number): number {
  return Number(BigInt(`0x${name.slice(-16)}`) % BigInt(of)) + 1
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  if (items.length === 0) return items
  const draws = new DataView(random.bytes(items.length * 4).buffer)
  return items
    .map((item, i) => ({ item, key: draws.getUint32(i * 4) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

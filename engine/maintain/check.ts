/**
 * `check`: every object is explained. The stages, each of which continues when it finds damage:
 *
 *     list everything → look → trust → chains → directories → packs → data → listings → who is hit
 *
 * Nothing is written to the store. The home's caches are corrected where they differ from it. spec/check.md.
 */
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError, type EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import { checkDigest } from "../crypto/digest.ts"
import { packName, parseName, segmentName } from "../format/names.ts"
import { frameOffsets } from "../format/pack.ts"
import { look } from "../session/look.ts"
import type { Repository } from "../session/repository.ts"
import { rememberList, warn } from "../session/session.ts"
import { isLocalFault } from "../trust/trust-log.ts"
import { checkCoverage } from "./check-coverage.ts"
import { checkLog } from "./check-log.ts"
import type { CheckObserver, CheckRequest, CheckResult } from "./check-request.ts"
import { checkTrust, GETS_AT_ONCE } from "./check-trust.ts"
import { checkedStore, freshObjects } from "./checked-store.ts"
import { createFindings, type Findings } from "./findings.ts"
import { takeInventory, type Inventory } from "./inventory.ts"
import { nameThePacks, type NamedPacks } from "./named-packs.ts"
import { createNodeGraph, hurtSnapshots, judgeSuspects } from "./node-graph.ts"
import { checkSubset, readPacks } from "./read-packs.ts"
import { isSnapshot, walkSnapshots } from "./walk-snapshots.ts"

/**
 * Verifies the log, all listings and the index; with `readData` the content of packs too. Damage is in the result.
 * @returns counts, sizes in bytes, and the snapshots that each error affects
 * @throws unavailable or denied as the store
 * @example
 * const { errors: damage } = await check(repository, { readData: true })
 */
export async function check(
  repository: Repository,
  request: CheckRequest = {},
  observe: CheckObserver = () => {},
): Promise<CheckResult> {
  checkSubset(request.subset ?? ALL)
  try {
    return await checkOnce(repository, request, observe)
  } catch (error) {
    if (!isEngineError(error, "state-damaged")) throw error
    // it is only a cache and proves nothing about the repository
    warn(repository, RENEWED)
    const renewed = repository.renewed()
    try {
      return await checkOnce(renewed, request, observe)
    } finally {
      renewed.close()
    }
  }
}

const ALL = { share: 1 }
const RENEWED = "the local index and caches were damaged. They were rebuilt from the repository"

async function checkOnce(
  original: Repository,
  { readData = false, subset = ALL }: CheckRequest,
  observe: CheckObserver,
): Promise<CheckResult> {
  const findings = createFindings()
  const startedNs = original.clock.now()
  const inventory = await takeInventory(original.store)
  const repository: Repository = {
    ...original,
    store: checkedStore(original.store),
    objects: freshObjects(original.objects),
  }
  rememberList(repository, { names: inventory.log, atNs: startedNs })
  // What was seen before and is gone now. Entries that are new to this device enter its index and log.
  const { problems: alarms } = await look(repository, { tolerant: true, reported: true })
  await checkTrust(repository, inventory, findings)
  const entries = await checkLog(repository, inventory.log, findings)
  const named = await nameThePacks(repository, entries, findings)
  checkCoverage(entries, named.segmentPacks, findings)
  await checkPresence(repository, { inventory, named, findings })
  const packsRead = readData
    ? await readPacks({ repository, inventory, named, findings, subset, observe })
    : 0
  const snapshots = entries.filter(isSnapshot).toReversed()
  const graph = createNodeGraph()
  const { roots, suspects } = await walkSnapshots(
    { repository, inventory, named, findings, graph, observe },
    snapshots,
  )
  judgeSuspects(suspects, { index: repository.index, named, findings })
  hurtSnapshots(graph, roots, findings)
  takeAlarms(repository, alarms, findings)
  noteOthers(inventory, named, findings)
  if (readData) await readOthers(repository, { inventory, named, findings })
  return {
    ...totals({ inventory, named, findings }),
    snapshots: snapshots.length,
    chunks: repository.index.counts().chunks,
    packsRead,
  }
}

interface Checked {
  readonly inventory: Inventory
  readonly named: NamedPacks
  readonly findings: Findings
}

/** Reports packs that the log names and that are missing or have another size. */
async function checkPresence(
  { store, index }: Repository,
  { inventory, named, findings }: Checked,
): Promise<void> {
  const absent = [...named.packs.keys()].filter((name) => !inventory.packs.has(name))
  // A pack counts as missing only if a LIST made after reading the log lacks it too.
  const late = absent.length > 0 ? (await takeInventory(store)).packs : new Map<Digest, number>()
  for (const [name, { record, inLog }] of named.packs) {
    const sizeBytes = inventory.packs.get(name) ?? late.get(name)
    if (sizeBytes === undefined) findings.addPack(name, "missing: the log refers to it", "all")
    else if (sizeBytes !== record.sizeBytes) {
      const frames = index.framesOfPack(name)
      const offsets = frameOffsets(frames)
      const cut = [...frames.keys()].filter(
        (i) => (offsets[i] ?? 0) + (frames[i]?.sealedLength ?? 0) > sizeBytes,
      )
      findings.addPack(name, `has ${sizeBytes} bytes, expected ${record.sizeBytes}`, inLog ? cut : "all")
    }
  }
}

/** Adds the problems that `look` reported, unless a later stage has examined the object. */
function takeAlarms({ log }: Repository, alarms: readonly EngineError[], findings: Findings): void {
  for (const alarm of alarms) {
    const object = alarm.detail["object"]
    const isTold =
      typeof object === "string" && [...findings.all.keys()].some((each) => each.startsWith(object))
    if (isTold) continue
    const finding = findings.addError(alarm, "log")
    const parsed = parseName(finding.object)
    if (parsed?.type === "entry" && log.entry(parsed.digest)?.type === "snapshot")
      finding.snapshots.add(parsed.digest)
  }
}

/** Notes objects that are explained and not damaged. */
function noteOthers({ foreign, segments }: Inventory, named: NamedPacks, findings: Findings): void {
  for (const name of foreign) findings.note(name, "is not an object of this repository")
  for (const digest of segments) {
    if (!named.segments.has(digest))
      findings.note(segmentName(digest), "unreferenced: left by an interrupted run, or replaced")
  }
}

/** Verifies unreferenced segments by the digests in their names. */
async function readOthers(
  { store }: Repository,
  { inventory: { segments }, named, findings }: Checked,
): Promise<void> {
  const others = [...segments].filter((digest) => !named.segments.has(digest))
  await forEachBounded(others, GETS_AT_ONCE, async (digest) => {
    const object = segmentName(digest)
    try {
      checkDigest(await store.get(object), digest, object)
    } catch (error) {
      if (!isLocalFault(error)) throw error
      findings.addError(error, object)
    }
  })
}

function totals({
  inventory,
  named,
  findings,
}: Checked): Pick<CheckResult, "errors" | "notes" | "packs" | "bytes" | "unreferenced"> {
  const known = { packs: 0, bytes: 0 }
  const unreferenced = { packs: 0, bytes: 0 }
  for (const [name, sizeBytes] of inventory.packs) {
    const count = named.packs.has(name) ? known : unreferenced
    count.packs++
    count.bytes += sizeBytes
  }
  for (const name of inventory.packs.keys()) {
    if (!named.packs.has(name))
      findings.note(packName(name), "unreferenced: from a run in progress or an interrupted one")
  }
  return { errors: findings.errors(), notes: findings.notes(), ...known, unreferenced }
}

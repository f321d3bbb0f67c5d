import assert from "node:assert/strict"
import { test } from "node:test"
import type { DeviceId, Digest } from "../base/ids.ts"
import type { NewestSnapshot } from "../format/entry.ts"
import { entryName, packName } from "../format/names.ts"
import { examplePack } from "../testing/example-packs.ts"
import { emptyDraft } from "../testing/shared-place.ts"
import { checkCoverage } from "./check-coverage.ts"
import type { CheckedEntry } from "./check-log.ts"
import { createFindings } from "./findings.ts"

const device = "d".repeat(32) as DeviceId

function digest(sequence: number): Digest {
  return String(sequence).repeat(64).slice(0, 64) as Digest
}

/** Returns a snapshot of `notes` that makes these packs known. */
function entry(
  sequence: number,
  packs: readonly string[],
  changes: Partial<CheckedEntry> = {},
): CheckedEntry {
  const common = {
    version: 0,
    device,
    sequence,
    digest: digest(sequence),
    rest: [],
    segments: [],
    newest: [],
  }
  const known = packs.map((name) => ({ record: examplePack(name, [["chunk"]]).record, directory: null }))
  return {
    ...emptyDraft(),
    ...common,
    packs: known,
    timeNs: BigInt(sequence),
    ...changes,
  } as unknown as CheckedEntry
}

function newest(sequence: number): NewestSnapshot[] {
  return [{ series: "notes", timeNs: BigInt(sequence), sequence, digest: digest(sequence) }]
}

function faults(entries: readonly CheckedEntry[], segments = new Map<Digest, readonly Digest[]>()): string[] {
  const findings = createFindings()
  checkCoverage(entries, segments, findings)
  return findings.errors().map(({ message }) => message)
}

test("checkCoverage() finds a pack that isn't reachable from the newest entry, in every way", () => {
  const first = entry(1, ["a"])
  const name = examplePack("a", [["chunk"]]).record.name
  const lost = faults([first, entry(2, ["b"], { newest: newest(1) })])
  const last = entryName(device, 2, digest(2))
  assert.deepEqual(lost, [`${last}: does not list ${packName(name)}, which its chain has introduced`])
  const rest = [{ sequence: 1, digest: digest(1) }]
  assert.deepEqual(faults([first, entry(2, ["b"], { newest: newest(1), rest })]), [])
  assert.deepEqual(faults([first, entry(2, ["a", "b"], { newest: newest(1) })]), [])
  const segments = [digest(9)]
  const covering = entry(2, ["b"], { newest: newest(1), segments })
  assert.deepEqual(faults([first, covering], new Map([[digest(9), [name]]])), [])
  assert.equal(faults([first, covering], new Map([[digest(9), []]])).length, 1)
  // The damaged segment is reported elsewhere.
  assert.deepEqual(faults([first, covering]), [])
})

test("checkCoverage() finds an entry that omits the newest snapshot, or lists another", () => {
  const wrong = /does not list the newest snapshots/
  const chain = [entry(1, []), entry(2, [], { timeNs: 9n, newest: newest(1) })]
  assert.deepEqual(faults(chain), [])
  assert.match(faults([...chain, entry(3, [], { newest: [] })])[0] ?? "", wrong)
  assert.match(faults([...chain, entry(3, [], { newest: newest(1) })])[0] ?? "", wrong)
  assert.deepEqual(faults([...chain, entry(3, [], { newest: newest(2) })]), [])
  assert.deepEqual(faults([...chain, entry(3, [], { newest: null })]), [])
})

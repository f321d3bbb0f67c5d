/**
 * What a check finds, one line per object: several faults of one object are one finding. The snapshots that a
 * finding affects are known only after all listings have been walked (node-graph.ts).
 */
import type { EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import { packName } from "../format/names.ts"
import type { CheckError, CheckNote } from "./check-request.ts"

export interface Finding {
  readonly object: string
  readonly faults: string[]
  readonly snapshots: Set<Digest>
}

/** Frames of a pack whose chunks are lost. */
export interface PackDamage {
  readonly finding: Finding
  frames: Set<number> | "all"
}

export interface Findings {
  add(object: string, fault: string): Finding
  /** @param object used if the error names none */
  addError(error: EngineError, object: string): Finding
  addPack(name: Digest, fault: string, frames: Iterable<number> | "all"): void
  note(object: string, message: string): void
  readonly all: ReadonlyMap<string, Finding>
  readonly packs: ReadonlyMap<Digest, PackDamage>
  /** Sorted by object. */
  errors(): CheckError[]
  notes(): CheckNote[]
}

const FAULTS_SHOWN = 3

export function createFindings(): Findings {
  const all = new Map<string, Finding>()
  const packs = new Map<Digest, PackDamage>()
  const notes: CheckNote[] = []
  const add = (object: string, fault: string): Finding => {
    const known = all.get(object)
    const finding = known ?? { object, faults: [], snapshots: new Set<Digest>() }
    all.set(object, finding)
    if (!finding.faults.includes(fault)) finding.faults.push(fault)
    return finding
  }
  return {
    all,
    packs,
    add,
    addError: (error, object) => addError(add, error, object),
    addPack(name, fault, frames) {
      const finding = add(packName(name), fault)
      const damage = packs.get(name) ?? { finding, frames: new Set<number>() }
      packs.set(name, damage)
      if (frames === "all") damage.frames = "all"
      else if (damage.frames !== "all") for (const frame of frames) damage.frames.add(frame)
    },
    note: (object, message) => void notes.push({ object, message }),
    errors: () => [...all.values()].map(toError).toSorted((a, b) => (a.object < b.object ? -1 : 1)),
    notes: () => notes,
  }
}

function addError(add: Findings["add"], error: EngineError, object: string): Finding {
  const named = error.detail["object"]
  const name = typeof named === "string" ? named : object
  return add(
    name,
    error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message,
  )
}

function toError({ object, faults, snapshots }: Finding): CheckError {
  const more = faults.length > FAULTS_SHOWN ? `; and ${faults.length - FAULTS_SHOWN} more` : ""
  return {
    object,
    message: `${object}: ${faults.slice(0, FAULTS_SHOWN).join("; ")}${more}`,
    snapshots: [...snapshots].toSorted(),
  }
}

/**
 * Rule R1 as one pure function of names: the log must have what this device has seen and what accepted
 * entries claim. A problem is an alarm only if the LIST was made after the entry that claims the missing
 * object was read; session/look.ts makes sure of it. spec/log.md.
 */
import { EngineError } from "../base/errors.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import type { Head, Numbered } from "../format/entry.ts"
import { entryName, trustName } from "../format/names.ts"
import type { Pins } from "../home/pins.ts"
import { type ChainName, hasEntry, hasTrust, type LogNames } from "./log-names.ts"

/** What the newest verified entry of a chain says about the other chains. */
export interface Claim {
  readonly by: DeviceId
  readonly heads: readonly Head[]
  readonly trust: Numbered
}

export interface LogState {
  readonly names: LogNames
  readonly pins: Pins
  readonly own: DeviceId | undefined
  readonly claims: readonly Claim[]
  /** Digests of the entries whose signatures were checked. */
  readonly verified: ReadonlySet<Digest>
  readonly labels: ReadonlyMap<string, string>
}

/** Each problem is `untrusted`. A missing pin is reported even if its loss was accepted. */
export function checkLog(state: LogState): EngineError[] {
  const pinned = missingPins(state)
  const all = [...missingTrust(state), ...missingHeads(state), ...gaps(state), ...forks(state)]
  const others = withoutAccepted(all, state.pins)
  return firstOfEach([...pinned, ...others])
}

/** The problems with what this device has seen itself. */
export function missingPins(state: Pick<LogState, "names" | "pins" | "own" | "labels">): EngineError[] {
  const mine = { ...state, claims: [], verified: new Set<Digest>() }
  return [...missingTrust(mine), ...missingHeads(mine)]
}

/** Without losses that `connect --accept-head` accepted (rule R1). */
export function withoutAccepted(problems: readonly EngineError[], { accepted }: Pins): EngineError[] {
  return problems.filter(({ detail }) => !accepted.includes(String(detail["object"])))
}

function missingTrust({ names, pins, claims, labels }: LogState): EngineError[] {
  const problems: EngineError[] = []
  const newest = names.trust.at(-1)?.number ?? 0
  const wanted = [
    ...(pins.trust === null ? [] : [{ trust: pins.trust, who: "this device" }]),
    ...claims.map(({ by, trust }) => ({ trust, who: nameOf(by, labels) })),
  ]
  for (const { trust, who } of wanted) {
    if (hasTrust(names, trust)) continue
    const object = trustName(trust.number, trust.digest)
    const found =
      newest === 0 ? "the store has no trust entries" : `the newest trust entry is number ${newest}`
    problems.push(
      trust.number > newest
        ? alarm("trust-rolled-back", object, `${who} has seen it, but ${found}. ${ROLLED_BACK}`)
        : alarm("entry-missing", object, `${who} has seen it, but it is missing. ${DROPPED}`),
    )
  }
  return firstOfEach(problems)
}

const ROLLED_BACK = "An old copy of the repository may have been put back"
const DROPPED = "It was removed from the store"

function missingHeads({ names, pins, own, claims, labels }: LogState): EngineError[] {
  const wanted = [
    ...pins.heads.map((head) => ({ head, who: "this device has seen it" })),
    ...claims.flatMap(({ by, heads }) =>
      heads.map((head) => ({ head, who: `${nameOf(by, labels)} has seen it` })),
    ),
  ]
  const problems: EngineError[] = []
  for (const { head, who } of wanted) {
    if (hasEntry(names, head.device, head)) continue
    const last = names.chains.get(head.device)?.at(-1)?.sequence ?? 0
    const object = entryName(head.device, head.sequence, head.digest)
    const chain =
      head.device === own ? "this device's own chain" : `the chain of ${nameOf(head.device, labels)}`
    problems.push(
      last < head.sequence
        ? alarm("chain-rolled-back", object, `${who}, but ${chain} ends at entry ${last}. ${ROLLED_BACK}`)
        : alarm("entry-missing", object, `${who}, but it is missing from ${chain}. ${DROPPED}`),
    )
  }
  return firstOfEach(problems)
}

/** Below a verified entry no number may be missing, because each entry names the one before. */
function gaps({ names, verified, labels }: LogState): EngineError[] {
  const problems: EngineError[] = []
  for (const [device, chain] of names.chains) {
    const last = chain.findLast((entry) => verified.has(entry.digest))
    let next = 1
    for (const { sequence } of chain) {
      if (last === undefined || sequence > last.sequence) break
      if (sequence > next) {
        const object = `log/${device}/${String(next).padStart(10, "0")}`
        problems.push(
          alarm(
            "entry-missing",
            object,
            `later entries of ${nameOf(device, labels)} follow it, but it is missing. ${DROPPED}`,
          ),
        )
      }
      next = sequence + 1
    }
  }
  return problems
}

/**
 * Two verified entries of one device at one sequence, above the pin. A fork of this device's own chain is
 * not an alarm: this home was cloned, and takes a new id (rule W6).
 */
function forks({ names, pins, own, verified, labels }: LogState): EngineError[] {
  const problems: EngineError[] = []
  for (const [device, chain] of names.chains) {
    if (device === own) continue
    const pinned = pins.heads.find((head) => head.device === device)?.sequence ?? 0
    let before: ChainName | undefined
    for (const entry of chain) {
      if (entry.sequence <= pinned || !verified.has(entry.digest)) continue
      if (before?.sequence === entry.sequence) {
        const object = entryName(device, entry.sequence, entry.digest)
        const found = `${nameOf(device, labels)} signed another entry with this number, ${before.digest.slice(0, 8)}`
        const why = "Its home was copied and both copies write, or its key was stolen"
        problems.push(alarm("chain-forked", object, `${found}: ${why}`))
      }
      before = entry
    }
  }
  return problems
}

function nameOf(device: DeviceId, labels: ReadonlyMap<string, string>): string {
  const label = labels.get(device)
  return label === undefined ? `device ${device.slice(0, 8)}` : `device ${device.slice(0, 8)} (${label})`
}

function alarm(code: string, object: string, found: string): EngineError {
  return new EngineError("untrusted", code, `${object}: ${found}`, { detail: { object } })
}

/** Returns the first problem of each object: one that several devices have seen is missed once. */
export function firstOfEach(
  problems: readonly EngineError[],
  keyOf: (problem: EngineError) => unknown = ({ detail }) => detail["object"],
): EngineError[] {
  const seen = new Set<unknown>()
  return problems.filter((problem) => {
    const key = keyOf(problem)
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
}

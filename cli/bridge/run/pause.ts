/** `agent pause` and `agent resume`: the timer starts no run meanwhile. A run that is asked for still runs. */
import type { Setup } from "../setup.ts"
import { type Record, withRecord } from "./record.ts"

/** @param forMs undefined: until `resume` */
export function pause(setup: Pick<Setup, "stateFolder">, forMs: number | undefined): void {
  const until = forMs === undefined ? 0 : Date.now() + forMs
  withRecord(setup, (record) => record.setFact("paused", String(until)))
}

export function resume(setup: Pick<Setup, "stateFolder">): void {
  withRecord(setup, (record) => record.setFact("paused", undefined))
}

/** @returns in milliseconds since 1970, 0 for "until resume"; undefined if the timer is not paused */
export function pausedUntil(record: Record, nowMs: number): number | undefined {
  const text = record.fact("paused")
  if (text === undefined) return undefined
  const until = Number(text)
  return until === 0 || until > nowMs ? until : undefined
}

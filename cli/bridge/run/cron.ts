/**
 * What this machine knows of a cron line that keeps the interval, without asking cron: when `schedule install` has
 * written one, and when cron has last started `agent sync --trigger cron`. A line that somebody removed by hand is
 * noticed because its calls stop.
 */
import type { Warning } from "../results.ts"
import type { Setup } from "../setup.ts"
import { type Record, withRecord } from "./record.ts"
import { MINUTE_MS } from "./timer-rules.ts"

interface Line {
  readonly atMs: number
  readonly everyMinutes: number
}

export interface CronLine {
  readonly everyMs: number
  /** The last call; undefined: none since the line was installed. */
  readonly seenMs: number | undefined
  /** Why it seems to be gone. */
  readonly silent: Warning | undefined
}

type Place = Pick<Setup, "stateFolder">

export function noteCronLine(place: Place, everyMinutes: number): void {
  const line: Line = { atMs: Date.now(), everyMinutes }
  withRecord(place, (record) => record.setFact("cron", JSON.stringify(line)))
}

export function forgetCronLine(place: Place): void {
  withRecord(place, (record) => {
    record.setFact("cron", undefined)
    record.setFact("cron-seen", undefined)
  })
}

/** Of what cron's own table says; undefined: it has no line of ours. */
export function correctCronNote(place: Place, everyMinutes: number | undefined): void {
  const noted = withRecord(place, (record) => record.fact("cron"))
  if (everyMinutes === undefined) {
    if (noted !== undefined) forgetCronLine(place)
  } else if (noted === undefined || (JSON.parse(noted) as Line).everyMinutes !== everyMinutes) {
    noteCronLine(place, everyMinutes)
  }
}

/** Called by each call of cron, whatever comes of it. */
export function noteCronCall(place: Place): void {
  withRecord(place, (record) => record.setFact("cron-seen", String(Date.now())))
}

/** Undefined if no line is known. */
export function cronLine(record: Record, intervalMinutes: number, nowMs: number): CronLine | undefined {
  const note = JSON.parse(record.fact("cron") ?? "null") as Line | null
  const seen = record.fact("cron-seen")
  const seenMs = seen === undefined ? undefined : Number(seen)
  if (note === null && seenMs === undefined) return undefined
  const everyMinutes = note?.everyMinutes ?? intervalMinutes
  const aliveMs = Math.max(note?.atMs ?? 0, seenMs ?? 0)
  const isAlive = nowMs - aliveMs <= (2 * everyMinutes + 5) * MINUTE_MS
  const everyMs = everyMinutes * MINUTE_MS
  if (isAlive) return { everyMs, seenMs, silent: undefined }
  if (note === null) return undefined
  return { everyMs, seenMs, silent: silentNote(note, seenMs) }
}

function silentNote({ atMs }: Line, seenMs: number | undefined): Warning {
  const installed = `a cron line was installed at ${new Date(atMs).toISOString()}`
  const since =
    seenMs === undefined || seenMs < atMs ? "since then" : `since ${new Date(seenMs).toISOString()}`
  return {
    code: "schedule-silent",
    message: `${installed}, but cron has started no backup ${since}`,
    hint: "run: holdfast schedule status",
  }
}

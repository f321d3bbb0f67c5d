/** Whether the runs of an agent are in order: the rules behind the states `stale` and `failing`. */
import type { Warning } from "../results.ts"
import type { Setup } from "../setup.ts"
import { pausedUntil } from "./pause.ts"
import type { Record, Run } from "./record.ts"
import { MINUTE_MS } from "./timer-rules.ts"

const FAILURES_MIN = 3

export interface Runs {
  readonly newest: Run | undefined
  readonly success: Run | undefined
  /** Since the last success. */
  readonly failures: number
}

export function runsIn(record: Record): Runs {
  return { newest: record.newest(), success: record.newestSuccess(), failures: record.failures() }
}

/** Why the runs fail; undefined if they do not. */
export function failingNote({ newest, failures }: Runs): Warning | undefined {
  const problem = failures > 0 ? newest?.found?.problem : undefined
  const isEnough = failures >= FAILURES_MIN || (failures > 0 && newest?.found?.needsPerson === true)
  if (!isEnough) return undefined
  return (
    problem ?? {
      code: "killed",
      message: "the last runs were ended before they were done",
      hint: "run: holdfast agent sync",
    }
  )
}

/** @param successMs when the last success ended; undefined before the first */
export function staleNote(
  { settings: { intervalMinutes } }: Pick<Setup, "settings">,
  successMs: number | undefined,
  nowMs: number,
): Warning | undefined {
  const windowMs = (2 * intervalMinutes + 5) * MINUTE_MS
  // a time far in the future is of a clock that was wrong, and says nothing
  if (successMs !== undefined && Math.abs(nowMs - successMs) <= windowMs) return undefined
  return {
    code: "stale",
    message:
      successMs === undefined
        ? "there is no backup yet"
        : `there was no backup since ${new Date(successMs).toISOString()}`,
    hint: "run: holdfast agent sync; to back up by itself: holdfast schedule install",
  }
}

/** What a person has to hear of: no backups, or a suspected wipe that `latest` waits for. A failure or two is tried again first: the machine may just have woken up. */
export function troubleOf(setup: Setup, record: Record, nowMs: number): Warning | undefined {
  if (pausedUntil(record, nowMs) !== undefined) return undefined
  const runs = runsIn(record)
  const failing = failingNote(runs)
  const found =
    failing ??
    (runs.failures === 0 ? staleNote(setup, runs.success?.endedMs ?? undefined, nowMs) : undefined) ??
    runs.success?.found?.warnings.find(({ code }) => code === "suspected-wipe")
  if (found === undefined) return undefined
  const what = failing === undefined ? found.message : `backups fail: ${found.message}`
  return { ...found, message: `${setup.workspace}: ${what}` }
}

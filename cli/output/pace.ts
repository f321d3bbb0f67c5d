/**
 * Progress, rate and remaining time of a run, computed from its progress events. Shares and bytes never go
 * backwards, even if the total becomes larger than expected.
 */
export interface Amounts {
  readonly bytes: number
  /** Undefined while it is not known. */
  readonly bytesTotal: number | undefined
}

export interface Pace {
  readonly elapsedMs: number
  readonly bytes: number
  readonly bytesTotal: number | undefined
  /** From 0 to 1; undefined while the total is not known. */
  readonly share: number | undefined
  readonly bytesPerSecond: number
  /** Undefined while it can't be estimated. */
  readonly secondsLeft: number | undefined
}

/** The rate covers about this many of the last milliseconds. */
const MEMORY_MS = 10_000
/** Before this a rate is meaningless. */
const SETTLED_MS = 1_000

/** @param now milliseconds of a steady clock */
export function createPace(now: () => number): (amounts: Amounts) => Pace {
  const startMs = now()
  const past: { atMs: number; bytes: number }[] = [{ atMs: startMs, bytes: 0 }]
  let bytes = 0
  let share: number | undefined
  return (amounts) => {
    const atMs = now()
    bytes = Math.max(bytes, amounts.bytes)
    const bytesTotal = amounts.bytesTotal === undefined ? undefined : Math.max(amounts.bytesTotal, bytes)
    if (bytesTotal !== undefined && bytesTotal > 0) share = Math.max(share ?? 0, bytes / bytesTotal)
    past.push({ atMs, bytes })
    while (past.length > 2 && atMs - (past[1]?.atMs ?? atMs) >= MEMORY_MS) past.shift()
    const first = past[0] ?? { atMs, bytes }
    const spanMs = atMs - first.atMs
    const bytesPerSecond = spanMs < SETTLED_MS ? 0 : ((bytes - first.bytes) / spanMs) * 1000
    const left = bytesTotal === undefined || bytesPerSecond === 0 ? undefined : bytesTotal - bytes
    return {
      elapsedMs: atMs - startMs,
      bytes,
      bytesTotal,
      share,
      bytesPerSecond,
      secondsLeft: left === undefined ? undefined : Math.ceil(left / bytesPerSecond),
    }
  }
}

/** The fields of restic's status messages; unknown ones are left out. */
export function paceFields({ elapsedMs, bytesTotal, share, secondsLeft }: Pace): Record<string, number> {
  return {
    seconds_elapsed: Math.floor(elapsedMs / 1000),
    ...(secondsLeft === undefined ? {} : { seconds_remaining: secondsLeft }),
    ...(share === undefined ? {} : { percent_done: share }),
    ...(bytesTotal === undefined ? {} : { total_bytes: bytesTotal }),
  }
}

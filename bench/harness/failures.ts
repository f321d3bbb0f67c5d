/** What makes a run of the benchmarks fail, whatever was asked of it. */
import { own } from "./rows.ts"
import type { BenchResult } from "./sample.ts"

/**
 * A restore of this project's own that isn't the source, or a peer that came through no repetition. One
 * that failed in some has a number in the others, and the table tells of it.
 */
export function anyFailed({ scenarios }: BenchResult): boolean {
  return scenarios.some(({ stored }) => {
    const through = new Set(stored.filter(({ restored }) => !isFailure(restored)).map(({ peer }) => peer))
    return stored.some(({ peer, restored }) => (peer === own ? !FINE.has(restored) : !through.has(peer)))
  })
}

const FINE: ReadonlySet<string> = new Set(["exact", "not asked"])

function isFailure(restored: string): boolean {
  return restored.startsWith("FAILED")
}

/** The conditions that fail any run of the benchmarks. */
import { own } from "./rows.ts"
import type { BenchResult } from "./sample.ts"

/**
 * A wrong restore by this project, or a peer that failed in every repetition. A peer that failed in some has
 * numbers from the others, and the table says so.
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

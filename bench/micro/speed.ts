/** How fast one stage is: warmed up, then the median of five slices. */
import { median } from "../harness/rows.ts"
import type { Stage } from "./stages.ts"

const warmBytes = 128 * 2 ** 20
const sliceSeconds = 0.4
const slices = 5

/**
 * Measures MB per second of this thread's processor time, so other work on the machine has little effect.
 * WebAssembly and the JIT need a warm-up: the first 64 MiB are several times slower.
 */
export function speedOf({ bytes, run }: Stage): number {
  for (let warmed = 0; warmed < warmBytes; warmed += bytes) run()
  const speeds = Array.from({ length: slices }, () => {
    const start = threadSeconds()
    let seconds = 0
    let done = 0
    while (seconds < sliceSeconds) {
      run()
      done += bytes
      seconds = threadSeconds() - start
    }
    return done / seconds / 1e6
  })
  return median(speeds)
}

function threadSeconds(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1e6
}

/** MB/s of stages that one byte goes through one after another on one thread. */
export function chained(speeds: readonly number[]): number {
  return 1 / speeds.reduce((sum, speed) => sum + 1 / speed, 0)
}

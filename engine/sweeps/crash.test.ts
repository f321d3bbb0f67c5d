/**
 * Every call of two backups fails once, in each of four ways. The slow tier does the same on real servers.
 */
import { test } from "node:test"
import { memoryStore } from "../testing/memory-store.ts"
import { CRASH_FAULTS, crashSweep } from "../testing/crash-sweep.ts"

for (const fault of CRASH_FAULTS) {
  test(`backup() over a store that is ${fault} at any call loses no snapshot and needs no help`, async (t) => {
    await crashSweep(t, { fault, empty: async () => memoryStore() })
  })
}

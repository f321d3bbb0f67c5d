/** A thread that claims ids from a shared set as fast as it can. Used by the tests of claims. */
import { parentPort, workerData } from "node:worker_threads"
import { openClaims, type SharedClaims } from "../backup/split/claims.ts"

export interface ClaimsWork {
  readonly shared: SharedClaims
  readonly ids: Uint8Array
  /** Set to 1 by the test when all threads are ready. */
  readonly start: SharedArrayBuffer
}

const { shared, ids, start } = workerData as ClaimsWork
const claims = openClaims(shared)
parentPort?.postMessage("ready")
Atomics.wait(new Int32Array(start), 0, 0)
const mine = new Uint8Array(ids.length / 32)
for (let i = 0; i < mine.length; i++) mine[i] = claims.claim(ids.subarray(i * 32, (i + 1) * 32)) ? 1 : 0
parentPort?.postMessage(mine)

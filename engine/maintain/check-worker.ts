/** The thread around `check-pack.ts`: a pack in, a verdict out, one after the other. */
import { parentPort, workerData } from "node:worker_threads"
import { assert } from "../base/assert.ts"
import { release } from "../base/bytes.ts"
import { packError } from "../base/travelling-error.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { checkPack, type PackJob } from "./check-pack.ts"
import { packTools, type FromCheckWorker } from "./check-pool.ts"

const port = parentPort
assert(port !== null, "this module runs in a worker thread")
const tools = packTools(workerData as RepositoryKeys)

port.on("message", (job: PackJob) => {
  try {
    port.postMessage({ type: "checked", verdict: checkPack(job, tools) } satisfies FromCheckWorker)
    release(job.bytes)
  } catch (error) {
    port.postMessage({ type: "broken", error: packError(error) } satisfies FromCheckWorker)
  }
})

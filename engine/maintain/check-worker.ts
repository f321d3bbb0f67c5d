/** The thread around `check-pack.ts`: a pack in, a verdict out, one after the other. */
import { workerData } from "node:worker_threads"
import { release } from "../base/bytes.ts"
import { serve, type Served } from "../base/worker-pool.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { checkPack, type PackJob, type PackVerdict } from "./check-pack.ts"
import { packTools } from "./check-pool.ts"

const tools = packTools(workerData as RepositoryKeys)
const port: Served<PackVerdict> = serve((job: PackJob) => {
  port.send(checkPack(job, tools))
  release(job.bytes)
})

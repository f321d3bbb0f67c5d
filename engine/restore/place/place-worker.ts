/** The worker thread around `placer.ts`: answers one message after the other. */
import { workerData } from "node:worker_threads"
import { release } from "../../base/bytes.ts"
import { serve, type Served } from "../../base/worker-pool.ts"
import {
  jobBuffers,
  unpackFiles,
  type FromPlaceWorker,
  type PlacerOptions,
  type ToPlaceWorker,
} from "./place-jobs.ts"
import { createPlacer, type Placer } from "./placer.ts"

const port: Served<FromPlaceWorker> = serve(handle)
let placer: Placer | undefined

/** Made by the first job: an error becomes an answer, with its kind and code. */
function getPlacer(): Placer {
  placer ??= createPlacer(workerData as PlacerOptions)
  return placer
}

function handle(message: ToPlaceWorker): void {
  switch (message.type) {
    case "place": {
      const { job, files } = message
      const placed = getPlacer().place({ ...job, files: unpackFiles(files) })
      for (const buffer of jobBuffers(job)) release(new Uint8Array(buffer))
      return port.send({ type: "placed", placed })
    }
    case "compare":
      return port.send({ type: "compared", equal: getPlacer().compare(message.files) })
    case "own":
      return port.send({ type: "owned", failure: getPlacer().own(message.job) })
    case "close":
      placer?.close()
      return port.close()
  }
}

/** The thread around `placer.ts`: messages in, messages out, one after the other. */
import { parentPort, workerData, type MessagePort } from "node:worker_threads"
import { assert } from "../../base/assert.ts"
import { release } from "../../base/bytes.ts"
import { packError } from "../../base/travelling-error.ts"
import { unpackFiles } from "./packed-files.ts"
import { jobBuffers, type FromPlaceWorker, type PlacerOptions, type ToPlaceWorker } from "./place-jobs.ts"
import { createPlacer, type Placer } from "./placer.ts"

const port = parentPort
assert(port !== null, "this module runs in a worker thread")
let placer: Placer | undefined

/** Made by the first job: what goes wrong then is an answer, with its kind and code. */
function getPlacer(): Placer {
  placer ??= createPlacer(workerData as PlacerOptions)
  return placer
}

port.on("message", (message: ToPlaceWorker) => {
  try {
    if (message.type === "close") close(port)
    else port.postMessage(answer(message))
  } catch (error) {
    port.postMessage({ type: "broken", error: packError(error) } satisfies FromPlaceWorker)
  }
})

/** Nothing keeps the thread alive after this. */
function close(parent: MessagePort): void {
  placer?.close()
  parent.close()
}

function answer(message: Exclude<ToPlaceWorker, { type: "close" }>): FromPlaceWorker {
  switch (message.type) {
    case "place": {
      const { job, files } = message
      const placed = getPlacer().place({ ...job, files: unpackFiles(files) })
      for (const buffer of jobBuffers(job)) release(new Uint8Array(buffer))
      return { type: "placed", placed }
    }
    case "compare":
      return { type: "compared", equal: getPlacer().compare(message.files) }
    case "own":
      return { type: "owned", failure: getPlacer().own(message.job) }
  }
}

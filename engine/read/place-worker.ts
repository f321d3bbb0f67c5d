/** The thread around `placer.ts`: messages in, messages out, one after the other. */
import { parentPort, workerData, type MessagePort } from "node:worker_threads"
import { assert } from "../base/assert.ts"
import { release } from "../base/bytes.ts"
import { unpackFiles } from "./packed-files.ts"
import { jobBuffers, type FromPlaceWorker, type PlacerOptions, type ToPlaceWorker } from "./place-jobs.ts"
import { createPlacer } from "./placer.ts"

const port = parentPort
assert(port !== null, "this module runs in a worker thread")
const placer = createPlacer(workerData as PlacerOptions)

port.on("message", (message: ToPlaceWorker) => {
  try {
    if (message.type === "close") close(port)
    else port.postMessage(answer(message))
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    port.postMessage({ type: "broken", message: text } satisfies FromPlaceWorker)
  }
})

/** Nothing keeps the thread alive after this. */
function close(parent: MessagePort): void {
  placer.close()
  parent.close()
}

function answer(message: Exclude<ToPlaceWorker, { type: "close" }>): FromPlaceWorker {
  switch (message.type) {
    case "place": {
      const { job, files } = message
      const placed = placer.place({ ...job, files: unpackFiles(files) })
      for (const buffer of jobBuffers(job)) release(new Uint8Array(buffer))
      return { type: "placed", placed }
    }
    case "compare":
      return { type: "compared", equal: placer.compare(message.files) }
    case "own":
      return { type: "owned", failure: placer.own(message.job) }
  }
}

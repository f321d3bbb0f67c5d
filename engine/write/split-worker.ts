/** The thread around `splitter.ts`: messages in, messages out, one after the other. */
import { randomFillSync } from "node:crypto"
import { parentPort, workerData } from "node:worker_threads"
import { assert } from "../base/assert.ts"
import { isEngineError } from "../base/errors.ts"
import { openChunkLookup } from "../index/chunk-lookup.ts"
import type { FromSplitWorker, SplitWorkerData, ToSplitWorker } from "./split-pool.ts"
import { packResults, unpackJobs } from "./split-messages.ts"
import type { SealedPack } from "./seal-pack.ts"
import { createSplitter, type SplitResult } from "./splitter.ts"

const { keys, claims, indexPath, credits } = workerData as SplitWorkerData
const port = parentPort
assert(port !== null, "this module runs in a worker thread")

const credit = new Int32Array(credits)
const lookup = indexPath === undefined ? undefined : openChunkLookup(indexPath)
const splitter = createSplitter({
  keys,
  claims,
  random: { bytes: (length) => randomFillSync(new Uint8Array(length)) },
  isStored: (id) => lookup?.has(id) ?? false,
  onFull: sendPack,
})

/** Waits until the main thread has sent enough of the earlier packs: the bound on their memory. */
function takeCredit(): void {
  for (;;) {
    const left = Atomics.load(credit, 0)
    if (left <= 0) Atomics.wait(credit, 0, left)
    else if (Atomics.compareExchange(credit, 0, left, left - 1) === left) return
  }
}

/** The credit comes first: a pack takes memory from the moment that it is sealed. */
function sendPack(seal: () => SealedPack): void {
  takeCredit()
  const pack = seal()
  send({ type: "pack", pack }, [pack.bytes.buffer])
}

function send(message: FromSplitWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer)
}

function sendResults(all: readonly SplitResult[]): void {
  const results = packResults(all)
  send({ type: "results", results }, [results.numbers.buffer, results.ids.buffer])
}

port.on("message", (message: ToSplitWorker) => {
  try {
    handle(message)
  } catch (error) {
    const kind = isEngineError(error) ? error.kind : undefined
    const code = isEngineError(error) ? error.code : ""
    send({
      type: "failed",
      error: { kind, code, message: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    })
  }
})

function handle(message: ToSplitWorker): void {
  switch (message.type) {
    case "split":
      return sendResults(unpackJobs(message.jobs).map((job) => splitter.split(job)))
    case "add":
      return splitter.add(message.chunks)
    case "drain":
      return send({ type: "drained", blocks: splitter.drain(), rawBytes: splitter.rawBytes })
    case "seal":
      sendPack(() => splitter.seal(message.blocks, message.full))
      return send({ type: "sealed" })
  }
}

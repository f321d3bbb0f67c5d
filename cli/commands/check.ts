/**
 * `holdfast check`: reports what the engine verified, and each damaged or missing object. With --store-only it needs no
 * key.
 */
import {
  check as runCheck,
  EngineError,
  scrub,
  type CheckRequest,
  type CheckResult,
} from "../../engine/index.ts"
import { askedFields } from "./asked.ts"
import type { Call, Command } from "../verbs/call.ts"
import { homeOf, locationOf, storeAt, withRepository } from "./connection.ts"
import { EXIT, type ExitCode } from "../output/exit-codes.ts"
import { showBytes, showCount, showNumber } from "../output/format.ts"
import { namedObject, reportObjectError, type Output } from "../output/output.ts"
import { parseSubset } from "../verbs/sizes.ts"

export const check: Command = async (call) => {
  if (call.options.flag("store-only")) return await checkStore(call)
  const request = requestOf(call)
  return await withRepository(call, { write: false }, async (repository) => {
    const progress = call.output.progress("check")
    const result = await runCheck(repository, request, (event) => {
      if (event.type !== "progress") return
      const { bytesDone, bytesTotal, snapshotsDone, snapshotsTotal, current } = event
      const isReading = bytesTotal > 0
      progress.update(
        isReading
          ? { bytes: bytesDone, bytesTotal, current }
          : { bytes: snapshotsDone, bytesTotal: snapshotsTotal, unit: "snapshots", current },
      )
    })
    progress.wipe()
    report(call, result, request)
    return result.errors.length === 0 ? EXIT.done : EXIT.damaged
  })
}

function requestOf({ options }: Call): CheckRequest {
  const part = options.text("read-data-subset")
  if (part !== undefined) return { readData: true, subset: parseSubset(part, "read-data-subset") }
  return { readData: options.flag("read-data") }
}

function report(call: Call, result: CheckResult, { readData }: CheckRequest): void {
  const { output } = call
  for (const error of result.errors) reportError(output, error)
  for (const { object, message } of result.notes) {
    output.object({ message_type: "note", object, message })
    output.say(`note: ${namedObject(object, message)}`)
  }
  const { errors, snapshots, packs, bytes, chunks, packsRead, unreferenced } = result
  output.object({
    message_type: "summary",
    num_errors: errors.length,
    snapshots,
    packs,
    bytes,
    chunks,
    packs_read: packsRead,
    unreferenced_packs: unreferenced.packs,
    unreferenced_bytes: unreferenced.bytes,
    requests: askedFields(call),
  })
  const read =
    readData === true
      ? `read the data of ${showNumber(packsRead)}`
      : "structure only; use --read-data to verify the data too"
  output.say(
    `checked ${showCount(snapshots, "snapshot")} and ${showCount(packs, "pack")} of ${showBytes(bytes)} (${read})`,
  )
  if (unreferenced.packs > 0) {
    const left = `${showCount(unreferenced.packs, "pack")} (${showBytes(unreferenced.bytes)})`
    output.say(`  ${left} in no snapshot: from a run in progress or an interrupted one (harmless)`)
  }
  output.say(errors.length === 0 ? "no errors were found" : `${showCount(errors.length, "error")} found`)
}

function reportError(output: Output, error: CheckResult["errors"][number]): void {
  const { snapshots } = error
  const whose = snapshots.map((id) => id.slice(0, 8)).join(", ")
  const behind = snapshots.length === 0 ? "" : `; needed by ${whose}`
  reportObjectError(output, "check", error, { more: { snapshots }, behind })
}

/** Compares every object with the digest in its name, without a key. */
async function checkStore(call: Call): Promise<ExitCode> {
  const { output } = call
  const location = locationOf(call, homeOf(call))
  if (location === undefined) {
    const message = "No store: use -r LOCATION, or set HOLDFAST_REPOSITORY"
    throw new EngineError("not-found", "no-repository", message)
  }
  const store = await storeAt(call, location)
  const progress = output.progress("check")
  const { objects, bytes, errors, foreign } = await scrub(store, ({ bytesDone, bytesTotal, current }) => {
    progress.update({ bytes: bytesDone, bytesTotal, current })
  })
  progress.wipe()
  for (const error of errors) reportObjectError(output, "check", error)
  output.object({
    message_type: "summary",
    num_errors: errors.length,
    objects,
    bytes,
    foreign_objects: foreign,
    requests: askedFields(call),
  })
  output.say(
    `${showCount(objects, "object")}, ${showBytes(bytes)}: each compared with the digest in its name`,
  )
  if (errors.length === 0)
    output.say("no errors were found. `holdfast check` with a key also finds missing objects")
  else output.say(`${showCount(errors.length, "error")} found`)
  return errors.length === 0 ? EXIT.done : EXIT.damaged
}

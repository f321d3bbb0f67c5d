/** `holdfast check`: what the engine verified, and each damaged or missing object by its name. */
import { check as runCheck, type CheckRequest, type CheckResult } from "../../engine/index.ts"
import type { Call, Command } from "../call.ts"
import { withRepository } from "../connection.ts"
import { EXIT } from "../exit-codes.ts"
import { showBytes, showCount } from "../format.ts"
import { parsePercent } from "../sizes.ts"

export const check: Command = async (call) => {
  const request = requestOf(call)
  return await withRepository(call, { write: false }, async (repository) => {
    const progress = call.output.progress("check")
    const result = await runCheck(repository, request, (event) => {
      if (event.type !== "progress") return
      progress.update({ bytes: event.bytesDone, bytesTotal: event.bytesTotal, current: event.current })
    })
    progress.wipe()
    report(call, result, request)
    return result.errors.length === 0 ? EXIT.done : EXIT.damaged
  })
}

function requestOf({ options }: Call): CheckRequest {
  const part = options.text("read-data-subset")
  if (part !== undefined) return { readData: true, subset: parsePercent(part, "read-data-subset") }
  return { readData: options.flag("read-data") }
}

function report({ output }: Call, result: CheckResult, { readData }: CheckRequest): void {
  const { errors, packs, bytes, snapshots, chunks, unreferenced } = result
  for (const { object, message, snapshots: hurt = [] } of errors) {
    output.object({
      message_type: "error",
      during: "check",
      object,
      item: object,
      message,
      snapshots: hurt,
      error: { message },
    })
    if (output.json) continue
    const whose = hurt.length === 0 ? "" : `; needed by ${hurt.map((id) => id.slice(0, 8)).join(", ")}`
    output.line(`${message.includes(object) ? message : `${object}: ${message}`}${whose}`)
  }
  output.object({
    message_type: "summary",
    num_errors: errors.length,
    snapshots,
    packs,
    bytes,
    chunks,
    read_data: readData === true,
    unreferenced_packs: unreferenced.packs,
    unreferenced_bytes: unreferenced.bytes,
  })
  const read = readData === true ? "data read and opened" : "references only; --read-data opens the data too"
  output.say(
    `${showCount(snapshots, "snapshot")}, ${showCount(packs, "pack")}, ${showBytes(bytes)} (${read})`,
  )
  if (unreferenced.packs > 0) {
    output.say(
      `  ${showCount(unreferenced.packs, "pack")} (${showBytes(unreferenced.bytes)}) belong to no snapshot; harmless`,
    )
  }
  output.say(errors.length === 0 ? "no errors were found" : `${showCount(errors.length, "error")} found`)
}

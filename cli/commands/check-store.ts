/** `holdfast check --store-only`: compares every object with the digest in its name, without a key. */
import { EngineError, scrub } from "../../engine/index.ts"
import { askedFields } from "./asked.ts"
import type { Call } from "../verbs/call.ts"
import { homeOf, locationOf, storeAt } from "./connection.ts"
import { EXIT, type ExitCode } from "../output/exit-codes.ts"
import { showBytes, showCount } from "../output/format.ts"
import { reportObjectError } from "../output/output.ts"

export async function checkStore(call: Call): Promise<ExitCode> {
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

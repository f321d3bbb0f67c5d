/** `holdfast connect`: joins an existing repository and stores its location. */
import { acceptHead, setDefaultRepository, shellWord, type AcceptEvent } from "../../engine/index.ts"
import { askedFields } from "./asked.ts"
import type { Call, Command } from "../verbs/call.ts"
import { homeOf, withRepository, type OpenHow } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { showTime } from "../output/format.ts"

export const connect: Command = async (call) => {
  const accepts = call.options.flag("accept-head")
  let events = 0
  const tell = (event: AcceptEvent): void => {
    events++
    tellAccepted(call, event)
  }
  const open: OpenHow["open"] = accepts ? async (request) => await acceptHead(request, tell) : undefined
  const write = !call.options.flag("read-only")
  return await withRepository(call, { write, location: call.args[0], open }, async (repository) => {
    const { id, location } = repository
    const device = repository.session.device?.id ?? null
    const chosen = setDefaultRepository(homeOf(call), location, call.options.flag("default"))
    call.output.object({
      message_type: "connected",
      id,
      repository: location,
      default: chosen === location,
      device,
      enrolled: repository.session.enrolled,
      requests: askedFields(call),
    })
    if (accepts && events === 0) call.output.say("no snapshot seen by this device is missing")
    call.output.say(`connected to repository ${id.slice(0, 8)} at ${location}`)
    sayDefault(call, chosen, location)
    return EXIT.done
  })
}

/** An existing default stays, and the next command without -r uses it. */
export function sayDefault({ output }: Call, chosen: string, location: string): void {
  if (chosen === location) return
  output.say(`the default repository is still ${chosen}`)
  output.say(`  to change it: holdfast connect ${shellWord(location)} --default`)
}

/** Even if the rest fails: this device no longer reports it as missing. */
function tellAccepted({ output }: Call, event: AcceptEvent): void {
  if (event.type === "lost") {
    const { digest, shortId, timeNs, series } = event.snapshot
    output.object({ message_type: "snapshot_lost", id: digest, short_id: shortId, series })
    output.say(`given up: snapshot ${shortId} of ${showTime(timeNs)}, ${series}`)
    return
  }
  const { code, message, detail } = event.alarm
  output.object({ message_type: "accepted", code, object: detail["object"], message })
  output.say(`accepted: ${message}`)
}

/** `holdfast connect`: joins a repository that exists, and remembers where it is. */
import type { Command } from "../call.ts"
import { withRepository } from "../connection.ts"
import { EXIT } from "../exit-codes.ts"

export const connect: Command = async (call) => {
  const write = !call.options.flag("read-only")
  return await withRepository(call, { write, location: call.args[0] }, async (repository) => {
    const { id, location } = repository
    const device = repository.device?.id ?? null
    call.output.object({
      message_type: "connected",
      id,
      repository: location,
      device,
      enrolled: repository.enrolled,
    })
    call.output.say(`connected to repository ${id.slice(0, 8)} at ${location}`)
    return EXIT.done
  })
}

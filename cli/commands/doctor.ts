/** `holdfast doctor`: what is wrong here, and what to do about it. */
import { doctor as examine } from "../../engine/index.ts"
import type { Command } from "../call.ts"
import { homeOf, locationOf, withRepository } from "../connection.ts"
import { EXIT } from "../exit-codes.ts"

const SIGNS = { good: "ok", warning: "!!", bad: "XX" } as const

export const doctor: Command = async (call) => {
  const { output } = call
  const home = homeOf(call)
  const findings =
    locationOf(call, home) === undefined
      ? await examine(home)
      : await withRepository(
          call,
          { write: false },
          async (repository) => await examine(home, repository, { probe: call.options.flag("probe") }),
        )
  for (const { level, subject, message, advice } of findings) {
    output.object({ message_type: "finding", level, subject, message, advice })
    output.line(`${SIGNS[level]}  ${subject}: ${message}`)
    if (advice !== undefined) output.line(`      ${advice}`)
  }
  return findings.some(({ level }) => level === "bad") ? EXIT.failed : EXIT.done
}

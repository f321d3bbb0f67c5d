/** `holdfast doctor`: reports problems and what to do about them. A failure is one finding among others. */
import { doctor as examine, parseAddress, type Finding, type Home } from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { homeOf, locationOf, withRepository } from "./connection.ts"
import { EXIT, messageOf, UsageError } from "../output/exit-codes.ts"

const SIGNS = { good: "ok", warning: "!!", bad: "XX" } as const

export const doctor: Command = async (call) => {
  const { output } = call
  const { findings, failure } = await examineAll(call)
  for (const { level, subject, message, advice } of findings) {
    output.object({ message_type: "finding", level, subject, message, advice })
    output.line(`${SIGNS[level]}  ${subject}: ${message}`)
    if (advice !== undefined) output.line(`      ${advice}`)
  }
  // it decides the exit code
  if (failure !== undefined) throw failure.error
  return findings.some(({ level }) => level === "bad") ? EXIT.failed : EXIT.done
}

interface Examined {
  readonly findings: readonly Finding[]
  /** Why the repository could not be opened, or an alarm. */
  readonly failure?: { readonly error: unknown }
}

async function examineAll(call: Call): Promise<Examined> {
  let home: Home | undefined
  let findings = undefined as readonly Finding[] | undefined
  try {
    const found = homeOf(call)
    home = found
    const location = locationOf(call, found)
    if (location === undefined) return { findings: await examine(found) }
    const probe = call.options.flag("probe")
    if (probe && parseAddress(location).kind === "local")
      throw new UsageError(`--probe is for S3, and ${location} is a folder`)
    await withRepository(call, { write: false }, async (repository) => {
      findings = await examine(found, repository, { probe })
    })
    return { findings: findings ?? [] }
  } catch (error) {
    // before the store was opened it concerns flags
    if (error instanceof UsageError && call.stores.length === 0) throw error
    const message = messageOf(error)
    if (message.startsWith("internal error")) throw error
    const failure = { error, message, store: call.stores.at(-1) }
    // an alarm is raised after everything was examined, and is already a finding
    return { findings: findings ?? (await examine(home, undefined, { failure })), failure }
  }
}

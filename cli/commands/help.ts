/** `holdfast help [VERB]`. */
import type { Command } from "../call.ts"
import { EXIT, UsageError, type ExitCode } from "../exit-codes.ts"
import { overview, verbHelp } from "../help-text.ts"
import type { Output } from "../output.ts"
import { unknownVerb } from "../parse.ts"
import { findVerb, secondWords, VERBS } from "../verbs/table.ts"

export const help: Command = async ({ args, output }) => {
  const [first, second] = args
  if (first === undefined) {
    return show(output, overview())
  }
  const found = findVerb(first, second)
  if (found !== undefined) {
    return show(output, verbHelp(found.verb))
  }
  if (secondWords(first).length === 0) {
    throw new UsageError(unknownVerb(first, second))
  }
  const group = VERBS.filter(({ name }) => name.startsWith(`${first} `))
  return show(output, group.map((verb) => verbHelp(verb)).join("\n\n\n"))
}

function show(output: Output, text: string): ExitCode {
  output.line(text)
  output.object({ message_type: "help", text })
  return EXIT.done
}

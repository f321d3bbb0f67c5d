/** `holdfast help [VERB]`. */
import type { Command } from "../verbs/call.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { groupHelp, overview, showHelp, verbHelp } from "../verbs/help-text.ts"
import { findVerb, unknownVerb } from "../verbs/split-verb.ts"
import { secondWords } from "../verbs/table.ts"

export const help: Command = async ({ args, output }) => {
  const [first, second] = args
  showHelp(output, first === undefined ? overview() : helpOf(first, second))
  return EXIT.done
}

function helpOf(first: string, second: string | undefined): string {
  const found = findVerb(first, second)
  if (found !== undefined) return verbHelp(found.verb)
  if (secondWords(first).length === 0) throw new UsageError(unknownVerb(first, second))
  return groupHelp(first)
}

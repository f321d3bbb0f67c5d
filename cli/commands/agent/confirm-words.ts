/**
 * Asks a person for recovery words, as a proof that they are kept somewhere: two of them right after they were made or
 * while the sheet is there, else all 24, which must open the repository.
 */
import { randomInt } from "node:crypto"
import { shellWord } from "../../../engine/index.ts"
import { isNotReady, openSetup } from "../../bridge/config/open-setup.ts"
import { problemOf } from "../../bridge/config/approve.ts"
import { readWordsState, wordsOfSheet, wordsOpen, writeWordsState } from "../../bridge/config/words.ts"
import { AgentProblem } from "../../bridge/problem.ts"
import { EXIT, UsageError, type ExitCode } from "../../output/exit-codes.ts"
import { askHidden, askLine, canAsk } from "../../secrets/prompt.ts"
import type { Call } from "../../verbs/call.ts"

/** @returns whether both were right */
export async function askTwoWords(
  { output }: Call,
  stateFolder: string,
  words: string,
  heading = "",
): Promise<boolean> {
  const all = words.split(" ")
  const first = randomInt(all.length)
  const second = (first + 1 + randomInt(all.length - 1)) % all.length
  output.say("")
  output.say(`${heading}Two of the words are asked for; Enter skips the question.`)
  for (const at of [first, second]) {
    const typed = (await askLine(`Word ${at + 1}: `)).trim().toLowerCase()
    if (typed === all[at]) continue
    output.warn("the words are not confirmed. When you have them, run: holdfast agent init --confirm-words")
    return false
  }
  writeWordsState(stateFolder, { confirmed: true, sheet: readWordsState(stateFolder)?.sheet ?? null })
  output.say("the recovery words are confirmed")
  return true
}

/** `agent init --confirm-words`. */
export async function confirmWords(call: Call): Promise<ExitCode> {
  const { output, options, environment } = call
  if (!canAsk()) throw new UsageError("--confirm-words asks a person, and there is no terminal")
  const workspace = options.text("workspace")
  const setup = await openSetup({ workspace, cwd: process.cwd(), environment })
  if (isNotReady(setup)) throw problemOf(setup.problem)
  const { stateFolder } = setup
  const sheet = readWordsState(stateFolder)?.sheet ?? null
  const words = sheet === null ? undefined : wordsOfSheet(sheet)
  if (words !== undefined && sheet !== null) {
    const isRight = await askTwoWords(call, stateFolder, words.join(" "))
    if (isRight) output.warn(`the sheet is still on this machine. Print it, then run: rm ${shellWord(sheet)}`)
    return isRight ? EXIT.done : EXIT.failed
  }
  const typed = (await askHidden("All 24 recovery words: ")).toLowerCase().match(/[a-z]+/g) ?? []
  if (typed.length !== 24) throw new AgentProblem("recovery-words", `expected 24 words, got ${typed.length}`)
  const repository = await setup.openRepository()
  const isRight = await wordsOpen(repository.store, typed.join(" "))
  repository.close()
  if (!isRight) throw new AgentProblem("recovery-words", "these words don't open the repository")
  writeWordsState(stateFolder, { confirmed: true, sheet })
  output.say("the recovery words open the repository. They are confirmed")
  return EXIT.done
}

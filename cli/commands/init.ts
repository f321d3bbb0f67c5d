/**
 * `holdfast init`: creates a repository. Secrets come from flags, the environment or the terminal. Only secrets/recovery.ts
 * outputs the recovery words.
 */
import { hostname } from "node:os"
import { createRepository, setDefaultRepository, type Secret } from "../../engine/index.ts"
import { askedFields } from "./asked.ts"
import type { Call, Command } from "../verbs/call.ts"
import { homeOf, storeAt } from "./connection.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { canShowWords, deliverWords, keepingPlaces, prepareWordsFiles } from "../secrets/recovery.ts"
import { askNewPassphrase, givenSecrets, warnIfShort } from "../secrets/secrets.ts"
import { sayDefault } from "./connect.ts"

export const init: Command = async (call) => {
  const { output, options } = call
  const home = homeOf(call)
  const location =
    call.args[0] ?? options.text("repo") ?? (call.environment["HOLDFAST_REPOSITORY"] || undefined)
  if (location === undefined)
    throw new UsageError("init needs a location, e.g. holdfast init /mnt/disk/backups")
  const store = await storeAt(call, location)
  const secrets = await newSecrets(call)
  const places = prepareWordsFiles(call, store.folder === undefined ? [] : [store.folder])
  const label = options.text("label") ?? hostname()
  const showsWords = canShowWords(call, places)
  const show = (words: string, repositoryId: string): void =>
    deliverWords(call, words, places, { location: store.location, repositoryId })
  const recovery = showsWords ? show : false
  const created = await keepingPlaces(places, () =>
    createRepository({ store, home, secrets, label, recovery }),
  )
  const chosen = setDefaultRepository(home, store.location, options.flag("default"))
  output.object({
    message_type: "initialized",
    id: created.id,
    repository: store.location,
    default: chosen === store.location,
    recovery_words: showsWords,
    requests: askedFields(call),
  })
  output.say(`created repository ${created.id.slice(0, 8)} at ${store.location}`)
  sayDefault(call, chosen, store.location)
  if (!showsWords) {
    output.warn(
      "no recovery words were made: there is no terminal to show them on. To make them, run: holdfast key add --recovery --recovery-words-file FILE",
    )
  }
  output.say("next: holdfast backup FOLDER")
  for (const warning of created.repository.session.warnings) output.warn(warning)
  created.repository.close()
  return EXIT.done
}

async function newSecrets(call: Call): Promise<Secret[]> {
  const given = givenSecrets(call).filter(({ kind }) => kind !== "recovery")
  warnIfShort(call, given)
  if (given.length > 0) return given
  const typed = await askNewPassphrase()
  if (typed !== undefined) return [typed]
  throw new UsageError(
    "no passphrase or key, and no terminal to ask on. Use --password-file, --password-command, --key-file or the HOLDFAST_PASSWORD variables",
  )
}

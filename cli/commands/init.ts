/**
 * `holdfast init`: makes a repository. Secrets come from flags, the environment or the terminal; the
 * recovery words leave by recovery.ts and by nothing else.
 */
import { hostname } from "node:os"
import { createRepository, type Secret } from "../../engine/index.ts"
import { askedFields } from "../asked.ts"
import type { Call, Command } from "../call.ts"
import { homeOf, storeAt } from "../connection.ts"
import { EXIT, UsageError } from "../exit-codes.ts"
import { deliverWords, keepingPlaces, prepareWordsFiles } from "../recovery.ts"
import { askNewPassphrase, givenSecrets, warnIfShort } from "../secrets.ts"

export const init: Command = async (call) => {
  const { output, options } = call
  const home = homeOf(call)
  const location =
    call.args[0] ?? options.text("repo") ?? (call.environment["HOLDFAST_REPOSITORY"] || undefined)
  if (location === undefined) throw new UsageError("where? for example: holdfast init /mnt/disk/backups")
  const secrets = await newSecrets(call)
  const store = await storeAt(call, location)
  const places = prepareWordsFiles(call, location.includes("://") ? [] : [location])
  const label = options.text("label") ?? hostname()
  const created = await keepingPlaces(places, () => createRepository({ store, home, secrets, label }))
  const facts = { location: store.location, repositoryId: created.id }
  output.object({
    message_type: "initialized",
    id: created.id,
    repository: store.location,
    requests: askedFields(call),
  })
  output.say(`made repository ${created.id.slice(0, 8)} at ${store.location}`)
  if (!deliverWords(call, created.recoveryWords, places, facts)) {
    output.warn("the recovery words were not shown; `holdfast key add --recovery` makes new ones at any time")
  }
  output.say("save something in it: holdfast backup FOLDER")
  for (const warning of created.repository.warnings) output.warn(warning)
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
    "no passphrase or key was given and there is no terminal to ask on; use --password-file, --password-command, --key-file, or HOLDFAST_PASSWORD and the like",
  )
}

/** `holdfast key list|add|remove|passwd`: the secrets that open the repository. */
import { hostname } from "node:os"
import {
  addKey,
  changePassphrase,
  EngineError,
  listKeys,
  removeKey,
  snapshots,
  type KeyInfo,
  type Repository,
  type Secret,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { withRepository } from "./connection.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { pathText } from "../output/json-shapes.ts"
import { deliverWords, keepingPlaces, prepareWordsFiles } from "../secrets/recovery.ts"
import { canAsk } from "../secrets/prompt.ts"
import { isTerminal } from "../output/terminal.ts"
import {
  askNewPassphrase,
  askPassphrase,
  givenSecrets,
  secretsFromFlags,
  warnIfShort,
  withTypedTries,
  type SecretFlags,
} from "../secrets/secrets.ts"

const NEW_PASSPHRASE: SecretFlags = {
  passwordFile: "new-password-file",
  passwordCommand: "new-password-command",
}

const NEW_SECRET: SecretFlags = { ...NEW_PASSPHRASE, keyFile: "new-key-file" }

export const keyList: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    const keys = await listKeys(repository)
    for (const { id, kind, role } of keys) output.object({ message_type: "key", id, kind, role })
    const rows = keys.map(({ id, kind, role }) => [id.slice(0, 8), kind, role])
    for (const line of table(["id", "kind", "role"], rows)) output.line(line)
    return EXIT.done
  })

export const keyAdd: Command = async (call) => {
  const { options, output } = call
  if (options.flag("recovery")) return await addRecoveryWords(call)
  const withAuthority = authorityOf(call)
  const secret = newSecret(call, NEW_SECRET)
  return await withRepository(call, { write: true }, async (repository) => {
    const { id, kind } = await withAuthority((authority) => addKey(repository, { secret, authority }))
    output.object({ message_type: "key_added", id, kind })
    output.say(`added ${kind} ${id.slice(0, 8)}`)
    return EXIT.done
  })
}

async function addRecoveryWords(call: Call): Promise<typeof EXIT.done> {
  const { output, options } = call
  const named = options.text("recovery-words-file") ?? options.text("recovery-sheet")
  if (named === undefined && (output.json || !isTerminal(1))) {
    throw new UsageError(
      "recovery words are shown only on a terminal. Use --recovery-words-file FILE or --recovery-sheet FILE",
    )
  }
  const withAuthority = authorityOf(call)
  return await withRepository(call, { write: true }, async (repository) => {
    const places = prepareWordsFiles(call, await foldersToAvoid(repository))
    const facts = { location: repository.location, repositoryId: repository.id }
    const showWords = (words: string): void => deliverWords(call, words, places, facts)
    const added = await keepingPlaces(places, () =>
      withAuthority((authority) => addKey(repository, { recovery: true, showWords, authority })),
    )
    output.object({ message_type: "key_added", id: added.id, kind: "recovery" })
    return EXIT.done
  })
}

export const keyRemove: Command = async (call) => {
  const { output, options } = call
  const dryRun = options.flag("dry-run")
  const withAuthority = authorityOf(call)
  return await withRepository(call, { write: !dryRun, dryRun }, async (repository) => {
    const key = matchingKey(await listKeys(repository), call.args[0] ?? "")
    await withAuthority((authority) => removeKey(repository, { id: key.id, authority, dryRun }))
    output.object({
      message_type: "key_removed",
      id: key.id,
      kind: key.kind,
      ...(dryRun ? { dry_run: true } : {}),
    })
    output.say(`${dryRun ? "dry run: would remove" : "removed"} ${key.kind} ${key.id.slice(0, 8)}`)
    return EXIT.done
  })
}

export const keyPasswd: Command = async (call) => {
  const { output } = call
  const withAuthority = authorityOf(call)
  const secret = newSecret(call, NEW_PASSPHRASE)
  return await withRepository(call, { write: true }, async (repository) => {
    const { id } = await withAuthority((authority) => changePassphrase(repository, { authority, secret }))
    output.object({ message_type: "key_added", id, kind: "passphrase" })
    output.say("the passphrase was changed; the old one no longer opens the repository")
    return EXIT.done
  })
}

function matchingKey(keys: readonly KeyInfo[], prefix: string): KeyInfo {
  const [found, second] = keys.filter(({ id }) => id.startsWith(prefix.toLowerCase()))
  if (found === undefined)
    throw new EngineError(
      "not-found",
      "no-key",
      `no key starts with "${prefix}". Run \`holdfast key list\` to see them`,
    )
  if (second !== undefined) throw new UsageError(`several keys start with "${prefix}". Give more digits`)
  return found
}

type WithAuthority = <T>(change: (authority: Secret) => Promise<T>) => Promise<T>

/**
 * The secret that authorises a change of keys; a device alone is not enough. A typed one may be wrong as often as
 * when a repository is opened. Throws before any change if there is no secret and no terminal to ask on.
 */
function authorityOf(call: Call): WithAuthority {
  const [given] = givenSecrets(call)
  if (given !== undefined) return async (change) => await change(given)
  if (!canAsk()) throw noAuthority()
  return async (change) =>
    await withTypedTries(async () => {
      const typed = await askPassphrase("Current passphrase")
      if (typed === undefined) throw noAuthority()
      return await change(typed)
    })
}

function noAuthority(): UsageError {
  return new UsageError(
    "changing keys needs a current secret of the repository. Use --password-file or --key-file",
  )
}

/** Flags are read at once; a question follows later, when the current secret has been verified. */
function newSecret(call: Call, flags: SecretFlags): Secret | (() => Promise<Secret>) {
  const [given] = secretsFromFlags(call, flags)
  if (given !== undefined) {
    warnIfShort(call, [given])
    return given
  }
  if (!canAsk()) throw noNewSecret()
  return async () => {
    const typed = await askNewPassphrase()
    if (typed === undefined) throw noNewSecret()
    return typed
  }
}

function noNewSecret(): UsageError {
  return new UsageError("give the new secret with --new-password-file or --new-password-command")
}

/** The folders that this machine backs up. Words in them would be stored in the repository itself. */
async function foldersToAvoid(repository: Repository): Promise<string[]> {
  const own = await snapshots(repository, { host: hostname() })
  return [...new Set(own.flatMap(({ paths }) => paths.map(pathText)))]
}

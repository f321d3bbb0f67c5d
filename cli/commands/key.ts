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
import type { Call, Command } from "../call.ts"
import { table } from "../columns.ts"
import { withRepository } from "../connection.ts"
import { EXIT, UsageError } from "../exit-codes.ts"
import { pathText } from "../json-shapes.ts"
import { deliverWords, keepingPlaces, prepareWordsFiles } from "../recovery.ts"
import { isTerminal } from "../terminal.ts"
import {
  askNewPassphrase,
  askPassphrase,
  givenSecrets,
  secretsFromFlags,
  warnIfShort,
  type SecretFlags,
} from "../secrets.ts"

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
  const secret = await newSecret(call, NEW_SECRET)
  return await withRepository(call, { write: true }, async (repository) => {
    const { id, kind } = await addKey(repository, { secret, authority: await authority(call) })
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
      "the words are shown on a terminal only; give --recovery-words-file FILE or --recovery-sheet FILE",
    )
  }
  return await withRepository(call, { write: true }, async (repository) => {
    const places = prepareWordsFiles(call, await foldersToAvoid(repository))
    const facts = { location: repository.location, repositoryId: repository.id }
    const showWords = (words: string): void => deliverWords(call, words, places, facts)
    const added = await keepingPlaces(places, async () =>
      addKey(repository, { recovery: true, showWords, authority: await authority(call) }),
    )
    output.object({ message_type: "key_added", id: added.id, kind: "recovery" })
    return EXIT.done
  })
}

export const keyRemove: Command = async (call) => {
  const { output, options } = call
  const dryRun = options.flag("dry-run")
  return await withRepository(call, { write: !dryRun, dryRun }, async (repository) => {
    const key = matchingKey(await listKeys(repository), call.args[0] ?? "")
    await removeKey(repository, { id: key.id, authority: await authority(call), dryRun })
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
  const old = await authority(call)
  const secret = await newSecret(call, NEW_PASSPHRASE)
  return await withRepository(call, { write: true }, async (repository) => {
    const { id } = await changePassphrase(repository, { authority: old, secret })
    output.object({ message_type: "key_added", id, kind: "passphrase" })
    output.say("the passphrase is changed; the old one opens nothing from now on")
    return EXIT.done
  })
}

function matchingKey(keys: readonly KeyInfo[], prefix: string): KeyInfo {
  const [found, second] = keys.filter(({ id }) => id.startsWith(prefix.toLowerCase()))
  if (found === undefined)
    throw new EngineError(
      "not-found",
      "no-key",
      `no key starts with "${prefix}"; \`holdfast key list\` shows them`,
    )
  if (second !== undefined) throw new UsageError(`several keys start with "${prefix}"; give more digits`)
  return found
}

/** A change of who may open the repository is allowed by a secret, not by a device alone. */
async function authority(call: Call): Promise<Secret> {
  const secret = givenSecrets(call)[0] ?? (await askPassphrase("Current passphrase"))
  if (secret !== undefined) return secret
  throw new UsageError(
    "changing keys needs a secret that opens the repository now; give --password-file or --key-file",
  )
}

async function newSecret(call: Call, flags: SecretFlags): Promise<Secret> {
  const [given] = secretsFromFlags(call, flags)
  if (given !== undefined) warnIfShort(call, [given])
  const secret = given ?? (await askNewPassphrase())
  if (secret !== undefined) return secret
  throw new UsageError("give the new secret by --new-password-file or --new-password-command")
}

/** The folders that this machine backs up: words in there would end up in the repository itself. */
async function foldersToAvoid(repository: Repository): Promise<string[]> {
  const own = await snapshots(repository, { host: hostname() })
  return [...new Set(own.flatMap(({ paths }) => paths.map(pathText)))]
}

/**
 * Reads a passphrase, a key or recovery words: from flags first, then the environment, then a question on the
 * terminal. Never from an argument, which other users of the machine can read. Values are never printed, not even
 * in errors.
 */
import { errnoOf, errnoText } from "../../engine/base/errno.ts"
import { spawnSync } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { wordCounter, type EngineError, type Secret } from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { isEngineError, UsageError } from "../output/exit-codes.ts"
import { askHidden, askHiddenLines, canAsk } from "./prompt.ts"

/** The flags of the table that a verb reads a secret from. */
export interface SecretFlags {
  readonly passwordFile: string
  readonly passwordCommand: string
  readonly keyFile?: string
  readonly recoveryWordsFile?: string
}

const OPENING: SecretFlags = {
  passwordFile: "password-file",
  passwordCommand: "password-command",
  keyFile: "key-file",
}

/** All secrets from flags; without any, all from the environment. */
export function givenSecrets(call: Call): Secret[] {
  const reads = call.verb.flags.some(({ name }) => name === "recovery-words-file") && !writesWords(call)
  const flags = reads ? { ...OPENING, recoveryWordsFile: "recovery-words-file" } : OPENING
  const fromFlags = secretsFromFlags(call, flags)
  return fromFlags.length > 0 ? fromFlags : secretsFromEnvironment(call)
}

/** `init` and `key add` write recovery words to the file that other verbs read them from. */
function writesWords(call: Call): boolean {
  return call.verb.flags.some(({ name }) => name === "recovery-sheet")
}

export function secretsFromFlags(call: Call, flags: SecretFlags): Secret[] {
  const text = (flag?: string): string | undefined =>
    flag === undefined ? undefined : call.options.text(flag)
  const secrets: Secret[] = []
  const passwordFile = text(flags.passwordFile)
  const command = text(flags.passwordCommand)
  const keyFile = text(flags.keyFile)
  const wordsFile = text(flags.recoveryWordsFile)
  if (passwordFile !== undefined) secrets.push(passphraseFromFile(call, passwordFile))
  if (command !== undefined) secrets.push(passphraseFromCommand(command))
  if (keyFile !== undefined) secrets.push(keyFromFile(call, keyFile))
  if (wordsFile !== undefined) secrets.push(wordsFromFile(call, wordsFile))
  return secrets
}

function secretsFromEnvironment(call: Call): Secret[] {
  const secrets: Secret[] = []
  const variable = (name: string): string | undefined => call.environment[name] || undefined
  const password = variable("HOLDFAST_PASSWORD")
  const passwordFile = variable("HOLDFAST_PASSWORD_FILE")
  const command = variable("HOLDFAST_PASSWORD_COMMAND")
  const keyFile = variable("HOLDFAST_KEY_FILE")
  const wordsFile = variable("HOLDFAST_RECOVERY_WORDS_FILE")
  if (keyFile !== undefined) secrets.push(keyFromFile(call, keyFile))
  if (password !== undefined) secrets.push({ kind: "passphrase", text: password })
  else if (passwordFile !== undefined) secrets.push(passphraseFromFile(call, passwordFile))
  else if (command !== undefined) secrets.push(passphraseFromCommand(command))
  if (wordsFile !== undefined && !writesWords(call)) secrets.push(wordsFromFile(call, wordsFile))
  return secrets
}

/** Asks on the terminal; undefined without one. */
export async function askPassphrase(question: string): Promise<Secret | undefined> {
  if (!canAsk()) return undefined
  const text = await askHidden(`${question}: `)
  return text === "" ? undefined : { kind: "passphrase", text }
}

const RECOVERY_WORDS = 24

export const WORDS_OR_PASSPHRASE = "recovery words or passphrase"

/**
 * Asks for what opens an agent's repository. Recovery words may be typed or pasted on one line or several, with or
 * without numbers. Undefined without a terminal.
 */
export async function askWordsOrPassphrase(): Promise<Secret | undefined> {
  if (!canAsk()) return undefined
  const count = await wordCounter()
  const lines = await askHiddenLines(
    "24 recovery words (on one line or several), or passphrase: ",
    ([first = "", ...others]) => {
      const { words } = count([first, ...others].join(" "))
      const start = count(first)
      const isWords = start.words > 0 && start.known * 2 >= start.words
      if (!isWords || words >= RECOVERY_WORDS || others.at(-1)?.trim() === "") return undefined
      return `${words} of ${RECOVERY_WORDS} words; go on, or press Enter if this is all: `
    },
  )
  const [text = ""] = lines
  if (text === "") return undefined
  const { words } = count(lines.join(" "))
  const isOne = lines.slice(1).every((line) => line.trim() === "")
  if (words !== RECOVERY_WORDS && isOne) return { kind: "passphrase", text }
  return { kind: "recovery", words: lines.join(" ") }
}

/** The same number as login and ssh. */
const TYPED_TRIES = 3

/** Runs again after a wrong passphrase or wrong words, if they were typed. */
export async function withTypedTries<T>(
  run: () => Promise<T>,
  isTyped: () => boolean = () => true,
  asked = "passphrase",
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      const wrong = isEngineError(error) ? wrongSecret(error, asked) : undefined
      if (wrong === undefined || tries === TYPED_TRIES || !isTyped()) throw error
      process.stderr.write(`${wrong}. Try again.\n`)
    }
  }
}

function wrongSecret({ code, message }: EngineError, asked: string): string | undefined {
  if (code === "recovery-words") return message.replace(/^i/, "I")
  return code === "wrong-key" ? `Wrong ${asked}` : undefined
}

/** Shorter ones can be guessed in hours with a copy of the repository. */
const PASSPHRASE_CHARACTERS_MIN = 8

/**
 * Asks twice, because a mistyped passphrase would lock its owner out. A short one is accepted only if it is chosen
 * again after a warning.
 */
export async function askNewPassphrase(): Promise<Secret | undefined> {
  if (!canAsk()) return undefined
  let short: string | undefined
  for (let attempt = 0; attempt < 4; attempt++) {
    const text = await askHidden("New passphrase: ")
    if (text === "") throw new UsageError("the passphrase is empty")
    if (isShort(text) && text !== short) {
      short = text
      process.stderr.write(`${SHORT_PASSPHRASE}. Choose a longer one, or type it again to use it.\n`)
      continue
    }
    if (text === (await askHidden("Repeat the passphrase: "))) return { kind: "passphrase", text }
    process.stderr.write("The passphrases don't match. Try again.\n")
  }
  throw new UsageError("no passphrase was chosen")
}

const SHORT_PASSPHRASE = `The passphrase has fewer than ${PASSPHRASE_CHARACTERS_MIN} characters and can be guessed`

function isShort(text: string): boolean {
  return Array.from(text).length < PASSPHRASE_CHARACTERS_MIN
}

/** A new passphrase that was not typed is used as it is. */
export function warnIfShort(call: Call, secrets: readonly Secret[]): void {
  if (secrets.some((secret) => secret.kind === "passphrase" && isShort(secret.text)))
    call.output.warn(`${SHORT_PASSPHRASE}; \`holdfast key passwd\` changes it`)
}

function passphraseFromFile(call: Call, path: string): Secret {
  const text = readSecret(call, path, "passphrase").toString("utf8")
  return passphrase(text, `the passphrase file ${path}`)
}

function passphraseFromCommand(command: string): Secret {
  const result = spawnSync(command, { shell: true, stdio: ["inherit", "pipe", "inherit"] })
  if (result.error !== undefined || result.status !== 0) {
    const how = result.status === null ? "could not run" : `exited with ${result.status}`
    throw new UsageError(`the passphrase command ${how}`)
  }
  return passphrase(result.stdout.toString("utf8"), "the passphrase command")
}

function passphrase(text: string, from: string): Secret {
  const cut = text.replace(/\r?\n$/, "")
  if (cut === "") throw new UsageError(`${from} gave an empty passphrase`)
  return { kind: "passphrase", text: cut }
}

function keyFromFile(call: Call, path: string): Secret {
  const content = readSecret(call, path, "key")
  const bytes = decodeKey(content)
  if (bytes === undefined) {
    throw new UsageError(
      `${path} does not contain a 32-byte key. Make one with: head -c 32 /dev/urandom | base64 > KEYFILE && chmod 600 KEYFILE`,
    )
  }
  return { kind: "key", bytes }
}

/** 32 bytes as base64 (both alphabets) or hex; or raw bytes, unless they look like typed text. */
export function decodeKey(content: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(content).toString("latin1").trim()
  if (/^[0-9a-fA-F]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, "hex"))
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return new Uint8Array(Buffer.from(text, "base64"))
  const typed = content.every((byte) => byte >= 0x20 && byte < 0x7f)
  return content.length === 32 && !typed ? new Uint8Array(content) : undefined
}

function wordsFromFile(call: Call, path: string): Secret {
  const text = readSecret(call, path, "recovery words").toString("utf8")
  // Words typed from a printed recovery sheet may be numbered.
  const words = text.toLowerCase().match(/[a-z]+/g) ?? []
  if (words.length !== 24) throw new UsageError(`${path} contains ${words.length} words, expected 24`)
  return { kind: "recovery", words: words.join(" ") }
}

function readSecret(call: Call, path: string, what: string): Buffer {
  try {
    const { mode } = statSync(path)
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      call.output.warn(`other users can read the ${what} file ${path}. Run: chmod 600 ${path}`)
    }
    return readFileSync(path)
  } catch (error) {
    const code = errnoOf(error)
    const why = code === "ENOENT" ? "does not exist" : `cannot be read: ${errnoText(code)}`
    throw new UsageError(`the ${what} file ${path} ${why}`)
  }
}

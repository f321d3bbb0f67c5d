/**
 * Reads the secret of a reference: from a variable, a private file, a command's output or the
 * system's keychain. No error contains a value or a program's output. See spec/secrets.md.
 */
import { errnoOf, errnoText } from "../base/errno.ts"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { EngineError, type ErrorKind } from "../base/errors.ts"
import { readKeychain } from "./keychain.ts"
import { parseSecretReference } from "./reference.ts"
import { outputOf, SECRET_BYTES_MAX, type SecretPorts } from "./run-program.ts"

/** File modes on Windows say nothing about access. */
const OTHERS = 0o077
const UNPRINTED_PATH = /[^\w@%+=:,./~-]/

/**
 * Reads a secret that is named by reference (spec/secrets.md), without a trailing newline.
 * @param reference `env:NAME`, `file:PATH`, `command:LINE` or `keychain:NAME`
 * @param what the secret's name in messages, which begin with it
 * @throws invalid "literal-secret", "secret-reference", "secret-missing" or "secret-file"; denied "secret-open" or "secret-command"
 */
export async function readSecret(reference: string, what: string, ports: SecretPorts): Promise<string> {
  const parsed = parseSecretReference(reference, what)
  const text = await readText()
  if (text !== "") return text
  throw failure("invalid", "secret-empty", `${what}: ${parsed.kind}: is empty`)

  async function readText(): Promise<string> {
    switch (parsed.kind) {
      case "env":
        return fromEnvironment(parsed.name, what, ports)
      case "file":
        return cut(fromFile(parsed.path, what, ports))
      case "command":
        return cut(await fromCommand(parsed.command, what, ports))
      case "keychain":
        return cut(await readKeychain(parsed.name, what, ports))
    }
  }
}

function fromEnvironment(name: string, what: string, { environment }: SecretPorts): string {
  const value = environment[name]
  if (value !== undefined && value !== "") return value
  throw failure("invalid", "secret-missing", `${what}: the variable ${name} is not set`)
}

/** Checks the mode of the open file, so the file checked is the file read. */
function fromFile(given: string, what: string, { environment, platform }: SecretPorts): string {
  const file = given.startsWith("~/") ? path.join(homeOf(environment, what), given.slice(2)) : given
  let handle: number | undefined
  try {
    handle = fs.openSync(file, "r")
    const { mode, size } = fs.fstatSync(handle)
    if (platform !== "win32" && (mode & OTHERS) !== 0) throw openToOthers(file, what)
    if (size > SECRET_BYTES_MAX)
      throw failure("invalid", "secret-file", `${what}: ${file} is too large for a secret`)
    return fs.readFileSync(handle, "utf8")
  } catch (error) {
    if (error instanceof EngineError) throw error
    const code = errnoOf(error) || "unknown"
    const why = code === "ENOENT" ? "does not exist" : `cannot be read: ${errnoText(code)}`
    throw failure("invalid", "secret-file", `${what}: the file ${file} ${why}`)
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

/** An empty HOME would be the current folder. */
function homeOf(environment: SecretPorts["environment"], what: string): string {
  const home = environment["HOME"] ?? os.homedir()
  if (path.isAbsolute(home)) return home
  throw failure("invalid", "secret-file", `${what}: file:~/ needs the variable HOME, which is empty`)
}

function openToOthers(file: string, what: string): EngineError {
  const typed = UNPRINTED_PATH.test(file) ? `'${file.replaceAll("'", String.raw`'\''`)}'` : file
  return failure("denied", "secret-open", `${what}: other users can read ${file}. Run: chmod 600 ${typed}`)
}

/** Runs the command in the shell, like --password-command. It may use the terminal, but not our input. */
async function fromCommand(command: string, what: string, { environment }: SecretPorts): Promise<string> {
  const ended = await outputOf({ program: command, shell: true, environment, stderr: "inherit" })
  if (ended.code === 0) return ended.output
  throw failure("denied", "secret-command", `${what}: the command ${ended.how}`)
}

function cut(text: string): string {
  return text.replace(/\r?\n$/, "")
}

function failure(kind: ErrorKind, code: string, message: string): EngineError {
  return new EngineError(kind, code, message)
}

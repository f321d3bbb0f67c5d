/**
 * A reference to a secret, so configurations, arguments and environments need not contain the secret.
 * Pure; `read-secret.ts` reads the secret. See spec/secrets.md.
 *
 *     reference = "env:" NAME / "file:" PATH / "command:" COMMAND / "keychain:" NAME
 */
import { EngineError } from "../base/errors.ts"

export type SecretReference =
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "keychain"; readonly name: string }

const FORM = /^(env|file|command|keychain):(.+)$/s
const VARIABLE = /^[A-Za-z_]\w{0,199}$/
/** No leading dash, which a keychain's program would read as a flag. */
const KEYCHAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}$/

/**
 * @param what the secret's name in messages
 * @throws invalid "literal-secret" for anything else, without repeating it: it may be the secret
 */
export function parseSecretReference(text: string, what: string): SecretReference {
  const [, kind = "", rest = ""] = FORM.exec(text) ?? []
  switch (kind) {
    case "env":
      if (VARIABLE.test(rest)) return { kind, name: rest }
      throw badReference(`${what}: env: needs the name of a variable, e.g. env:BACKUP_KEYS`)
    case "file":
      if (!rest.includes("\0")) return { kind, path: rest }
      throw badReference(`${what}: file: needs a path, e.g. file:~/.config/holdfast/keys`)
    case "command":
      if (rest.trim() !== "") return { kind, command: rest }
      throw badReference(`${what}: command: needs a command, e.g. "command:pass show backup"`)
    case "keychain":
      if (KEYCHAIN_NAME.test(rest)) return { kind, name: rest }
      throw badReference(`${what}: keychain: needs a name of letters, digits, ".", "_", "@" and "-"`)
    default:
      throw new EngineError(
        "invalid",
        "literal-secret",
        `${what}: expected a reference, not the secret itself. Use file:PATH, command:COMMAND,` +
          " keychain:NAME or env:NAME. If you typed a secret here, it is now in the shell history and was visible in the process list: replace it",
      )
  }
}

function badReference(message: string): EngineError {
  return new EngineError("invalid", "secret-reference", message)
}

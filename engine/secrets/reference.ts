/**
 * A reference says where a secret lies, so that configurations, arguments and environments need not
 * hold the secret itself. Pure; what it leads to is read by `read-secret.ts`. See spec/secrets.md.
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
/** No leading dash, which a keychain's program would take for a flag. */
const KEYCHAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}$/

/**
 * `what` names the secret in messages. Throws "invalid": "literal-secret" for anything that is no
 * reference, and never repeats it, for it may be the secret itself.
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

/**
 * The engine's only error class for failures. Bugs are `assert`ions; expected outcomes are values.
 * `kind` says what a caller can do, `code` what happened. The message is for a person: lower case,
 * no full stop, the object's name, what was found and what was expected. Messages never contain
 * secrets, nor names from inside sealed data if the store caused them.
 */
export type ErrorKind =
  | "not-found" // the named thing doesn't exist
  | "corrupt" // the bytes exist but are wrong
  | "unavailable" // may work later; the only kind that is retried, and only by the retrying store
  | "denied" // a secret, a right or a role is missing
  | "invalid" // the caller's input
  | "conflict" // somebody else was faster, or is using it
  | "untrusted" // rolled back, forked, dropped, or signed by an unknown key

export class EngineError extends Error {
  readonly kind: ErrorKind
  /** A stable, kebab-case word for this failure, e.g. "wrong-key", "pack-directory". */
  readonly code: string
  /** Facts for programs: `object` names the damaged object, if there is one. */
  readonly detail: Readonly<Record<string, string | number>>

  constructor(
    kind: ErrorKind,
    code: string,
    message: string,
    options: { detail?: Record<string, string | number>; cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined)
    this.name = "EngineError"
    this.kind = kind
    this.code = code
    this.detail = options.detail ?? {}
  }
}

/** The error for an object's bytes that don't match its format. `object` is its name in the store. */
export function corrupt(code: string, object: string, found: string): EngineError {
  return new EngineError("corrupt", code, `${object}: ${found}`, { detail: { object } })
}

export function isEngineError(error: unknown, code?: string): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code)
}

/** Stops the program at a bug. Never used for input, bytes from a store, or the file system. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new Error(`bug: ${claim}`)
}

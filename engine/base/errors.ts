/**
 * The one error that the engine throws for a failure. Bugs are `assert`ions; expected outcomes are
 * values. `kind` says what a caller can do, `code` says what happened, and the message is for a
 * person: lower case, no full stop, the object's name, what was found and what was expected.
 * Messages never hold secrets, nor names from inside sealed data when the store caused them.
 */
export type ErrorKind =
  | "not-found" // the named thing is not there
  | "corrupt" // bytes are there and are wrong
  | "unavailable" // may work later; the only kind that is retried, by the retrying store alone
  | "denied" // a secret, a right or a role is missing
  | "invalid" // the caller's input
  | "conflict" // somebody else has been faster, or holds it
  | "untrusted" // rolled back, forked, dropped, or signed by nobody we know

export class EngineError extends Error {
  readonly kind: ErrorKind
  /** A stable, kebab-case word for this failure, e.g. "wrong-key", "pack-directory". */
  readonly code: string
  /** Facts for programs: `object` names the damaged object when there is one. */
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

/** An object's bytes are not what its format says. `object` is its name in the store. */
export function corrupt(code: string, object: string, found: string): EngineError {
  return new EngineError("corrupt", code, `${object}: ${found}`, { detail: { object } })
}

export function isEngineError(error: unknown, code?: string): error is EngineError {
  return error instanceof EngineError && (code === undefined || error.code === code)
}

/** Stops the program at a bug of ours. Never used for input, bytes from a store, or the file system. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new Error(`bug: ${claim}`)
}

/**
 * An error sent from a worker thread. Structured cloning drops the class and the fields of an
 * `EngineError` and of a failed system call. All pools send errors that stop a run in this form, so
 * kind, code and message arrive unchanged. `cause` is lost.
 */
import { EngineError, type ErrorKind } from "./errors.ts"

export interface TravellingError {
  readonly message: string
  readonly stack: string | undefined
  /** Of an `EngineError`. */
  readonly kind: ErrorKind | undefined
  readonly detail: Readonly<Record<string, string | number>>
  /** Code, system call, path and the like. */
  readonly fields: Readonly<Record<string, string | number>>
}

const FIELDS = ["code", "errno", "syscall", "path", "dest"] as const

export function packError(error: unknown): TravellingError {
  if (!(error instanceof Error))
    return { message: String(error), stack: undefined, kind: undefined, detail: {}, fields: {} }
  const isOurs = error instanceof EngineError
  const fields: Record<string, string | number> = {}
  for (const name of FIELDS) {
    const value: unknown = Reflect.get(error, name)
    if (typeof value === "string" || typeof value === "number") fields[name] = value
  }
  return {
    message: error.message,
    stack: error.stack,
    kind: isOurs ? error.kind : undefined,
    detail: isOurs ? { ...error.detail } : {},
    fields,
  }
}

export function unpackError({ message, stack, kind, detail, fields }: TravellingError): Error {
  const error =
    kind === undefined
      ? Object.assign(new Error(message), fields)
      : new EngineError(kind, String(fields["code"]), message, { detail: { ...detail } })
  if (stack !== undefined) error.stack = stack
  return error
}

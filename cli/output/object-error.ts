/** An object of the store that is wrong, on a line of its own: what check, scrub and copy have to tell. */
import type { Output } from "./output.ts"

export interface ObjectError {
  readonly object: string
  readonly message: string
}

/** `more` are further fields of the JSON line, `behind` goes behind the words. */
export function tellObjectError(
  output: Output,
  during: "check" | "copy",
  { object, message }: ObjectError,
  { more = {}, behind = "" }: { more?: Record<string, unknown>; behind?: string } = {},
): void {
  output.errorObject({ message_type: "error", message, error: { message }, during, item: object, ...more })
  output.line(`${namedObject(object, message)}${behind}`)
}

/** Most messages begin with the object's name. */
export function namedObject(object: string, message: string): string {
  return message.includes(object) ? message : `${object}: ${message}`
}

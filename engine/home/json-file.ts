/**
 * Reads the home's JSON files strictly, since they are few, small and important. Anything
 * unexpected is `corrupt`, with the file and the field. Numbers beyond 2^53 are decimal text.
 */
import { basename } from "node:path"
import { EngineError } from "../base/errors.ts"
import { type Bytes, fromHex } from "../base/bytes.ts"

export interface JsonFields {
  readonly text: (field: string) => string
  readonly integer: (field: string) => number
  /** Lower-case hex of this many bytes, as text. */
  readonly hex: (field: string, bytes: number) => string
  /** Base64 of this many bytes. */
  readonly base64: (field: string, bytes: number) => Bytes
  /** Returns undefined for null. */
  readonly object: (field: string) => JsonFields | undefined
  readonly list: (field: string) => JsonFields[]
  /** Empty if the field is missing: later versions added it. */
  readonly texts: (field: string) => string[]
  readonly decimal: (field: string) => bigint
  readonly isNull: (field: string) => boolean
  readonly has: (field: string) => boolean
}

export function parseJsonFile(text: string, file: string): JsonFields {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw damaged(file, "is not JSON", cause)
  }
  return fieldsOf(value, file, "the file")
}

/** By file name. */
const ADVICE: Readonly<Record<string, string>> = {
  "device.json":
    ". Move this file away, and give the repository's passphrase once: this device then gets new keys",
  "pins.json":
    ". Move this file away to continue. An older copy of the repository that was put back before then can't be noticed",
}

export function damaged(file: string, found: string, cause?: unknown): EngineError {
  const message = `${file}: ${found}${ADVICE[basename(file)] ?? ""}`
  return new EngineError("corrupt", "home-damaged", message, { detail: { object: file }, cause })
}

function fieldsOf(value: unknown, file: string, where: string): JsonFields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw damaged(file, `${where} is not an object`)
  const record = value as Readonly<Record<string, unknown>>
  const wrong = (field: string, expected: string): EngineError =>
    damaged(file, `"${field}" is not ${expected}`)
  const own = (field: string): unknown => (Object.hasOwn(record, field) ? record[field] : undefined)
  const text = (field: string): string => {
    const found = own(field)
    if (typeof found !== "string") throw wrong(field, "text")
    return found
  }
  return {
    text,
    integer(field) {
      const found = own(field)
      if (typeof found !== "number" || !Number.isSafeInteger(found) || found < 0)
        throw wrong(field, "a count")
      return found
    },
    hex(field, bytes) {
      if (fromHex(text(field))?.length !== bytes) throw wrong(field, `${bytes} bytes in hex`)
      return text(field)
    },
    base64(field, bytes) {
      const found = new Uint8Array(Buffer.from(text(field), "base64"))
      if (found.length !== bytes) throw wrong(field, `${bytes} bytes in base64`)
      return found
    },
    object: (field) => (own(field) === null ? undefined : fieldsOf(own(field), file, `"${field}"`)),
    list(field) {
      const found = own(field)
      if (!Array.isArray(found)) throw wrong(field, "a list")
      return found.map((item: unknown) => fieldsOf(item, file, `an item of "${field}"`))
    },
    texts(field) {
      const found = own(field) ?? []
      if (!Array.isArray(found) || !found.every((item) => typeof item === "string"))
        throw wrong(field, "a list of texts")
      return found
    },
    decimal(field) {
      if (!/^\d{1,20}$/.test(text(field))) throw wrong(field, "a decimal number")
      return BigInt(text(field))
    },
    isNull: (field) => own(field) === null,
    has: (field) => own(field) !== undefined,
  }
}

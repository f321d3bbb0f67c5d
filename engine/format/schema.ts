/**
 * The last step of reading a structured object: converts canonical values to typed fields. Each
 * check names the field, the value found and the one expected, and bounds every length and number.
 * Every codec in this folder uses it after `decodeCanonical`. spec/msgpack.md.
 */
import type { Bytes } from "../base/bytes.ts"
import { corrupt } from "../base/errors.ts"
import type { Value } from "./msgpack.ts"

type Field<T> = (value: Value, field: string) => T

/** Every method throws `corrupt(code, object, …)` if `value` doesn't match. */
export interface Schema {
  /** A map with exactly these keys. */
  readonly map: <K extends string>(
    value: Value,
    field: string,
    keys: readonly K[],
  ) => Readonly<Record<K, Value>>
  /** A map with at most `max` keys of any name. */
  readonly dictionary: (value: Value, field: string, max: number) => Readonly<Record<string, Value>>
  /** An array of exactly `length` items. */
  readonly tuple: (value: Value, field: string, length: number) => readonly Value[]
  /** An array of at most `max` items. */
  readonly array: (value: Value, field: string, max: number) => readonly Value[]
  readonly int: (value: Value, field: string, bounds: IntBounds) => number
  /** A whole number of either width as a bigint; by default any signed 64-bit one. */
  readonly bigInt: (value: Value, field: string, bounds?: { min: bigint; max: bigint }) => bigint
  /** Exactly `length` bytes. */
  readonly bytes: (value: Value, field: string, length: number) => Bytes
  /** At most `max` bytes. */
  readonly bytesUpTo: (value: Value, field: string, max: number) => Bytes
  /** Text of at most `max` UTF-8 bytes. */
  readonly text: (value: Value, field: string, max: number) => string
  /** One of the given texts. */
  readonly oneOf: <T extends string>(value: Value, field: string, choices: readonly T[]) => T
  readonly bool: (value: Value, field: string) => boolean
  /** Null, or the result of `read`. */
  readonly optional: <T>(value: Value, field: string, read: Field<T>) => T | null
  /** Returns the error for a rule that no method covers. */
  readonly refuse: (field: string, found: string) => Error
}

export interface IntBounds {
  readonly min: number
  readonly max: number
}

const INT64: { min: bigint; max: bigint } = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/** Returns checks with errors that name `code` and `object`. */
export function schema(code: string, object: string): Schema {
  const refuse = (field: string, found: string): Error => corrupt(code, object, `${field}: ${found}`)
  return { ...containers(refuse), ...scalars(refuse), refuse }
}

type Refuse = (field: string, found: string) => Error

function containers(refuse: Refuse): Pick<Schema, "map" | "dictionary" | "tuple" | "array" | "optional"> {
  const dictionary = (value: Value, field: string, max: number): Readonly<Record<string, Value>> => {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      throw refuse(field, `${kindOf(value)} instead of a map`)
    }
    const count = Object.keys(value).length
    if (count > max) throw refuse(field, `${count} keys, at most ${max} are allowed`)
    return value as Readonly<Record<string, Value>>
  }
  const array = (value: Value, field: string, max: number): readonly Value[] => {
    if (!Array.isArray(value)) throw refuse(field, `${kindOf(value)} instead of an array`)
    const items = value as readonly Value[]
    if (items.length > max) throw refuse(field, `${items.length} items, at most ${max} are allowed`)
    return items
  }
  return {
    dictionary,
    array,
    map(value, field, keys) {
      const found = dictionary(value, field, Number.MAX_SAFE_INTEGER)
      for (const key of keys) if (!Object.hasOwn(found, key)) throw refuse(field, `"${key}" is missing`)
      const count = Object.keys(found).length
      if (count !== keys.length) throw refuse(field, `${count - keys.length} keys that nobody knows`)
      return found as Readonly<Record<(typeof keys)[number], Value>>
    },
    tuple(value, field, length) {
      const items = array(value, field, Number.MAX_SAFE_INTEGER)
      if (items.length !== length) throw refuse(field, `${items.length} items instead of ${length}`)
      return items
    },
    optional: (value, field, read) => (value === null ? null : read(value, field)),
  }
}

type Scalars = Pick<Schema, "int" | "bigInt" | "bytes" | "bytesUpTo" | "text" | "oneOf" | "bool">

function scalars(refuse: Refuse): Scalars {
  const bytesUpTo = (value: Value, field: string, max: number): Bytes => {
    if (!(value instanceof Uint8Array)) throw refuse(field, `${kindOf(value)} instead of bytes`)
    if (value.length > max) throw refuse(field, `${value.length} bytes, at most ${max} are allowed`)
    return value as Bytes
  }
  const text = (value: Value, field: string, max: number): string => {
    if (typeof value !== "string") throw refuse(field, `${kindOf(value)} instead of text`)
    const length = Buffer.byteLength(value)
    if (length > max) throw refuse(field, `${length} bytes of text, at most ${max} are allowed`)
    return value
  }
  return {
    bytesUpTo,
    text,
    int(value, field, { min, max }) {
      if (typeof value !== "number" || !Number.isInteger(value)) {
        throw refuse(field, `${kindOf(value)} instead of a whole number`)
      }
      if (value < min || value > max) throw refuse(field, `${value} is not between ${min} and ${max}`)
      return value
    },
    bigInt(value, field, { min, max } = INT64) {
      if (typeof value !== "bigint" && !Number.isInteger(value)) {
        throw refuse(field, `${kindOf(value)} instead of a whole number`)
      }
      const wide = BigInt(value as number | bigint)
      if (wide < min || wide > max) throw refuse(field, `${wide} is not between ${min} and ${max}`)
      return wide
    },
    bytes(value, field, length) {
      const found = bytesUpTo(value, field, Number.MAX_SAFE_INTEGER)
      if (found.length !== length) throw refuse(field, `${found.length} bytes instead of ${length}`)
      return found
    },
    oneOf(value, field, choices) {
      const found = text(value, field, 64)
      const choice = choices.find((each) => each === found)
      if (choice === undefined) throw refuse(field, `not one of ${choices.join(", ")}`)
      return choice
    },
    bool(value, field) {
      if (typeof value !== "boolean") throw refuse(field, `${kindOf(value)} instead of true or false`)
      return value
    },
  }
}

function kindOf(value: Value): string {
  if (value === null) return "nil"
  if (Array.isArray(value)) return "an array"
  if (value instanceof Uint8Array) return "bytes"
  if (typeof value === "object") return "a map"
  if (typeof value === "number") return Number.isInteger(value) ? "a whole number" : "a float"
  return typeof value === "bigint"
    ? "a wide whole number"
    : typeof value === "string"
      ? "text"
      : "a truth value"
}

/**
 * The names that a store accepts: components of lower-case letters, digits and `-`, joined by `/`. Every
 * adapter checks names before it uses a disk or a network, so no name leaves the store's root. Other names in
 * the store are not listed. `format/names.ts` gives the names their meaning. See spec/stores.md.
 */
import { hash } from "node:crypto"
import { assert, EngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"

const NAME = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/
const PREFIX = /^(?:[a-z0-9-]+\/)*[a-z0-9-]*$/
const NAME_LENGTH_MAX = 200

export function isObjectName(text: string): text is ObjectName {
  return text.length <= NAME_LENGTH_MAX && NAME.test(text)
}

/** @throws invalid "object-name" */
export function checkObjectName(name: string): void {
  if (!isObjectName(name)) throw badName(name)
}

/** A prefix is the beginning of a name and may end within a component. */
export function checkPrefix(prefix: string): void {
  if (prefix.length > NAME_LENGTH_MAX || !PREFIX.test(prefix)) throw badName(prefix)
}

export function checkRange(range: { offset: number; length: number } | undefined): void {
  if (range === undefined) return
  assert(Number.isSafeInteger(range.offset) && range.offset >= 0, "a range's offset is a whole number")
  assert(Number.isSafeInteger(range.length) && range.length >= 0, "a range's length is a whole number")
}

/** Names of sealed objects end with the SHA-256 of their bytes. */
export function hashInName(name: string): string | undefined {
  return /(?:^|[/-])([0-9a-f]{64})$/.exec(name)?.[1]
}

/** Whether the name's digest is that of these bytes. */
export function isNamedAfter(name: string, bytes: Uint8Array): boolean {
  const digest = hashInName(name)
  return digest !== undefined && digest === hash("sha256", bytes, "hex")
}

export function objectNotFound(name: string): EngineError {
  return new EngineError("not-found", "object-not-found", `${name}: missing from the store`, {
    detail: { object: name },
  })
}

/** Another object has this name. Names carry digests, so one of the two is damaged or forged. */
export function objectExists(name: string): EngineError {
  return new EngineError(
    "conflict",
    "object-exists",
    `${name}: already exists in the store with different content`,
    {
      detail: { object: name },
    },
  )
}

export function shortObject(name: string, wanted: number, sizeBytes: number): EngineError {
  return new EngineError(
    "corrupt",
    "short-object",
    `${name}: ends at byte ${sizeBytes}, expected at least ${wanted}`,
    { detail: { object: name } },
  )
}

function badName(name: string): EngineError {
  return new EngineError(
    "invalid",
    "object-name",
    `${JSON.stringify(name.slice(0, 80))} is not a valid object name`,
  )
}

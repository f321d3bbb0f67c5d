/** Shared by tests of stores: names, bytes, listings as arrays, and a check of an error's kind. */
import * as assert from "node:assert/strict"
import { isEngineError, type EngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Store, StoredObject } from "../store/store.ts"

export interface OpenedStore {
  readonly store: Store
  /** Another client of the same objects, through which tests put what `store` reads. */
  readonly seed?: Store
  readonly close?: () => void | Promise<void>
}

/** Opens a new empty store. */
export type OpenEmptyStore = () => OpenedStore | Promise<OpenedStore>

/** Names that every store refuses. */
export const OUTSIDE_NAMES: readonly string[] = [
  "",
  "/",
  "/a",
  "a/",
  "a//b",
  "..",
  "../a",
  "a/../b",
  ".a",
  "a/.b",
  "A",
  "a b",
  "é",
  "a\n",
]

/** Returns any text as a name, valid or not. */
export function named(text: string): ObjectName {
  return text as ObjectName
}

export async function collect(store: Store, prefix: string): Promise<StoredObject[]> {
  const found: StoredObject[] = []
  for await (const object of store.list(prefix)) found.push(object)
  return found
}

/** Returns bytes that differ by position, so a shifted range is detected. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 17 + length) & 0xff
  return bytes
}

/** A predicate for `assert.rejects`: an EngineError of this kind and, if given, this code. */
export function isFailure(kind: EngineError["kind"], code?: string): (error: unknown) => true {
  return (error) => {
    assert.ok(isEngineError(error), `an EngineError, not ${String(error)}`)
    assert.deepEqual([error.kind, code === undefined ? code : error.code], [kind, code])
    return true
  }
}

/**
 * The place of sealed objects: a folder, an S3 bucket, or memory in tests. A store knows names and
 * bytes, never keys or formats. Every implementation and wrapper passes `testing/store-contract.ts`.
 *
 * Failures are `EngineError`s: not-found, unavailable (may be retried), denied, conflict, corrupt.
 * All methods may run concurrently; two calls that overlap have no order.
 */
import type { ObjectName } from "../base/ids.ts"

export interface Store {
  /** Its name for people, without secrets: a path, or `s3://bucket/prefix`. */
  readonly location: string

  /** The absolute path of the folder on this machine that has the objects; undefined for any other store. */
  readonly folder: string | undefined

  /**
   * Writes a new object. When the promise resolves, the bytes survive a power cut and every later
   * `get` and `list` sees them. When it rejects, the object is whole or absent, never partial.
   * Objects are immutable: putting the same bytes again succeeds. Once the promise has settled, the
   * caller may reuse the memory.
   */
  put(name: ObjectName, bytes: Uint8Array): Promise<void>

  /**
   * Reads an object, or `length` bytes of it from `offset`. A range that passes the end is
   * `corrupt` (code "short-object"), never a short read. The caller owns the result, and its
   * buffer may be transferred.
   */
  get(name: ObjectName, range?: { offset: number; length: number }): Promise<Uint8Array<ArrayBuffer>>

  /** Yields every object whose name starts with `prefix`, once each, in byte order of the names. */
  list(prefix: string): AsyncIterable<StoredObject>

  /**
   * Returns the path of an object's file, for a thread that reads `lengthBytes` of it by itself. It counts as
   * a `get`. Only a local folder has it. The file may be missing or short: `get` then throws the reason.
   */
  readonly lend?: ((name: ObjectName, lengthBytes: number) => string) | undefined

  /** Removes an object. Removing a missing one succeeds, so that a retry is safe. */
  remove(name: ObjectName): Promise<void>
}

export interface StoredObject {
  readonly name: ObjectName
  readonly sizeBytes: number
}

/**
 * Where sealed bytes live: a folder, an S3 bucket, or memory in tests. A store knows names and
 * bytes, never keys or formats. Every implementation and wrapper passes `testing/store-contract.ts`.
 *
 * Failures are `EngineError`s: not-found, unavailable (may be retried), denied, conflict, corrupt.
 * All methods may run at once; no order is promised between two calls that overlap.
 */
import type { ObjectName } from "../base/ids.ts"

export interface Store {
  /** What a person calls it, without secrets: a path, or `s3://bucket/prefix`. */
  readonly location: string

  /** The absolute path of the folder on this machine that has the objects; undefined for any other store. */
  readonly folder: string | undefined

  /**
   * Writes a new object. When the promise resolves, the bytes survive a power cut and every later
   * `get` and `list` sees them. When it rejects, the object is whole or absent, never partial.
   * Objects are immutable: the same name again with the same bytes succeeds. Once it has settled, the
   * bytes are the caller's again, who may put others there.
   */
  put(name: ObjectName, bytes: Uint8Array): Promise<void>

  /**
   * Reads an object, or `length` bytes of it from `offset`. A range that passes the end is
   * `corrupt` (code "short-object"), never a short read. The result is the caller's to keep, and
   * its buffer may be transferred.
   */
  get(name: ObjectName, range?: { offset: number; length: number }): Promise<Uint8Array<ArrayBuffer>>

  /** Yields every object whose name starts with `prefix`, once each, in byte order of the names. */
  list(prefix: string): AsyncIterable<StoredObject>

  /**
   * The path of the file that holds an object, for a thread that reads `lengthBytes` of it by itself: it counts
   * as a `get`. Only a folder on this machine lends. The file may be absent or short: `get` then says why.
   */
  readonly lend?: ((name: ObjectName, lengthBytes: number) => string) | undefined

  /** Removes an object. Removing one that is not there succeeds, so that a retry is safe. */
  remove(name: ObjectName): Promise<void>
}

export interface StoredObject {
  readonly name: ObjectName
  readonly sizeBytes: number
}

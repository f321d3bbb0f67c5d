/**
 * Branded identities: a device can't be passed in place of a repository. Ids in object names are
 * lower-case hex strings. Chunk ids stay bytes, since there are many.
 */
declare const brand: unique symbol
type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** 16 random bytes as 32 hex digits. */
export type RepositoryId = Brand<string, "RepositoryId">

/** The first 16 bytes of SHA-256(signing key || sealing key), as 32 hex digits. */
export type DeviceId = Brand<string, "DeviceId">

/** SHA-256 of an object's bytes, as 64 hex digits. */
export type Digest = Brand<string, "Digest">

/** A path in the store: `packs/ab/abcd…`, `log/<device>/<seq>-<digest>`; spec/names.md. */
export type ObjectName = Brand<string, "ObjectName">

/** HMAC-SHA-256 of a chunk's plaintext under the repository's key for its kind; 32 bytes. */
export type ChunkId = Brand<Uint8Array<ArrayBuffer>, "ChunkId">

/**
 * A path as in the file system: one character per byte (latin1), `/` between components, no leading
 * slash. "" is the root of a snapshot. Compare with `comparePaths`, show with `showPath`.
 */
export type RawPath = Brand<string, "RawPath">

export const CHUNK_ID_BYTES = 32

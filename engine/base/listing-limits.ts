/**
 * Limits of a listing, shared by its codecs, its builder, chain entries and the readers of attributes.
 * Never change any of these: they decide where nodes are cut and what a reader accepts. spec/listing.md.
 */

export const NODE_ENTRIES_MAX = 1024
/** A node is cut after this many entries or children. */
export const NODE_ENTRIES_CUT = 64
/** A node is cut after the entry or child with which its items reach this size. */
export const NODE_BYTES_CUT: number = 512 * 1024
export const NODE_BYTES_MAX: number = 1024 * 1024
export const LISTING_LEVEL_MAX = 31
export const INLINE_CHUNKS_MAX = 8
/** Limits of one entry. */
export const PATH_BYTES_MAX = 32_768
export const XATTRS_MAX = 1024
/** Names and values of one entry's extended attributes together. */
export const XATTR_BYTES_MAX: number = 256 * 1024

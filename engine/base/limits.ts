/** What one entry of a listing can hold. On disk: never change. spec/listing.md. */
export const PATH_BYTES_MAX = 32_768
export const XATTRS_MAX = 1024
/** Names and values of one entry's extended attributes together. */
export const XATTR_BYTES_MAX: number = 256 * 1024

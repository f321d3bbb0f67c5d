/**
 * What a person writes after `-r`: a folder's path, `s3://bucket/prefix`, or restic's
 * `s3:https://host/bucket/prefix`. Pure: it reads no environment. A location that contains a secret is
 * refused without repeating it. See spec/stores.md.
 */
import { EngineError } from "../base/errors.ts"

export interface LocalAddress {
  readonly kind: "local"
  readonly path: string
}

export interface S3Address {
  readonly kind: "s3"
  readonly bucket: string
  /** Without slashes at its ends; "" is the bucket's root. */
  readonly prefix: string
  /** An URL without a path; undefined leaves it to `--endpoint`, the environment, or AWS. */
  readonly endpoint: string | undefined
}

export type StoreAddress = LocalAddress | S3Address

/** Schemes of other backup tools, with which a path rarely begins. */
const FOREIGN_SCHEME =
  /^(sftp|ssh|rest|rclone|b2|gs|azure|swift|webdav|dav|ftp|ftps|http|https|smb|file|gdrive):/i
/** Beginnings of paths that would be read as something else. */
const OTHER_MEANING = new RegExp(`${FOREIGN_SCHEME.source}|^(s3|local):`, "i")
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/
// eslint-disable-next-line no-control-regex
const PREFIX_PART = /^(?!\.{1,2}$)[^\x00-\x1f\x7f\\]+$/

/**
 * @param location an absolute or relative folder, or `s3:ENDPOINT/BUCKET/PREFIX`
 * @throws invalid "store-address", "store-scheme" or "secret-in-address"
 */
export function parseAddress(location: string): StoreAddress {
  if (location === "")
    throw badAddress(
      "store-address",
      "the repository's location is empty. Give a folder or s3://bucket/prefix",
    )
  if (holdsCredentials(location)) throw secretInAddress()
  if (/^s3:\/\//i.test(location)) return parseBucketPath(location.slice("s3://".length), undefined)
  if (/^s3:/i.test(location)) return parseResticAddress(location.slice("s3:".length))
  if (location.startsWith("local:")) return parseLocal(location.slice("local:".length))
  const scheme = FOREIGN_SCHEME.exec(location)?.[1]
  if (scheme !== undefined) {
    throw badAddress(
      "store-scheme",
      `"${scheme}:" is not a supported store. Use a path, s3://bucket/prefix or s3:https://host/bucket/prefix` +
        " (for a folder with this name, write ./name or local:name)",
    )
  }
  return parseLocal(location)
}

/** The inverse of `parseAddress`, in its usual form. */
export function formatAddress(address: StoreAddress): string {
  if (address.kind === "local")
    return OTHER_MEANING.test(address.path) ? `local:${address.path}` : address.path
  const path = address.prefix === "" ? address.bucket : `${address.bucket}/${address.prefix}`
  return address.endpoint === undefined ? `s3://${path}` : `s3:${address.endpoint}/${inUrl(path)}`
}

/** Characters that `parseResticAddress` reads otherwise: those of a URL, and spaces, which it trims. */
function inUrl(path: string): string {
  return path.replace(/[%?# ]/g, encodeURIComponent)
}

/**
 * @param text a host, or a URL with scheme, host and port
 * @returns scheme, host and port
 * @throws invalid "store-address" or "secret-in-address"
 */
export function parseEndpoint(text: string): string {
  const url = parseUrl(/^https?:\/\//i.test(text) ? text : `https://${text}`)
  if (url.pathname !== "/")
    throw badAddress(
      "store-address",
      "an endpoint must not have a path. Use https://host or https://host:port",
    )
  return url.origin
}

function parseLocal(path: string): LocalAddress {
  if (path === "" || path.includes("\0"))
    throw badAddress("store-address", "the repository's path is empty or invalid")
  return { kind: "local", path }
}

function parseResticAddress(text: string): S3Address {
  const url = parseUrl(/^https?:\/\//i.test(text) ? text : `https://${text.replace(/^\/+/, "")}`)
  return parseBucketPath(decodePath(url.pathname), url.origin)
}

function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || url.hostname === "") throw badAddress("store-address", "the S3 endpoint is not a URL")
  if (url.username !== "" || url.password !== "") throw secretInAddress()
  if (url.search !== "" || url.hash !== "")
    throw badAddress("store-address", "an S3 location must not contain ? or #")
  return url
}

/**
 * `scheme://user:password@host` of any scheme, S3's short forms, and `user:password@host`. A password may
 * contain slashes, as AWS's do; what follows the colon is a port only if it is a number.
 */
function holdsCredentials(location: string): boolean {
  if (/^(\.{0,2}\/|local:)/.test(location)) return false
  const inS3 = location.replace(/^s3:(?!\/\/)/i, "")
  const authority = inS3.replace(FOREIGN_SCHEME, "").replace(/^([a-z][a-z0-9+.-]*:)?\/\//i, "")
  if (/^[^/@:[]*:(?!\d{1,5}(?:\/|$))[^@]*@/.test(authority)) return true
  return /^s3:/i.test(location) && /^[^/@]*@/.test(authority)
}

function secretInAddress(): EngineError {
  return badAddress(
    "secret-in-address",
    "a location must not contain credentials: they would end up in logs and shell histories. Give them with" +
      " --credentials file:PATH, command:COMMAND or keychain:NAME, or where the AWS tools look for them" +
      " (a folder whose name looks like this is written ./name)",
  )
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    throw badAddress("store-address", "the S3 location has an invalid % sequence")
  }
}

function parseBucketPath(text: string, endpoint: string | undefined): S3Address {
  const [bucket = "", ...parts] = text.split("/").filter((part) => part !== "")
  if (!BUCKET.test(bucket)) {
    throw badAddress(
      "store-address",
      `${JSON.stringify(bucket)} is not a valid bucket name. Expected s3://bucket/prefix`,
    )
  }
  if (!parts.every((part) => PREFIX_PART.test(part))) {
    throw badAddress(
      "store-address",
      'the part after the bucket has ".", ".." or characters that do not belong there',
    )
  }
  return { kind: "s3", bucket, prefix: parts.join("/"), endpoint }
}

function badAddress(code: string, message: string): EngineError {
  return new EngineError("invalid", code, message)
}

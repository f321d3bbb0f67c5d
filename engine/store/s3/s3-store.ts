/**
 * A store in a bucket of any S3-compatible server: one PutObject per object, ranged GETs, no multipart
 * upload, no rename. Safety does not depend on conditional requests. Responses are checked to be an S3
 * server's, because a captive portal's page must not look like an empty repository. The retrying store
 * retries. See spec/stores.md.
 */
import { Readable } from "node:stream"
import { equalBytes, type Bytes } from "../../base/bytes.ts"
import { assert, EngineError, isEngineError } from "../../base/errors.ts"
import type { ObjectName } from "../../base/ids.ts"
import { formatAddress } from "../address.ts"
import { LIST_PAGE_NAMES } from "../wrappers/metered-store.ts"
import {
  checkObjectName,
  checkPrefix,
  checkRange,
  isObjectName,
  hashInName,
  isNamedAfter,
  objectExists,
  shortObject,
} from "../object-name.ts"
import { connectS3, type S3Api, type S3Settings } from "./s3-client.ts"
import { notS3, s3Error, type S3Action, type S3Call } from "./s3-errors.ts"
import { readFault, sizeInRefusedRange } from "./s3-fault.ts"
import type { Store, StoredObject } from "../store.ts"

export interface S3StoreSettings extends S3Settings {
  /** Without slashes at either end. */
  readonly prefix: string
  /**
   * Sends `If-None-Match: *` (RFC 9110, 13.1.2) with a put, if a probe has shown that it works. A second
   * guard only.
   */
  readonly conditionalPut?: boolean | undefined
  /** Names per LIST; tests use less than the usual 1,000. */
  readonly pageNames?: number | undefined
}

/** What is learnt from responses besides their content. */
export interface S3Store extends Store {
  /** Whether a range has returned a whole object so far. */
  ignoresRanges(): boolean
  /** The server's name in its newest response. */
  serverName(): string | undefined
  /** Makes later puts conditional, as `conditionalPut` does. */
  guardPuts(): void
}

interface Bucket {
  readonly api: S3Api
  readonly keyPrefix: string
  readonly settings: S3StoreSettings
  readonly location: string
  readonly region: string
  conditionalPut: boolean
  ignoresRanges: boolean
}

/** Loads the SDK. Makes no request. */
export async function openS3Store(settings: S3StoreSettings): Promise<S3Store> {
  const api = await connectS3(settings)
  const bucket: Bucket = {
    api,
    region: await regionOf(api),
    keyPrefix: settings.prefix === "" ? "" : `${settings.prefix}/`,
    settings,
    location: formatAddress({ kind: "s3", ...settings }),
    conditionalPut: settings.conditionalPut ?? false,
    ignoresRanges: false,
  }
  return {
    location: bucket.location,
    folder: undefined,
    put: (name, bytes) => put(bucket, name, bytes),
    get: (name, range) => get(bucket, name, range),
    list: (prefix) => list(bucket, prefix),
    remove: (name) => remove(bucket, name),
    ignoresRanges: () => bucket.ignoresRanges,
    serverName: () => api.serverName(),
    guardPuts: () => void (bucket.conditionalPut = true),
  }
}

async function regionOf(api: S3Api): Promise<string> {
  try {
    return await api.region()
  } catch (error) {
    const message = "no S3 region. Set AWS_REGION to the bucket's region, or use --region"
    throw new EngineError("invalid", "no-region", message, { cause: error })
  }
}

async function put(
  bucket: Bucket,
  name: ObjectName,
  bytes: Uint8Array,
  onlyNew: boolean = bucket.conditionalPut,
): Promise<void> {
  checkObjectName(name)
  try {
    const etag = await bucket.api.put(bucket.keyPrefix + name, bytes, { sha256: hashInName(name), onlyNew })
    if (etag === undefined) throw notS3(callOf(bucket, "put", name), "no ETag")
  } catch (error) {
    if (onlyNew && readFault(error).status === 501) {
      bucket.conditionalPut = false
      return put(bucket, name, bytes)
    }
    if (onlyNew && readFault(error).status === 412) return confirmObject(bucket, name, bytes)
    throw s3Error(error, callOf(bucket, "put", name))
  }
}

/**
 * The server reports that the object exists: from an attempt whose response was lost, or from another writer.
 * versitygw reports it a moment too early, and forever after a crash in that moment. A name that is the
 * digest of the bytes needs no condition.
 */
async function confirmObject(bucket: Bucket, name: ObjectName, bytes: Uint8Array): Promise<void> {
  const found = await get(bucket, name, undefined).catch((error: unknown) => {
    if (!isEngineError(error) || error.kind !== "not-found") throw error
    if (hashInName(name) !== undefined) return undefined
    const message = `${name}: the store reports that it exists, but does not return it`
    throw new EngineError("unavailable", "unsettled", message, { cause: error })
  })
  if (found === undefined) return put(bucket, name, bytes, false)
  if (equalBytes(found, bytes)) return
  if (!isNamedAfter(name, bytes)) throw objectExists(name)
  await put(bucket, name, bytes, false) // the existing object is damaged
}

type Range = { offset: number; length: number }

async function get(bucket: Bucket, name: ObjectName, range: Range | undefined): Promise<Bytes> {
  checkObjectName(name)
  checkRange(range)
  if (range?.length === 0) return getNothing(bucket, name, range.offset)
  try {
    const header =
      range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.length - 1}`
    const answer = await bucket.api.get(bucket.keyPrefix + name, header)
    const call = callOf(bucket, "get", name)
    const { ETag, ContentLength } = answer
    if (ETag === undefined || ContentLength === undefined) {
      return discardBody(answer.Body, notS3(call, "no ETag or no length"))
    }
    const bytes = await readBody(answer.Body, ContentLength, call)
    if (range === undefined) return bytes
    if (answer.ContentRange === undefined) bucket.ignoresRanges = true
    return takeRange(name, range, { bytes, contentRange: answer.ContentRange })
  } catch (error) {
    if (range !== undefined && readFault(error).status === 416)
      throw shortObject(name, range.offset + range.length, sizeInRefusedRange(readFault(error)))
    throw s3Error(error, callOf(bucket, "get", name))
  }
}

/** HTTP has no empty range. */
async function getNothing(bucket: Bucket, name: ObjectName, offset: number): Promise<Bytes> {
  try {
    const sizeBytes = await bucket.api.size(bucket.keyPrefix + name)
    if (offset > sizeBytes) throw shortObject(name, offset, sizeBytes)
    return new Uint8Array(0)
  } catch (error) {
    throw s3Error(error, callOf(bucket, "head", name))
  }
}

function takeRange(
  name: string,
  range: Range,
  answer: { bytes: Bytes; contentRange: string | undefined },
): Bytes {
  const end = range.offset + range.length
  const { bytes, contentRange } = answer
  // A server without ranges sends the whole object.
  if (contentRange === undefined) {
    if (bytes.length < end) throw shortObject(name, end, bytes.length)
    return bytes.slice(range.offset, end)
  }
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(contentRange) ?? []
  if (bytes.length < range.length) throw shortObject(name, end, Number(total))
  if (Number(first) !== range.offset || bytes.length !== range.length) {
    throw new EngineError(
      "unavailable",
      "wrong-range",
      `${name}: the server sent ${contentRange}, expected bytes ${range.offset} to ${end - 1}`,
    )
  }
  return bytes
}

/** Reads into memory of the final size: collecting and joining would copy each pack once more. */
async function readBody(body: unknown, length: number, call: S3Call): Promise<Bytes> {
  assert(isByteStream(body), "the SDK gives a GET's body as a stream")
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  let offset = 0
  for await (const part of body) {
    if (offset + part.length > length) throw tornBody(call, length)
    bytes.set(part, offset)
    offset += part.length
  }
  if (offset !== length) throw tornBody(call, length)
  return bytes
}

/** A body that is neither read nor destroyed would keep its connection open forever. */
function discardBody(body: unknown, failure: EngineError): never {
  if (body instanceof Readable) body.destroy()
  throw failure
}

function isByteStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body
}

function tornBody(call: S3Call, length: number): EngineError {
  return new EngineError(
    "unavailable",
    "torn-body",
    `${call.name}: the response does not have the announced ${length} bytes`,
  )
}

async function* list(bucket: Bucket, prefix: string): AsyncIterable<StoredObject> {
  checkPrefix(prefix)
  const names = bucket.settings.pageNames ?? LIST_PAGE_NAMES
  let last = ""
  let token: string | undefined
  do {
    const page = await listPage(bucket, prefix, { names, token })
    for (const { key, sizeBytes } of page.objects) {
      const name = key.slice(bucket.keyPrefix.length)
      // Some servers repeat a name at the boundary of two pages.
      if (!isObjectName(name) || !name.startsWith(prefix) || name === last) continue
      if (name < last) throw unordered(bucket, name, last)
      last = name
      yield { name, sizeBytes }
    }
    token = page.next
  } while (token !== undefined)
}

async function listPage(
  bucket: Bucket,
  prefix: string,
  options: { names: number; token: string | undefined },
): ReturnType<S3Api["list"]> {
  try {
    const page = await bucket.api.list(bucket.keyPrefix + prefix, options)
    if (!page.isListing) throw notS3(callOf(bucket, "list", prefix), "no listing")
    return page
  } catch (error) {
    throw s3Error(error, callOf(bucket, "list", prefix))
  }
}

function unordered(bucket: Bucket, name: string, last: string): EngineError {
  return new EngineError(
    "invalid",
    "unordered-list",
    `${bucket.location}: this server does not list in byte order (${name} after ${last}). holdfast needs a bucket that does`,
  )
}

async function remove(bucket: Bucket, name: ObjectName): Promise<void> {
  checkObjectName(name)
  try {
    const done = await bucket.api.delete(bucket.keyPrefix + name)
    if (!done) throw notS3(callOf(bucket, "delete", name), "no request id")
  } catch (error) {
    const failure = s3Error(error, callOf(bucket, "delete", name))
    if (!isEngineError(failure, "object-not-found")) throw failure
  }
}

function callOf(bucket: Bucket, action: S3Action, name: string): S3Call {
  const { endpoint, bucket: bucketName } = bucket.settings
  const host = endpoint === undefined ? `s3.${bucket.region}.amazonaws.com` : new URL(endpoint).host
  return { action, name, location: bucket.location, bucket: bucketName, host, region: bucket.region }
}

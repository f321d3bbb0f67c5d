/** The fault server's objects: applies S3 requests and builds the replies. */
import { createHash } from "node:crypto"
import { compareBytes } from "../base/bytes.ts"

export interface ServedBucket {
  readonly bucket: string
  readonly objects: Map<string, Uint8Array>
  /** Removed objects, for stale listings. */
  readonly removed: Map<string, Uint8Array>
  readonly pageNames: number
  readonly conditionalPut: "works" | "refused" | "ignored"
  readonly ranges: "works" | "ignored"
  /** The bucket has an object lock: a PUT without a checksum header is refused. */
  readonly isLocked: boolean
}

export interface ServedRequest {
  readonly method: "PUT" | "GET" | "HEAD" | "LIST" | "DELETE"
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly fault: string | undefined
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Content length of a HEAD, whose body isn't sent. */
  readonly length?: number
}

/** A stale listing omits this many of the last writes. */
const STALE_WRITES = 2

/** When a duplicated write arrives again. */
const DUPLICATE_AFTER_MS = 10

const NOTHING = new Uint8Array(0)

export function handleRequest(served: ServedBucket, request: ServedRequest): Reply {
  const isWrite = request.method === "PUT" || request.method === "DELETE"
  if (request.fault === "duplicate" && isWrite)
    setTimeout(() => apply(served, request), DUPLICATE_AFTER_MS).unref()
  return apply(served, request)
}

function apply(served: ServedBucket, request: ServedRequest): Reply {
  switch (request.method) {
    case "PUT":
      return put(served, request)
    case "GET":
      return get(served, request)
    case "HEAD":
      return head(served, request.key)
    case "LIST":
      return list(served, request)
    case "DELETE":
      return remove(served, request.key)
  }
}

export function errorReply(
  status: number,
  code: string,
  headers: Record<string, string> = {},
  more: string = "",
): Reply {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message>${more}</Error>`
  return { status, headers: { "content-type": "application/xml", ...headers }, body: Buffer.from(body) }
}

function put(
  { objects, conditionalPut, isLocked }: ServedBucket,
  { key, headers, body }: ServedRequest,
): Reply {
  // Holdfast must never send these: some servers refuse or mishandle them.
  if (
    "transfer-encoding" in headers ||
    "x-amz-trailer" in headers ||
    "x-amz-sdk-checksum-algorithm" in headers
  ) {
    return errorReply(501, "NotImplemented")
  }
  const checksum = headers["x-amz-checksum-sha256"]
  if (checksum === undefined && isLocked) return errorReply(400, "InvalidRequest")
  if (checksum !== undefined && checksum !== createHash("sha256").update(body).digest("base64"))
    return errorReply(400, "BadDigest")
  if (headers["if-none-match"] !== undefined) {
    if (conditionalPut === "refused") return errorReply(501, "NotImplemented")
    if (conditionalPut === "works" && objects.has(key)) return errorReply(412, "PreconditionFailed")
  }
  // A rewritten object becomes the newest.
  objects.delete(key)
  objects.set(key, new Uint8Array(body))
  return { status: 200, headers: { etag: etagOf(body) }, body: NOTHING }
}

function get({ objects, ranges }: ServedBucket, { key, headers }: ServedRequest): Reply {
  const bytes = objects.get(key)
  if (bytes === undefined) return errorReply(404, "NoSuchKey")
  const range = ranges === "works" ? /^bytes=(\d+)-(\d+)$/.exec(headers["range"] ?? "") : null
  if (range === null) return { status: 200, headers: { etag: etagOf(bytes) }, body: bytes }
  const first = Number(range[1])
  const last = Math.min(Number(range[2]), bytes.length - 1)
  if (first >= bytes.length)
    return errorReply(416, "InvalidRange", { "content-range": `bytes */${bytes.length}` })
  const contentRange = { etag: etagOf(bytes), "content-range": `bytes ${first}-${last}/${bytes.length}` }
  return { status: 206, headers: contentRange, body: bytes.subarray(first, last + 1) }
}

function head({ objects }: ServedBucket, key: string): Reply {
  const bytes = objects.get(key)
  if (bytes === undefined) return { status: 404, headers: {}, body: NOTHING }
  return { status: 200, headers: { etag: etagOf(bytes) }, body: NOTHING, length: bytes.length }
}

function remove({ objects, removed }: ServedBucket, key: string): Reply {
  const bytes = objects.get(key)
  if (bytes !== undefined) removed.set(key, bytes)
  objects.delete(key)
  return { status: 204, headers: {}, body: NOTHING }
}

function list(served: ServedBucket, { query, fault }: ServedRequest): Reply {
  const prefix = query.get("prefix") ?? ""
  const after = query.get("continuation-token") ?? query.get("start-after") ?? ""
  const sizes = new Map([...served.objects].map(([key, bytes]) => [key, bytes.length]))
  if (fault === "stale-list") {
    for (const key of [...sizes.keys()].slice(-STALE_WRITES)) sizes.delete(key)
    for (const [key, bytes] of served.removed) sizes.set(key, bytes.length)
  }
  const keys = [...sizes.keys()].filter((key) => key.startsWith(prefix) && key > after)
  keys.sort((a, b) => compareBytes(Buffer.from(a), Buffer.from(b)))
  const asked = Number(query.get("max-keys") ?? served.pageNames)
  const page = keys.slice(0, Math.min(asked, served.pageNames))
  const last = page.at(-1)
  const isTruncated = last !== undefined && page.length < keys.length
  if (fault === "duplicate" && last !== undefined) page.push(last)
  const contents = page.map(
    (key) => `<Contents><Key>${xml(key)}</Key><Size>${sizes.get(key) ?? 0}</Size></Contents>`,
  )
  const next = isTruncated ? `<NextContinuationToken>${xml(last)}</NextContinuationToken>` : ""
  const body =
    `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>${served.bucket}</Name><Prefix>${xml(prefix)}</Prefix>` +
    `<KeyCount>${page.length}</KeyCount><IsTruncated>${isTruncated}</IsTruncated>${contents.join("")}${next}</ListBucketResult>`
  return { status: 200, headers: { "content-type": "application/xml" }, body: Buffer.from(body) }
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`
}

function xml(text: string): string {
  return text.replace(/[<>&"]/g, (character) => `&#${character.charCodeAt(0)};`)
}

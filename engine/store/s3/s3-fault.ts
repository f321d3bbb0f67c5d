/**
 * Reads the facts from what the SDK threw: errors of the server, of Node and of the SDK, which differ in
 * shape. `s3-errors.ts` interprets them.
 */

export interface S3Fault {
  /** The server's or Node's error code. */
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The bucket's region, if the server names it. */
  readonly regionHint: string | undefined
}

export function readFault(error: unknown): S3Fault {
  const record = asRecord(error)
  const response = asRecord(record["$response"])
  const headers = asRecord(response["headers"]) as Record<string, string>
  const status = asRecord(record["$metadata"])["httpStatusCode"] ?? response["statusCode"]
  const region = headers["x-amz-bucket-region"] ?? record["Region"]
  const code = codeOf(record)
  return {
    code,
    // Node's own code means that the response was cut off, so its status does not count.
    status: typeof status === "number" && !/^E[A-Z_]+$/.test(code) ? status : 0,
    headers,
    regionHint: typeof region === "string" && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined,
  }
}

/**
 * @returns the object's size from the `Content-Range: bytes * / size` of a refused range (RFC 9110, 14.4), or
 * 0
 */
export function sizeInRefusedRange(fault: S3Fault): number {
  return Number(/\/(\d+)$/.exec(fault.headers["content-range"] ?? "")?.[1] ?? 0)
}

/** Names without meaning; a nested error may have a better one. */
const NO_WORD: ReadonlySet<string> = new Set(["Error", "AggregateError"])

/** Node's errors have a `code`, which is more specific than their name. The SDK's errors have only a name. */
function codeOf(record: Record<string, unknown>): string {
  for (const candidate of [record["code"], record["Code"], record["name"]]) {
    if (typeof candidate === "string" && /^\w{1,60}$/.test(candidate) && !NO_WORD.has(candidate))
      return candidate
  }
  const inner = record["errors"] ?? record["cause"]
  const first: unknown = Array.isArray(inner) ? inner[0] : inner
  return first === undefined ? "Unknown" : codeOf(asRecord(first))
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
}

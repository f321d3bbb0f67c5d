/**
 * Reads the facts from whatever the SDK threw: errors of the server, of Node, of the SDK itself, each
 * in its own shape. What they mean is `s3-errors.ts`.
 */

/** What can be read from whatever the SDK threw. */
export interface S3Fault {
  /** The server's or Node's word for it. */
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Where the bucket is, when the server says so. */
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
    // Node's own code means that the answer broke off: its head alone says nothing.
    status: typeof status === "number" && !/^E[A-Z_]+$/.test(code) ? status : 0,
    headers,
    regionHint: typeof region === "string" && /^[a-z0-9-]{1,40}$/.test(region) ? region : undefined,
  }
}

/** The object's size from the `Content-Range: bytes * / size` of a refused range, or 0. */
export function sizeInRefusedRange(fault: S3Fault): number {
  return Number(/\/(\d+)$/.exec(fault.headers["content-range"] ?? "")?.[1] ?? 0)
}

/** Names that say nothing, where something within may. */
const NO_WORD: ReadonlySet<string> = new Set(["Error", "AggregateError"])

/** Node's errors have a `code`, which says more than their name; the SDK's errors have a name. */
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

/**
 * Verifies an AWS Signature Version 4 in the Authorization header, from its published description
 * and without the SDK, so the fault server refuses wrong signatures. Returns the S3 error code of a
 * real server, or undefined if the signature is valid.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto"

export interface SignedRequest {
  readonly method: string
  /** As sent, with its query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface SigningFacts {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
  readonly region: string
  readonly nowMs: number
}

export type SignatureFault =
  | "AccessDenied"
  | "InvalidAccessKeyId"
  | "ExpiredToken"
  | "SignatureDoesNotMatch"
  | "AuthorizationHeaderMalformed"
  | "RequestTimeTooSkewed"
  | "XAmzContentSHA256Mismatch"

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
const SKEW_MS_MAX = 15 * 60 * 1000

export function verifySignature(request: SignedRequest, facts: SigningFacts): SignatureFault | undefined {
  const { headers } = request
  const parts = AUTHORIZATION.exec(headers["authorization"] ?? "")
  if (parts === null) return "AccessDenied"
  const [, accessKeyId = "", day = "", region = "", signedHeaders = "", signature = ""] = parts
  if (accessKeyId !== facts.accessKeyId) return "InvalidAccessKeyId"
  if (headers["x-amz-security-token"] !== facts.sessionToken) return "ExpiredToken"
  if (region !== facts.region) return "AuthorizationHeaderMalformed"
  const time = headers["x-amz-date"] ?? ""
  if (Math.abs(parseTime(time) - facts.nowMs) > SKEW_MS_MAX) return "RequestTimeTooSkewed"

  const payloadHash = headers["x-amz-content-sha256"] ?? ""
  const names = signedHeaders.split(";")
  const token = facts.sessionToken === undefined ? [] : ["x-amz-security-token"]
  for (const required of ["host", "x-amz-date", "x-amz-content-sha256", ...token]) {
    if (!names.includes(required)) return "SignatureDoesNotMatch"
  }
  const canonical = [
    request.method,
    canonicalPath(request.target),
    canonicalQuery(request.target),
    ...names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    signedHeaders,
    payloadHash,
  ].join("\n")
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n")
  let key: Buffer = Buffer.from(`AWS4${facts.secretAccessKey}`)
  for (const part of [day, region, "s3", "aws4_request"]) key = hmac(key, part)
  if (!timingSafeEqual(hmac(key, toSign), Buffer.from(signature, "hex"))) return "SignatureDoesNotMatch"
  return sha256(request.body) === payloadHash ? undefined : "XAmzContentSHA256Mismatch"
}

function parseTime(text: string): number {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z")
  return Date.parse(iso)
}

/** S3 signs the path as sent, encoded once. */
function canonicalPath(target: string): string {
  return target.split("?", 1)[0] ?? ""
}

function canonicalQuery(target: string): string {
  const mark = target.indexOf("?")
  if (mark < 0) return ""
  const pairs = target
    .slice(mark + 1)
    .split("&")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
  return pairs.sort().join("&")
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex")
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest()
}

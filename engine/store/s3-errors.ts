/**
 * What an S3 server, the network or the SDK said, as an `EngineError` with advice for a person. The
 * server's own text is left out: some servers repeat access keys or signed requests in it. Only
 * what may pass by itself is "unavailable", and so retried. See spec/stores.md.
 */
import { EngineError, type ErrorKind } from "../base/errors.ts"
import { objectNotFound } from "./object-name.ts"
import { readFault, type S3Fault } from "./s3-fault.ts"

export type S3Action = "put" | "get" | "head" | "list" | "delete"

export interface S3Call {
  readonly action: S3Action
  /** The object's name, or the listing's prefix, as the store knows it. */
  readonly name: string
  readonly location: string
  readonly bucket: string
  readonly host: string
  readonly region: string
}

type Verdict = readonly [kind: ErrorKind, code: string, advice: string]

export function s3Error(error: unknown, call: S3Call): EngineError {
  if (error instanceof EngineError) return error
  const fault = readFault(error)
  if (isMissingObject(fault, call)) return objectNotFound(call.name)
  const [kind, code, advice] = judge(fault, call)
  const said = fault.status === 0 ? fault.code : `${fault.code}, HTTP ${fault.status}`
  const detail: Record<string, string | number> = {
    action: call.action,
    serverCode: fault.code,
    status: fault.status,
  }
  const requestId = fault.headers["x-amz-request-id"]
  if (requestId !== undefined) detail["requestId"] = requestId
  const retryAfter = Number(fault.headers["retry-after"])
  if (retryAfter > 0) detail["retryAfterMs"] = retryAfter * 1000
  return new EngineError(kind, code, `${call.location}: ${advice} (${call.action}: ${said})`, {
    detail,
    cause: error,
  })
}

/** The server answered with something that no S3 server answers: a captive portal, another service. */
export function notS3(call: S3Call, found: string): EngineError {
  return new EngineError(
    "unavailable",
    "not-s3",
    `${call.location}: ${call.host} answered, but not as an S3 server does (${call.action}: ${found}):` +
      " is the endpoint right, and does the network need a log-in",
  )
}

/** Not any 404: a server may answer so for an unknown user, and then nothing is missing. */
function isMissingObject(fault: S3Fault, call: S3Call): boolean {
  if (fault.code === "NoSuchKey") return true
  // A HEAD has no body to say more; it only follows a name that was listed or read before.
  return fault.status === 404 && fault.code === "NotFound" && call.action !== "list"
}

function judge(fault: S3Fault, call: S3Call): Verdict {
  return judgeByCode(fault, call) ?? judgeByStatus(fault, call) ?? judgeNetwork(fault, call)
}

function judgeByCode(fault: S3Fault, call: S3Call): Verdict | undefined {
  switch (fault.code) {
    case "CredentialsProviderError":
      return [
        "denied",
        "no-credentials",
        "no credentials for S3 were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
      ]
    case "InvalidAccessKeyId":
    case "InvalidClientTokenId":
    case "XAdminUserNotFound":
    case "UnrecognizedClientException":
      return [
        "denied",
        "wrong-credentials",
        "the server does not know this access key: check AWS_ACCESS_KEY_ID, and that the key is of this provider",
      ]
    case "SignatureDoesNotMatch":
      return [
        "denied",
        "wrong-credentials",
        "the secret key does not belong to this access key: check AWS_SECRET_ACCESS_KEY for missing or added characters",
      ]
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "TokenRefreshRequired":
    case "InvalidToken":
      return [
        "denied",
        "expired-credentials",
        "the session token is expired or invalid: log in again, or get new credentials",
      ]
    case "RequestTimeTooSkewed":
    case "RequestExpired":
      return ["denied", "clock-skew", clockAdvice(fault)]
    case "AuthorizationHeaderMalformed":
    case "PermanentRedirect":
    case "TemporaryRedirect":
    case "IllegalLocationConstraintException":
    case "InvalidRegion":
      return ["invalid", "wrong-region", regionAdvice(fault, call)]
    case "NoSuchBucket":
      return [
        "not-found",
        "no-bucket",
        `there is no bucket "${call.bucket}" at ${call.host}: check its name and the endpoint, or create it first`,
      ]
    case "AccessDenied":
    case "AllAccessDisabled":
    case "AccountProblem":
      return deniedAction(call)
    case "InvalidObjectState":
      return [
        "denied",
        "object-archived",
        `${call.name} is in an archive class: bring it back with the provider's tools first`,
      ]
    case "QuotaExceeded":
    case "XMinioStorageFull":
    case "StorageLimitExceeded":
      return [
        "denied",
        "no-space",
        "the bucket's quota or the server's disk is full: make room, or prune, then run again; what was written stays good",
      ]
    case "XAmzContentSHA256Mismatch":
    case "BadDigest":
      return ["unavailable", "damaged-upload", `${call.name} did not arrive as it was sent`]
    case "RequestTimeout":
    case "OperationAborted":
    case "ConditionalRequestConflict":
    case "RequestRateLimitExceeded":
    case "SlowDown":
    case "SlowDownRead":
    case "SlowDownWrite":
    case "ThrottlingException":
    case "TooManyRequests":
    case "BandwidthLimitExceeded":
      return ["unavailable", "slow-down", "the server asks to slow down"]
    default:
      return undefined
  }
}

function judgeByStatus(fault: S3Fault, call: S3Call): Verdict | undefined {
  const { status } = fault
  if (status === 0) return undefined
  if (status === 429) return ["unavailable", "slow-down", "the server asks to slow down"]
  if (status === 507) return ["denied", "no-space", "the server's disk is full: make room, then run again"]
  if (status === 501 || status === 405) {
    return [
      "invalid",
      "not-supported",
      "the server does not support this request: holdfast needs PUT, GET with ranges, HEAD, ListObjectsV2 and DELETE",
    ]
  }
  if (status >= 500) return ["unavailable", "server-error", `${call.host} failed`]
  if (status >= 300 && status < 400) return ["invalid", "wrong-region", regionAdvice(fault, call)]
  if (status === 401 || status === 403) return deniedAction(call)
  if (status === 404)
    return [
      "not-found",
      "no-bucket",
      `there is no bucket "${call.bucket}" at ${call.host}, or it is not an S3 server`,
    ]
  if (status === 408) return ["unavailable", "timeout", `${call.host} waited too long for the request`]
  if (status >= 400) return ["invalid", "store-refused", `${call.host} refused the request for ${call.name}`]
  return [
    "unavailable",
    "not-s3",
    `${call.host} answered, but not as an S3 server does: is the endpoint right`,
  ]
}

const CERTIFICATE_CODES =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/

function judgeNetwork(fault: S3Fault, call: S3Call): Verdict {
  const { code } = fault
  if (CERTIFICATE_CODES.test(code)) {
    return [
      "denied",
      "certificate",
      `the certificate of ${call.host} is not trusted: give its authority with --ca-file, and check this machine's clock`,
    ]
  }
  switch (code) {
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return [
        "invalid",
        "not-https",
        `${call.host} does not speak TLS: write the endpoint with http:// if that is meant`,
      ]
    case "ECONNREFUSED":
      return [
        "unavailable",
        "connection-refused",
        `nothing listens at ${call.host}: is the server running, are host and port right`,
      ]
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_NODATA":
    case "EAI_FAIL":
      return [
        "unavailable",
        "no-network",
        `the host ${call.host} cannot be found: is there a network, is the endpoint spelled right`,
      ]
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
    case "EADDRNOTAVAIL":
      return ["unavailable", "no-network", `there is no way to ${call.host}: is there a network`]
    case "TimeoutError":
    case "ETIMEDOUT":
      return ["unavailable", "timeout", `${call.host} did not answer in time`]
    default:
      return ["unavailable", "connection-lost", `the connection to ${call.host} failed`]
  }
}

function deniedAction(call: S3Call): Verdict {
  const right = {
    put: "s3:PutObject",
    get: "s3:GetObject",
    head: "s3:GetObject",
    list: "s3:ListBucket",
    delete: "s3:DeleteObject",
  }[call.action]
  switch (call.action) {
    case "delete":
      return [
        "denied",
        "delete-denied",
        `this key may not delete in bucket "${call.bucket}" (${right}, or an object lock): backup and restore work without it; prune needs a key that may`,
      ]
    case "put":
      return [
        "denied",
        "write-denied",
        `this key may not write to bucket "${call.bucket}" (${right}): restore works without it; a backup needs a key that may`,
      ]
    case "list":
      return [
        "denied",
        "list-denied",
        `this key may not list bucket "${call.bucket}" (${right}): every command needs it`,
      ]
    case "get":
    case "head":
      // AWS answers like this for a missing object when the right to list is missing.
      return [
        "denied",
        "read-denied",
        `this key may not read from bucket "${call.bucket}" (${right} and s3:ListBucket): every command needs it`,
      ]
  }
}

function regionAdvice(fault: S3Fault, call: S3Call): string {
  const where = fault.regionHint
  const known =
    where === undefined
      ? "set AWS_REGION to the bucket's region"
      : `it is in ${where}: set AWS_REGION=${where}`
  return `the bucket "${call.bucket}" is not in region ${call.region}: ${known}`
}

function clockAdvice(fault: S3Fault): string {
  const serverMs = Date.parse(fault.headers["date"] ?? "")
  const minutes = Math.round((Date.now() - serverMs) / 60_000)
  const off =
    Number.isFinite(minutes) && minutes !== 0
      ? `${Math.abs(minutes)} minutes ${minutes > 0 ? "ahead" : "behind"}`
      : "off"
  return `this machine's clock is ${off}, and S3 refuses requests that are off by more than 15 minutes: set the clock, or turn on NTP`
}

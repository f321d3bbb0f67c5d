/**
 * What a failure of S3 means for a person: a verdict for each meaning, and which of the server's, the
 * SDK's and Node's words have it. Data for `s3-errors.ts`.
 */
import type { ErrorKind } from "../base/errors.ts"
import type { S3Fault } from "./s3-fault.ts"

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

export type Verdict = readonly [kind: ErrorKind, code: string, advice: string]

type Judge = (fault: S3Fault, call: S3Call) => Verdict

type Meaning =
  | "noCredentials"
  | "unknownKey"
  | "wrongSecret"
  | "expired"
  | "clockSkew"
  | "wrongRegion"
  | "noBucket"
  | "deniedAction"
  | "archived"
  | "noSpace"
  | "damagedUpload"
  | "slowDown"
  | "certificate"
  | "notHttps"
  | "refused"
  | "proxy"
  | "unknownHost"
  | "noRoute"
  | "timeout"
  | "connectionLost"
  | "badEndpoint"

export const VERDICTS: Readonly<Record<Meaning, Judge>> = {
  noCredentials: () => [
    "denied",
    "no-credentials",
    "no credentials for S3 were found: give --credentials file:PATH, command:COMMAND or keychain:NAME, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
  ],
  unknownKey: () => [
    "denied",
    "wrong-credentials",
    "the server does not know this access key: check AWS_ACCESS_KEY_ID or what --credentials names, and that the key is of this provider",
  ],
  wrongSecret: () => [
    "denied",
    "wrong-credentials",
    "the secret key does not belong to this access key: check AWS_SECRET_ACCESS_KEY or what --credentials names for missing or added characters",
  ],
  expired: () => [
    "denied",
    "expired-credentials",
    "the session token is expired or invalid: log in again, or get new credentials; with --credentials command:COMMAND a run fetches them itself",
  ],
  clockSkew: (fault) => clockVerdict(fault),
  wrongRegion: (fault, call) => ["invalid", "wrong-region", regionAdvice(fault, call)],
  noBucket: (_, { bucket, host }) => [
    "not-found",
    "no-bucket",
    `there is no bucket "${bucket}" at ${host}: check its name and the endpoint, or create it first`,
  ],
  deniedAction: (_, call) => deniedAction(call),
  archived: (_, { name }) => [
    "denied",
    "object-archived",
    `${name} is in an archive class: bring it back with the provider's tools first`,
  ],
  noSpace: () => [
    "denied",
    "no-space",
    "the bucket's quota or the server's disk is full: make room, or prune, then run again; what was written stays good",
  ],
  damagedUpload: (_, { name }) => ["unavailable", "damaged-upload", `${name} did not arrive as it was sent`],
  badEndpoint: (_, { bucket, host }) => [
    "invalid",
    "store-address",
    `the bucket "${bucket}" at ${host} gives no valid address: check both`,
  ],
  slowDown: () => ["unavailable", "slow-down", "the server asks to slow down"],
  certificate: (_, { host }) => [
    "denied",
    "certificate",
    `the certificate of ${host} is not trusted: give its authority with --ca-file, and check this machine's clock`,
  ],
  notHttps: (_, { host }) => [
    "invalid",
    "not-https",
    `${host} does not speak TLS: write the endpoint with http:// if that is meant`,
  ],
  refused: (_, { host }) => [
    "unavailable",
    "connection-refused",
    `nothing listens at ${host}: is the server running, are host and port right`,
  ],
  proxy: (_, { host }) => [
    "unavailable",
    "proxy",
    `the proxy of HTTPS_PROXY does not let this machine through to ${host}: is its name, user and password right; NO_PROXY names hosts that need none`,
  ],
  unknownHost: (_, { host }) => [
    "unavailable",
    "no-network",
    `the host ${host} cannot be found: is there a network, are endpoint and region spelled right`,
  ],
  noRoute: (_, { host }) => ["unavailable", "no-network", `there is no way to ${host}: is there a network`],
  timeout: (_, { host }) => ["unavailable", "timeout", `${host} did not answer in time`],
  connectionLost: (_, { host }) => [
    "unavailable",
    "connection-lost",
    `the connection to ${host} broke off: is the network up, and is it http:// or https:// there`,
  ],
}

/** The words of servers and of the SDK. */
export const MEANING_OF_CODE: ReadonlyMap<string, Meaning> = byWord({
  noCredentials: "CredentialsProviderError",
  badEndpoint: "EndpointError InvalidBucketName",
  unknownKey: "InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException XAdminUserNotFound",
  wrongSecret: "SignatureDoesNotMatch",
  expired: "ExpiredToken ExpiredTokenException TokenRefreshRequired InvalidToken InvalidTokenId",
  clockSkew: "RequestTimeTooSkewed RequestExpired",
  wrongRegion:
    "AuthorizationHeaderMalformed PermanentRedirect TemporaryRedirect IllegalLocationConstraintException InvalidRegion",
  noBucket: "NoSuchBucket",
  deniedAction: "AccessDenied AllAccessDisabled AccountProblem",
  archived: "InvalidObjectState",
  noSpace: "QuotaExceeded XMinioStorageFull StorageLimitExceeded",
  damagedUpload: "XAmzContentSHA256Mismatch BadDigest",
  slowDown:
    "SlowDown SlowDownRead SlowDownWrite ThrottlingException TooManyRequests RequestRateLimitExceeded BandwidthLimitExceeded RequestTimeout OperationAborted ConditionalRequestConflict",
})

/** The words of Node, when no answer came. */
export const MEANING_OF_NETWORK_CODE: ReadonlyMap<string, Meaning> = byWord({
  notHttps: "EPROTO ERR_SSL_WRONG_VERSION_NUMBER",
  refused: "ECONNREFUSED",
  proxy: "ERR_PROXY_TUNNEL ERR_PROXY_INVALID_CONFIG",
  unknownHost: "ENOTFOUND EAI_AGAIN EAI_NODATA EAI_FAIL",
  noRoute: "ENETUNREACH EHOSTUNREACH ENETDOWN EADDRNOTAVAIL",
  timeout: "TimeoutError ETIMEDOUT",
})

export const CERTIFICATE_CODES: RegExp =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/

function byWord(words: Partial<Record<Meaning, string>>): Map<string, Meaning> {
  const meanings = new Map<string, Meaning>()
  for (const [meaning, text] of Object.entries(words)) {
    for (const word of text.split(" ")) meanings.set(word, meaning as Meaning)
  }
  return meanings
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

/** Far below the 15 minutes that S3 allows, and far above what an answer takes. */
const CLOCK_RIGHT_MS = 5 * 60_000

/**
 * A request that was signed before the machine slept, and sent after, is refused for its age, though
 * the clock is right: signed anew, it passes.
 */
function clockVerdict(fault: S3Fault): Verdict {
  const offMs = Date.now() - Date.parse(fault.headers["date"] ?? "")
  if (Math.abs(offMs) < CLOCK_RIGHT_MS) {
    return [
      "unavailable",
      "stale-request",
      "the request was signed too long before it arrived: did this machine sleep",
    ]
  }
  const minutes = Math.round(offMs / 60_000)
  const off = Number.isFinite(minutes)
    ? `${Math.abs(minutes)} minutes ${minutes > 0 ? "ahead" : "behind"}`
    : "off"
  const advice = `this machine's clock is ${off}, and S3 refuses requests that are off by more than 15 minutes: set the clock, or turn on NTP`
  return ["denied", "clock-skew", advice]
}

/**
 * The meanings of S3 failures: a verdict with advice for each, and the codes of servers, the SDK and Node
 * that have it. Data for `s3-errors.ts`.
 */
import type { ErrorKind } from "../../base/errors.ts"
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
    "no S3 credentials found. Use --credentials file:PATH, command:COMMAND or keychain:NAME, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
  ],
  unknownKey: () => [
    "denied",
    "wrong-credentials",
    "the server does not know this access key. Check AWS_ACCESS_KEY_ID or --credentials, and that the key belongs to this provider",
  ],
  wrongSecret: () => [
    "denied",
    "wrong-credentials",
    "the secret key does not match the access key. Check AWS_SECRET_ACCESS_KEY or --credentials for missing or extra characters",
  ],
  expired: () => [
    "denied",
    "expired-credentials",
    "the session token is expired or invalid. Log in again or get new credentials. With --credentials command:COMMAND, holdfast renews them itself",
  ],
  clockSkew: (fault) => clockVerdict(fault),
  wrongRegion: (fault, call) => ["invalid", "wrong-region", regionAdvice(fault, call)],
  noBucket: (_, { bucket, host }) => [
    "not-found",
    "no-bucket",
    `no bucket "${bucket}" at ${host}. Check its name and the endpoint, or create it first`,
  ],
  deniedAction: (_, call) => deniedAction(call),
  archived: (_, { name }) => [
    "denied",
    "object-archived",
    `${name} is in an archive storage class. Restore it with the provider's tools first`,
  ],
  noSpace: () => [
    "denied",
    "no-space",
    "the bucket's quota or the server's disk is full. Make room, then run the command again; what was written is kept",
  ],
  damagedUpload: (_, { name }) => ["unavailable", "damaged-upload", `${name} did not arrive as it was sent`],
  badEndpoint: (_, { bucket, host }) => [
    "invalid",
    "store-address",
    `the bucket "${bucket}" at ${host} is not a valid address. Check both`,
  ],
  slowDown: () => ["unavailable", "slow-down", "the server asks to slow down"],
  certificate: (_, { host }) => [
    "denied",
    "certificate",
    `the certificate of ${host} is not trusted. Give its authority with --ca-file, and check this machine's clock`,
  ],
  notHttps: (_, { host }) => [
    "invalid",
    "not-https",
    `${host} does not use TLS. If this is intended, write the endpoint with http://`,
  ],
  refused: (_, { host }) => [
    "unavailable",
    "connection-refused",
    `connection refused by ${host}. Check that the server is running, and its host and port`,
  ],
  proxy: (_, { host }) => [
    "unavailable",
    "proxy",
    `the proxy in HTTPS_PROXY refuses the connection to ${host}. Check its name, user and password. NO_PROXY lists hosts to reach without a proxy`,
  ],
  unknownHost: (_, { host }) => [
    "unavailable",
    "no-network",
    `host ${host} not found. Check the network, and the spelling of endpoint and region`,
  ],
  noRoute: (_, { host }) => ["unavailable", "no-network", `${host} cannot be reached. Check the network`],
  timeout: (_, { host }) => ["unavailable", "timeout", `${host} did not answer in time`],
  connectionLost: (_, { host }) => [
    "unavailable",
    "connection-lost",
    `the connection to ${host} was closed. Check the network, and whether the endpoint uses http:// or https://`,
  ],
}

/** Codes of servers and of the SDK. */
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

/** Codes of Node, if no response came. */
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
        `this key may not delete in bucket "${call.bucket}" (${right}, or an object lock). Backup and restore work without this right`,
      ]
    case "put":
      return [
        "denied",
        "write-denied",
        `this key may not write to bucket "${call.bucket}" (${right}). Restore works without this right; backup needs it`,
      ]
    case "list":
      return [
        "denied",
        "list-denied",
        `this key may not list bucket "${call.bucket}" (${right}). Every command needs this right`,
      ]
    case "get":
    case "head":
      // AWS responds like this to a missing object if the right to list is missing.
      return [
        "denied",
        "read-denied",
        `this key may not read from bucket "${call.bucket}" (${right} and s3:ListBucket). Every command needs these rights`,
      ]
  }
}

function regionAdvice(fault: S3Fault, call: S3Call): string {
  const where = fault.regionHint
  const known =
    where === undefined
      ? "set AWS_REGION to the bucket's region"
      : `it is in ${where}. Set AWS_REGION=${where}`
  return `the bucket "${call.bucket}" is not in region ${call.region}; ${known}`
}

/** Far below the 15 minutes that S3 allows, and far above the duration of a request. */
const CLOCK_RIGHT_MS = 5 * 60_000

/**
 * The verdict for a refused request age. If the clock is right, the request was signed before the machine
 * slept and sent afterwards: signed again, it is accepted.
 */
function clockVerdict(fault: S3Fault): Verdict {
  const offMs = Date.now() - Date.parse(fault.headers["date"] ?? "")
  if (Math.abs(offMs) < CLOCK_RIGHT_MS) {
    return ["unavailable", "stale-request", "the request's signature is too old; the machine may have slept"]
  }
  const minutes = Math.round(offMs / 60_000)
  const off = Number.isFinite(minutes)
    ? `${Math.abs(minutes)} minutes ${minutes > 0 ? "ahead" : "behind"}`
    : "off"
  const advice = `this machine's clock is ${off}. S3 refuses requests more than 15 minutes off. Set the clock, or turn on NTP`
  return ["denied", "clock-skew", advice]
}

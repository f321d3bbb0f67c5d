/**
 * The SDK, configured so that every S3 server understands it: bodies of known length, signed with their
 * SHA-256 (AWS Signature Version 4, header x-amz-content-sha256), no optional checksums, no `Expect`, no
 * retries of its own. Only this file loads the SDK, when a client connects. It takes keys and throws what the
 * SDK throws; `s3-store.ts` maps names and errors. See spec/stores.md.
 */
import { hash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { GetObjectCommandOutput, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { EngineError } from "../../base/errors.ts"
import type { S3Credentials, S3CredentialsSource } from "./s3-credentials.ts"
import { readFault } from "./s3-fault.ts"
import { MEANING_OF_CODE } from "./s3-verdicts.ts"

export interface S3Settings {
  readonly bucket: string
  /** Undefined means AWS. */
  readonly endpoint: string | undefined
  /** Undefined means that of the AWS configuration files. */
  readonly region: string | undefined
  readonly addressing: "path" | "virtual"
  /** "sha256" sends `x-amz-checksum-sha256` with each PUT; nothing is sent by default. */
  readonly checksum?: "sha256" | "none" | undefined
  /** Undefined means the AWS default chain: environment, profile, SSO, container, instance. */
  readonly credentials?: S3Credentials | S3CredentialsSource | undefined
  /** A profile of the AWS configuration files, instead of credentials. */
  readonly profile?: string | undefined
  /** A PEM file of additional trusted authorities. */
  readonly caFile?: string | undefined
  readonly connections?: number | undefined
  readonly timeouts?: S3Timeouts | undefined
}

export interface S3Timeouts {
  readonly connectMs: number
  /** A connection without any traffic for this long is closed. A slow one is kept. */
  readonly idleMs: number
}

const TIMEOUTS: S3Timeouts = { connectMs: 10_000, idleMs: 60_000 }
const CONNECTIONS = 32

export interface S3Page {
  readonly objects: readonly { key: string; sizeBytes: number }[]
  /** Undefined on the last page. */
  readonly next: string | undefined
  /** False if the response lacks what every S3 listing has. */
  readonly isListing: boolean
}

export interface S3Api {
  region(): Promise<string>
  /** @returns the ETag (RFC 9110, 8.8.3), which every S3 server sends */
  put(
    key: string,
    bytes: Uint8Array,
    options: { sha256: string | undefined; onlyNew: boolean },
  ): Promise<string | undefined>
  get(key: string, range: string | undefined): Promise<GetObjectCommandOutput>
  size(key: string): Promise<number>
  list(prefix: string, page: { names: number; token: string | undefined }): Promise<S3Page>
  /** @returns false if the response is not that of an S3 server */
  delete(key: string): Promise<boolean>
  /** The `Server` header of the newest response. */
  serverName(): string | undefined
}

export async function connectS3(settings: S3Settings): Promise<S3Api> {
  const [sdk, requestHandler] = await Promise.all([import("@aws-sdk/client-s3"), httpSettings(settings)])
  const client = createClient(sdk, settings, requestHandler)
  const serverName = watchServerName(client)
  const { bucket: Bucket } = settings
  const identity: IdentitySource = (options) => (client.config.credentials as IdentitySource)(options)
  const renewing = <T>(call: () => Promise<T>): Promise<T> => withRenewal(identity, call)

  return {
    region: () => client.config.region(),

    async put(Key, bytes, { sha256, onlyNew }) {
      const command = new sdk.PutObjectCommand({
        Bucket,
        Key,
        Body: bytes,
        ContentLength: bytes.length,
        ContentType: "application/octet-stream",
        ...(onlyNew ? { IfNoneMatch: "*" } : {}),
        ...(settings.checksum === "sha256" ? { ChecksumSHA256: checksumOf(bytes, sha256) } : {}),
      })
      if (sha256 !== undefined) signWithHash(command, sha256)
      return (await renewing(() => client.send(command))).ETag
    },

    get: (Key, range) =>
      renewing(() =>
        client.send(
          new sdk.GetObjectCommand({ Bucket, Key, ...(range === undefined ? {} : { Range: range }) }),
        ),
      ),

    async size(Key) {
      const head = new sdk.HeadObjectCommand({ Bucket, Key })
      return (await renewing(() => client.send(head))).ContentLength ?? 0
    },

    async list(Prefix, { names, token }) {
      const command = new sdk.ListObjectsV2Command({
        Bucket,
        Prefix,
        MaxKeys: names,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      })
      const page = await renewing(() => client.send(command))
      return {
        objects: (page.Contents ?? []).map(({ Key, Size }) => ({ key: Key ?? "", sizeBytes: Size ?? 0 })),
        next: page.IsTruncated === true ? page.NextContinuationToken : undefined,
        isListing: page.IsTruncated !== undefined,
      }
    },

    async delete(Key) {
      const command = new sdk.DeleteObjectCommand({ Bucket, Key })
      const { $metadata } = await renewing(() => client.send(command))
      return $metadata.httpStatusCode === 204 || $metadata.requestId !== undefined
    },

    serverName,
  }
}

type Sdk = typeof import("@aws-sdk/client-s3")

function createClient(sdk: Sdk, settings: S3Settings, requestHandler: object): S3Client {
  const { endpoint, region, credentials, profile } = settings
  return new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    // A copy, because the SDK changes it.
    ...(credentials === undefined
      ? {}
      : { credentials: typeof credentials === "function" ? credentials : { ...credentials } }),
    forcePathStyle: settings.addressing === "path",
    // Newer defaults add CRC32 and trailers, which B2, older Ceph and others refuse or mis-sign.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 1,
    // Saves one round trip per pack. Some servers never answer 100.
    expectContinueHeader: false,
    requestHandler,
  })
}

/** @returns a function that gives the `Server` header of the newest response */
function watchServerName(client: S3Client): () => string | undefined {
  let serverName: string | undefined
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { headers?: Record<string, string> }
      serverName = headers?.["server"] ?? serverName
      return result
    },
    { step: "deserialize", priority: "low", name: "holdfastServerName" },
  )
  return () => serverName
}

/** Returns the header's value, from the digest in the name if there is one. */
function checksumOf(bytes: Uint8Array, sha256: string | undefined): string {
  return sha256 === undefined
    ? hash("sha256", bytes, "base64")
    : Buffer.from(sha256, "hex").toString("base64")
}

/**
 * Sets x-amz-content-sha256, so that the signer (Signature Version 4) does not hash the body a second time.
 */
function signWithHash(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { headers: Record<string, string> }
      request.headers["x-amz-content-sha256"] = sha256
      return next(args)
    },
    { step: "build", name: "holdfastGivenHash" },
  )
}

/** Makes HTTP agents with the additional authorities and the proxies of the environment. */
async function httpSettings(settings: S3Settings): Promise<object> {
  const [http, https, tls] = await Promise.all([
    import("node:http"),
    import("node:https"),
    import("node:tls"),
  ])
  const { connectMs, idleMs } = settings.timeouts ?? TIMEOUTS
  const ca =
    settings.caFile === undefined ? {} : { ca: [...tls.rootCertificates, readAuthorities(settings.caFile)] }
  // Node reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY from here since 22.21 and 24.5.
  const proxy = isLoopback(settings.endpoint) ? {} : { proxyEnv: process.env }
  const agent = { keepAlive: true, maxSockets: settings.connections ?? CONNECTIONS, ...proxy }
  return {
    httpAgent: new http.Agent(agent),
    httpsAgent: new https.Agent({ ...agent, ...ca }),
    connectionTimeout: connectMs,
    socketTimeout: idleMs,
    // A full queue of packs is normal and needs no warning on stderr.
    socketAcquisitionWarningTimeout: 2 ** 31 - 1,
  }
}

/** A proxy on another machine can't reach this machine's loopback. */
function isLoopback(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return false
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(endpoint).hostname)
}

function readAuthorities(file: string): string {
  try {
    const text = readFileSync(file, "utf8")
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text
  } catch (error) {
    throw new EngineError("invalid", "ca-file", `${file}: cannot read the certificate file`, {
      cause: error,
    })
  }
  throw new EngineError("invalid", "ca-file", `${file}: contains no PEM certificate`)
}

interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** The SDK's source: caches the identity until it expires; concurrent calls share one fetch. */
type IdentitySource = (options?: { forceRefresh?: boolean }) => Promise<Identity>

/**
 * Fetches the credentials once more if the server reports them as expired or unknown. If they differ, it
 * throws "unavailable", so that the retrying store repeats and counts the call. Otherwise the server's error
 * stands.
 */
async function withRenewal<T>(source: IdentitySource, call: () => Promise<T>): Promise<T> {
  // The SDK signs with the same identity, or with a newer one that was fetched meanwhile.
  const used = await source()
  try {
    return await call()
  } catch (error) {
    const meaning = MEANING_OF_CODE.get(readFault(error).code)
    if (meaning !== "expired" && meaning !== "unknownKey") throw error
    if (!isSame(used, await source()) || !isSame(used, await source({ forceRefresh: true })))
      throw renewed(error)
    throw error
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return (
    a.accessKeyId === b.accessKeyId &&
    a.secretAccessKey === b.secretAccessKey &&
    a.sessionToken === b.sessionToken
  )
}

function renewed(cause: unknown): EngineError {
  const message = "the credentials expired during the run and were renewed"
  return new EngineError("unavailable", "credentials-renewed", message, { cause })
}

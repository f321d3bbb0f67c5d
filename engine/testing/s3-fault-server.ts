/**
 * A small S3 server in this process: PUT, GET with ranges, HEAD, ListObjectsV2 and DELETE on one
 * bucket. It checks signatures and payload hashes, and can fail at any request like real servers
 * and networks. It doesn't use the SDK, so the two check each other.
 */
import * as http from "node:http"
import * as https from "node:https"
import type { AddressInfo } from "node:net"
import { handleRequest, errorReply, type Reply, type ServedBucket } from "./s3-fault-objects.ts"
import { verifySignature } from "./sigv4-verify.ts"

export interface S3Request {
  /** From 0, in the order of arrival. */
  readonly number: number
  readonly method: "PUT" | "GET" | "HEAD" | "LIST" | "DELETE"
  /** The key or the listing's prefix. */
  readonly key: string
}

export type S3ServerFault =
  | "500" // InternalError, without an effect
  | "503" // SlowDown, without an effect
  | "429" // with Retry-After: 1
  | "reset" // the connection dies during the request, without an effect
  | "lost-reply" // done, but the connection dies before the reply
  | "torn-body" // the connection dies after half of the reply's body
  | "duplicate" // a listing repeats its last name; a write is applied again shortly after
  | "stale-list" // a listing without the newest objects, and with the last removed ones
  | "portal" // 200 and an HTML page, like a captive portal
  | "hang" // no reply
  | "unsettled" // a conditional put is refused as existing, but the object doesn't exist
  | "stale" // refused as signed too long ago, by a server with the right clock
  | "flipped-bit" // a read with one wrong bit
  | { readonly delayMs: number }

export interface S3FaultServerOptions {
  readonly bucket?: string
  readonly region?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  /** Temporary keys: requests with another token get ExpiredToken. */
  readonly sessionToken?: string
  /** The most names in one listing page. */
  readonly pageNames?: number
  readonly conditionalPut?: "works" | "refused" | "ignored"
  readonly ranges?: "works" | "ignored"
  readonly isLocked?: boolean
  /** The Server header. */
  readonly serverName?: string
  /** These methods get AccessDenied. */
  readonly denied?: readonly S3Request["method"][]
  /** How far the server's clock is ahead of this machine's. */
  readonly clockAheadMs?: number
  /** Before every reply. */
  readonly latencyMs?: number
  /** PEM certificate and key. The server then uses TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Virtual addressing: the bucket may precede this host name. */
  readonly hostName?: string
  readonly plan?: (request: S3Request) => S3ServerFault | undefined
}

export interface S3FaultServer {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly objects: Map<string, Uint8Array>
  /** Requests so far, including failed ones. */
  readonly requests: readonly S3Request[]
  /** Changes to these replace the options. */
  clockAheadMs: number
  sessionToken: string | undefined
  plan: (request: S3Request) => S3ServerFault | undefined
  close(): Promise<void>
}

const PORTAL: Reply = { status: 200, headers: {}, body: Buffer.from("<html><body>Log in</body></html>") }

export async function startS3FaultServer(options: S3FaultServerOptions = {}): Promise<S3FaultServer> {
  const { accessKeyId = "TESTACCESSKEY", secretAccessKey = "test-secret" } = options
  const { bucket = "test-bucket", region = "us-east-1" } = options
  const served: ServedBucket = {
    bucket,
    objects: new Map(),
    removed: new Map(),
    pageNames: options.pageNames ?? 1000,
    conditionalPut: options.conditionalPut ?? "works",
    ranges: options.ranges ?? "works",
    isLocked: options.isLocked ?? false,
  }
  const requests: S3Request[] = []
  const listen: http.RequestListener = (message, response) => {
    answer(message, response).catch((error: unknown) => response.destroy(error as Error))
  }
  const listener =
    options.tls === undefined ? http.createServer(listen) : https.createServer({ ...options.tls }, listen)

  async function answer(message: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const target = readTarget(message, options.hostName)
    const request = { number: requests.length, method: target.method, key: target.key }
    requests.push(request)
    const fault = server.plan(request)
    if (fault === "reset") return void message.socket.destroy()
    const body = await readAll(message)
    const delayMs = (options.latencyMs ?? 0) + (typeof fault === "object" ? fault.delayMs : 0)
    if (delayMs > 0) await new Promise((resolve) => void setTimeout(resolve, delayMs))
    if (fault === "hang") return

    const headers = message.headers as Record<string, string>
    const nowMs = Date.now() + server.clockAheadMs
    const signed = { method: message.method ?? "", target: message.url ?? "/", headers, body }
    const refused = verifySignature(signed, {
      accessKeyId,
      secretAccessKey,
      sessionToken: server.sessionToken,
      region,
      nowMs,
    })
    let reply = faultReply(fault, headers)
    if (reply === undefined && refused !== undefined) reply = signatureReply(refused, region)
    if (options.denied?.includes(target.method) === true) reply ??= errorReply(403, "AccessDenied")
    if (target.bucket !== bucket) reply ??= errorReply(404, "NoSuchBucket")
    reply ??= handleRequest(served, {
      ...target,
      headers,
      body,
      fault: typeof fault === "string" ? fault : undefined,
    })
    if (fault === "lost-reply") return void message.socket.destroy()
    if (fault === "flipped-bit" && target.method === "GET") reply = { ...reply, body: flipped(reply.body) }
    const withBody = target.method !== "HEAD"
    send(response, reply, { torn: fault === "torn-body", withBody, nowMs, serverName: options.serverName })
  }

  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve))
  const { port } = listener.address() as AddressInfo
  const server: S3FaultServer = {
    endpoint: `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    bucket,
    region,
    credentials: { accessKeyId, secretAccessKey },
    objects: served.objects,
    requests,
    clockAheadMs: options.clockAheadMs ?? 0,
    sessionToken: options.sessionToken,
    plan: options.plan ?? (() => undefined),
    close() {
      listener.closeAllConnections()
      return new Promise((resolve) => void listener.close(() => resolve()))
    },
  }
  return server
}

interface Target {
  readonly bucket: string
  readonly method: S3Request["method"]
  readonly key: string
  readonly query: URLSearchParams
}

function readTarget(
  { url = "/", method = "GET", headers }: http.IncomingMessage,
  hostName: string | undefined,
): Target {
  const { pathname, searchParams: query } = new URL(url, "http://server")
  const host = headers.host?.replace(/:\d+$/, "") ?? ""
  const inHost =
    hostName !== undefined && host.endsWith(`.${hostName}`) ? host.slice(0, -hostName.length - 1) : ""
  const [, bucket = "", ...parts] =
    `${inHost === "" ? "" : `/${inHost}`}${decodeURIComponent(pathname)}`.split("/")
  const key = parts.join("/")
  if (method === "GET" && key === "") return { bucket, method: "LIST", key: query.get("prefix") ?? "", query }
  return { bucket, method: method as S3Request["method"], key, query }
}

function faultReply(
  fault: S3ServerFault | undefined,
  headers: Readonly<Record<string, string>>,
): Reply | undefined {
  if (fault === "500") return errorReply(500, "InternalError")
  if (fault === "503") return errorReply(503, "SlowDown")
  if (fault === "429") return errorReply(429, "TooManyRequests", { "retry-after": "1" })
  if (fault === "unsettled" && "if-none-match" in headers) return errorReply(412, "PreconditionFailed")
  if (fault === "stale") return errorReply(403, "RequestTimeTooSkewed")
  return fault === "portal" ? PORTAL : undefined
}

function flipped(body: Uint8Array): Uint8Array {
  const wrong = new Uint8Array(body)
  const middle = wrong.length >>> 1
  wrong[middle] = (wrong[middle] ?? 0) ^ 8
  return wrong
}

interface Sending {
  readonly torn: boolean
  readonly withBody: boolean
  readonly nowMs: number
  readonly serverName: string | undefined
}

function send(response: http.ServerResponse, reply: Reply, how: Sending): void {
  response.writeHead(reply.status, {
    date: new Date(how.nowMs).toUTCString(),
    ...(reply === PORTAL ? {} : { "x-amz-request-id": "TESTREQUEST" }),
    ...(how.serverName === undefined ? {} : { server: how.serverName }),
    ...(reply.status === 204 ? {} : { "content-length": String(reply.length ?? reply.body.length) }),
    ...reply.headers,
  })
  if (!how.torn) return void response.end(how.withBody ? reply.body : undefined)
  response.write(reply.body.subarray(0, reply.body.length >>> 1), () => response.destroy())
}

function signatureReply(code: string, region: string): Reply {
  if (code === "AuthorizationHeaderMalformed") {
    return errorReply(400, code, { "x-amz-bucket-region": region }, `<Region>${region}</Region>`)
  }
  return errorReply(code === "XAmzContentSHA256Mismatch" || code === "ExpiredToken" ? 400 : 403, code)
}

async function readAll(message: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of message) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/**
 * Makes an `EngineError` with advice of an error of an S3 server, the network or the SDK. The server's own
 * text is left out, because some servers repeat access keys or signed requests in it. Only temporary failures
 * are "unavailable", and so retried. See spec/stores.md.
 */
import { EngineError } from "../../base/errors.ts"
import { objectNotFound } from "../object-name.ts"
import { readFault, type S3Fault } from "./s3-fault.ts"
import {
  CERTIFICATE_CODES,
  MEANING_OF_CODE,
  MEANING_OF_NETWORK_CODE,
  VERDICTS,
  type S3Call,
  type Verdict,
} from "./s3-verdicts.ts"

export type { S3Action, S3Call } from "./s3-verdicts.ts"

/** Returns bugs unchanged. */
export function s3Error(error: unknown, call: S3Call): Error {
  if (error instanceof EngineError || isBug(error)) return error as Error
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

/** The response is not that of an S3 server: a captive portal, another service. */
export function notS3(call: S3Call, found: string): EngineError {
  return new EngineError(
    "unavailable",
    "not-s3",
    `${call.location}: ${call.host} does not answer like an S3 server (${call.action}: ${found}).` +
      " Check the endpoint, and whether the network requires a log-in",
  )
}

/** Our own bugs must crash and not be retried like network failures. */
function isBug(error: unknown): boolean {
  if (!(error instanceof Error) || "$metadata" in error) return false
  return error instanceof TypeError || error instanceof RangeError || error.message.startsWith("bug: ")
}

/** Not every 404: a server may send it for an unknown user, and then nothing is missing. */
function isMissingObject(fault: S3Fault, call: S3Call): boolean {
  if (fault.code === "NoSuchKey") return true
  // The response to a HEAD has no body with a code. A HEAD only follows a name that was listed or read before.
  return fault.status === 404 && fault.code === "NotFound" && call.action === "head"
}

function judge(fault: S3Fault, call: S3Call): Verdict {
  return judgeByCode(fault, call) ?? judgeByStatus(fault, call) ?? judgeNetwork(fault, call)
}

function judgeByCode(fault: S3Fault, call: S3Call): Verdict | undefined {
  const meaning = MEANING_OF_CODE.get(fault.code)
  return meaning === undefined ? undefined : VERDICTS[meaning](fault, call)
}

function judgeByStatus(fault: S3Fault, call: S3Call): Verdict | undefined {
  const { status } = fault
  if (status === 0) return undefined
  if (status === 429) return VERDICTS.slowDown(fault, call)
  if (status === 507) return VERDICTS.noSpace(fault, call)
  if (status === 501 || status === 405) {
    return [
      "invalid",
      "not-supported",
      "the server does not support this request. holdfast needs PUT, GET with ranges, HEAD, ListObjectsV2 and DELETE",
    ]
  }
  if (status >= 500) return ["unavailable", "server-error", `${call.host} failed`]
  if (status >= 300 && status < 400) return VERDICTS.wrongRegion(fault, call)
  if (status === 401 || status === 403) return VERDICTS.deniedAction(fault, call)
  if (status === 404)
    return ["not-found", "no-bucket", `no bucket "${call.bucket}" at ${call.host}, or it is not an S3 server`]
  if (status === 408) return ["unavailable", "timeout", `${call.host} waited too long for the request`]
  if (status >= 400) return ["invalid", "store-refused", `${call.host} refused the request for ${call.name}`]
  return ["unavailable", "not-s3", `${call.host} does not answer like an S3 server. Check the endpoint`]
}

/** Recognises the codes of Node and OpenSSL. Any other failure between two machines is a lost connection. */
function judgeNetwork(fault: S3Fault, call: S3Call): Verdict {
  const certificate = CERTIFICATE_CODES.test(fault.code) ? "certificate" : undefined
  const meaning = certificate ?? MEANING_OF_NETWORK_CODE.get(fault.code) ?? "connectionLost"
  return VERDICTS[meaning](fault, call)
}

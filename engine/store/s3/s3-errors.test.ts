import * as assert from "node:assert/strict"
import { test } from "node:test"
import { EngineError, isEngineError } from "../../base/errors.ts"
import { notS3, s3Error, type S3Call } from "./s3-errors.ts"

const call: S3Call = {
  action: "put",
  name: "packs/ab/x",
  location: "s3://bucket/prefix",
  bucket: "bucket",
  host: "s3.example.com",
  region: "us-east-1",
}
const fromServer = (name: string, httpStatusCode: number): object => ({ name, $metadata: { httpStatusCode } })
const fromNode = (code: string): object => Object.assign(new Error("connect"), { code })

test("s3Error() distinguishes errors that can be retried from others", () => {
  const cases: [object, string][] = [
    [fromServer("CredentialsProviderError", 0), "denied no-credentials"],
    [fromServer("ExpiredToken", 400), "denied expired-credentials"],
    [fromServer("RequestTimeTooSkewed", 403), "denied clock-skew"],
    [fromServer("PermanentRedirect", 301), "invalid wrong-region"],
    [fromServer("UnknownError", 307), "invalid wrong-region"],
    [fromServer("AccessDenied", 403), "denied write-denied"],
    [fromServer("Whatever", 403), "denied write-denied"],
    [fromServer("QuotaExceeded", 403), "denied no-space"],
    [fromServer("Whatever", 507), "denied no-space"],
    [fromServer("NotImplemented", 501), "invalid not-supported"],
    [fromServer("InvalidArgument", 400), "invalid store-refused"],
    [fromServer("NoSuchBucket", 404), "not-found no-bucket"],
    [fromServer("NoSuchKey", 404), "not-found object-not-found"],
    [fromServer("NotFound", 404), "not-found no-bucket"],
    [fromServer("XAdminUserNotFound", 404), "denied wrong-credentials"],
    [fromServer("Whatever", 404), "not-found no-bucket"],
    [fromServer("SlowDown", 503), "unavailable slow-down"],
    [fromServer("RequestRateLimitExceeded", 400), "unavailable slow-down"],
    [fromServer("Whatever", 502), "unavailable server-error"],
    [fromServer("Whatever", 408), "unavailable timeout"],
    [fromServer("ConditionalRequestConflict", 409), "unavailable slow-down"],
    [fromNode("ENOTFOUND"), "unavailable no-network"],
    [fromNode("EAI_AGAIN"), "unavailable no-network"],
    [fromNode("ENETUNREACH"), "unavailable no-network"],
    [fromNode("ECONNRESET"), "unavailable connection-lost"],
    [{ ...fromServer("Error", 404), code: "ECONNRESET" }, "unavailable connection-lost"],
    [fromNode("EPIPE"), "unavailable connection-lost"],
    [fromNode("SELF_SIGNED_CERT_IN_CHAIN"), "denied certificate"],
    [fromNode("CERT_HAS_EXPIRED"), "denied certificate"],
    [Object.assign(new Error("x"), { name: "TimeoutError" }), "unavailable timeout"],
    [new AggregateError([fromNode("ECONNREFUSED")]), "unavailable connection-refused"],
    [new Error("socket hang up"), "unavailable connection-lost"],
  ]
  for (const [error, expected] of cases) {
    const failure = s3Error(error, call)
    assert.ok(failure instanceof EngineError)
    assert.equal(`${failure.kind} ${failure.code}`, expected, JSON.stringify(error))
    assert.match(failure.message, /^[^A-Z].*[^.]$/)
  }
})

test("s3Error() passes bugs through, so they are not retried", () => {
  for (const bug of [new TypeError("x is not a function"), new Error("bug: a claim")]) {
    assert.equal(s3Error(bug, call), bug)
  }
})

test("s3Error() says what to do after a broken connection", () => {
  const { message } = s3Error(fromNode("ECONNRESET"), call)
  assert.match(
    message,
    /was closed\. Check the network, and whether the endpoint uses http:\/\/ or https:\/\/ \(put: ECONNRESET\)/,
  )
})

test("s3Error() passes an EngineError, and never repeats the server's own words", () => {
  const failure = notS3(call, "no listing")
  assert.equal(s3Error(failure, call), failure)
  const chatty = { ...fromServer("SignatureDoesNotMatch", 403), message: "AKIASECRET hunter2" }
  assert.doesNotMatch(s3Error(chatty, call).message, /AKIA|hunter2/)
})

test("s3Error() treats a 404 of a HEAD as a missing object, and of a LIST as a missing bucket", () => {
  const notFound = fromServer("NotFound", 404)
  assert.ok(isEngineError(s3Error(notFound, { ...call, action: "head" }), "object-not-found"))
  assert.ok(isEngineError(s3Error(notFound, { ...call, action: "list" }), "no-bucket"))
})

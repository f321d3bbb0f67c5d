import * as assert from "node:assert/strict"
import { describe, test } from "node:test"
import { isEngineError } from "../../base/errors.ts"
import { credentialsByReference, parseS3Credentials, type S3CredentialsSource } from "./s3-credentials.ts"

const NOW_MS = Date.parse("2026-11-25T12:00:00Z")
const keys = { accessKeyId: "AKID", secretAccessKey: "hunter2+/=" }

describe("parseS3Credentials()", () => {
  test("accepts KEY_ID:SECRET_KEY, AWS's JSON, and the lines of its files", () => {
    const token = { ...keys, sessionToken: "tok" }
    const expiring = { ...token, expiration: new Date("2026-11-25T13:00:00Z") }
    const json = {
      Version: 1,
      AccessKeyId: "AKID",
      SecretAccessKey: "hunter2+/=",
      SessionToken: "tok",
      Expiration: "2026-11-25T13:00:00Z",
    }
    const cases: [string, object][] = [
      ["AKID:hunter2+/=", keys],
      ["\n  AKID:hunter2+/= \n", keys],
      ["[default]\naws_access_key_id = AKID\naws_secret_access_key=hunter2+/=\n", keys],
      ["# mine\naws_access_key_id=AKID\r\naws_secret_access_key=hunter2+/=\r\naws_session_token=tok", token],
      ["export AWS_ACCESS_KEY_ID=\"AKID\"\nexport AWS_SECRET_ACCESS_KEY='hunter2+/='", keys],
      [JSON.stringify(json), expiring],
      [JSON.stringify({ Credentials: json, AssumedRoleUser: {} }, null, 2), expiring],
      [
        "AWS_ACCESS_KEY_ID=AKID\nAWS_SECRET_ACCESS_KEY=hunter2+/=\nAWS_SESSION_TOKEN=tok\n" +
          "AWS_CREDENTIAL_EXPIRATION=2026-11-25T13:00:00Z",
        expiring,
      ],
    ]
    for (const [text, expected] of cases) assert.deepEqual(parseS3Credentials(text), expected, text)
  })

  test("refuses everything else, and repeats none of it", () => {
    const texts = [
      "hunter2",
      "hunter2 hunter2",
      ":hunter2",
      "AKID:",
      "{hunter2",
      '{"AccessKeyId":"hunter2"}',
      '{"AccessKeyId":1,"SecretAccessKey":"hunter2"}',
      '{"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":"hunter2"}',
      "aws_access_key_id=hunter2",
      "aws_secret_access_key=hunter2",
    ]
    for (const text of texts) {
      assert.throws(
        () => parseS3Credentials(text),
        (error) => {
          assert.ok(isEngineError(error, "credentials-form"), text)
          assert.match(error.message, /expected KEY_ID:SECRET_KEY/)
          assert.equal(error.cause, undefined)
          assert.ok(!(error.stack ?? "").includes("hunter2"), text)
          return true
        },
      )
    }
  })
})

describe("credentialsByReference()", () => {
  /** A source with a settable clock and variable. */
  function source(): { ask: S3CredentialsSource; at: { nowMs: number; text: string } } {
    const at = { nowMs: NOW_MS, text: "" }
    const environment = {
      get KEYS(): string {
        return at.text
      },
    }
    const { credentials } = credentialsByReference("env:KEYS", {
      environment,
      platform: "linux",
      nowMs: () => at.nowMs,
    })
    assert.ok(credentials !== undefined)
    return { ask: credentials, at }
  }
  const until = (id: string, minutes: number): string =>
    JSON.stringify({
      AccessKeyId: id,
      SecretAccessKey: "s",
      Expiration: new Date(NOW_MS + minutes * 60_000).toISOString(),
    })

  test("leaves a profile to the SDK, and refuses a literal before any request", () => {
    const ports = { environment: {}, platform: "linux", nowMs: () => NOW_MS } as const
    assert.deepEqual(credentialsByReference("profile:back up", ports), { profile: "back up" })
    assert.throws(
      () => credentialsByReference("AKID:hunter2", ports),
      (error) => isEngineError(error, "literal-secret") && !error.message.includes("hunter2"),
    )
  })

  test("fetches keys that don't expire once, unless they were refused", async () => {
    const { ask, at } = source()
    at.text = "one:s"
    await ask()
    at.text = "two:s"
    at.nowMs += 24 * 3_600_000
    assert.equal((await ask()).accessKeyId, "one")
    assert.equal((await ask({ forceRefresh: true })).accessKeyId, "two")
  })

  test("fetches a token that expires soon once a minute, and at once if it was refused or has expired", async () => {
    const { ask, at } = source()
    at.text = until("one", 3)
    assert.equal((await ask()).accessKeyId, "one")
    at.text = until("two", 3)
    assert.equal((await ask()).accessKeyId, "one")
    assert.equal((await ask({ forceRefresh: true })).accessKeyId, "two")
    at.text = until("three", 4)
    at.nowMs += 61_000
    assert.equal((await ask()).accessKeyId, "three")
    at.text = until("four", 600)
    at.nowMs += 5 * 3_600_000
    assert.equal((await ask()).accessKeyId, "four")
  })

  test("continues with valid keys if no new ones can be fetched, and then reports why", async () => {
    const { ask, at } = source()
    await assert.rejects(ask(), (error) => isEngineError(error, "secret-missing"))
    at.text = until("one", 3)
    await ask()
    at.text = ""
    at.nowMs += 2 * 60_000
    assert.equal((await ask()).accessKeyId, "one")
    at.nowMs += 2 * 60_000
    await assert.rejects(
      ask(),
      (error) =>
        isEngineError(error, "credentials-renewal") &&
        error.kind === "unavailable" &&
        /could not be renewed: .*KEYS is not set/.test(error.message),
    )
    at.text = until("two", 60)
    assert.equal((await ask()).accessKeyId, "two")
  })
})

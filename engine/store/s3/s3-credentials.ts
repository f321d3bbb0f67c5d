/**
 * S3's keys by reference. They are fetched when first needed, again before they expire, and when the server
 * reports them as expired (`s3-client.ts`). So a run may last longer than a session token. See
 * spec/stores.md.
 */
import type { SecretPorts } from "../../secrets/run-program.ts"
import { EngineError } from "../../base/errors.ts"
import { parseSecretReference } from "../../secrets/reference.ts"
import { readSecret } from "../../secrets/read-secret.ts"

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** The keys are fetched again five minutes before. */
  readonly expiration?: Date
}

/** Called by the SDK, with `forceRefresh` if the last ones were refused. */
export type S3CredentialsSource = (options?: { readonly forceRefresh?: boolean }) => Promise<S3Credentials>

export interface CredentialsPorts extends SecretPorts {
  nowMs(): number
}

const WHAT = "credentials"
const PROFILE = /^profile:([\w.@ -]{1,100})$/
/** The SDK calls before each request in the last five minutes. Some tokens live no longer than that. */
const AGAIN_AFTER_MS = 60_000

export interface CredentialsChoice {
  /** A profile of the AWS configuration files, which the SDK reads. */
  readonly profile?: string
  readonly credentials?: S3CredentialsSource
}

/**
 * Parses the reference now, and reads the credentials at the first request.
 * @throws invalid for a wrong reference
 */
export function credentialsByReference(reference: string, ports: CredentialsPorts): CredentialsChoice {
  const profile = PROFILE.exec(reference)?.[1]
  if (profile !== undefined) return { profile }
  parseSecretReference(reference, WHAT)
  let last: S3Credentials | undefined
  let readAtMs = 0
  const isUsable = (now: number): boolean => last?.expiration !== undefined && last.expiration.getTime() > now
  return {
    async credentials({ forceRefresh = false } = {}) {
      const now = ports.nowMs()
      const age = now - readAtMs
      const isFresh = last?.expiration === undefined || (isUsable(now) && age >= 0 && age < AGAIN_AFTER_MS)
      if (!forceRefresh && last !== undefined && isFresh) return last
      try {
        const text = await readSecret(reference, WHAT, ports)
        last = parseS3Credentials(text)
      } catch (error) {
        // The first failure goes to the user. A later one may be a network that is not back yet.
        if (last === undefined || !(error instanceof EngineError)) throw error
        if (forceRefresh || !isUsable(now)) throw notRenewed(error)
      }
      readAtMs = now
      return last
    },
  }
}

function notRenewed(error: EngineError): EngineError {
  const message = `the credentials expired and could not be renewed: ${error.message}`
  return new EngineError("unavailable", "credentials-renewal", message, { cause: error })
}

/**
 * @param text `ID:SECRET`; or the JSON of AWS's `credential_process` and `sts assume-role`; or lines of an
 * AWS credentials file or of `export AWS_…`
 * @throws invalid "credentials-form", which never repeats the text
 */
export function parseS3Credentials(text: string): S3Credentials {
  const fields = text.trimStart().startsWith("{") ? fieldsOfJson(text) : fieldsOfLines(text)
  const { id, secret, token, expiration } = fields
  if (!id || !secret) throw unreadable("the key ID or the secret key is missing")
  const expires = expiration === undefined ? undefined : new Date(expiration)
  if (expires !== undefined && Number.isNaN(expires.getTime()))
    throw unreadable("the expiration is not a time")
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token ? { sessionToken: token } : {}),
    ...(expires === undefined ? {} : { expiration: expires }),
  }
}

interface Fields {
  readonly id?: string | undefined
  readonly secret?: string | undefined
  readonly token?: string | undefined
  readonly expiration?: string | undefined
}

function fieldsOfJson(text: string): Fields {
  let record: Record<string, unknown>
  try {
    const outer = JSON.parse(text) as Record<string, unknown>
    const inner = outer["Credentials"]
    record = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : outer
  } catch {
    // The parser's own message quotes its input.
    throw unreadable("not valid JSON")
  }
  const field = (name: string): string | undefined => {
    const value = record[name]
    return typeof value === "string" ? value : undefined
  }
  return {
    id: field("AccessKeyId"),
    secret: field("SecretAccessKey"),
    token: field("SessionToken"),
    expiration: field("Expiration"),
  }
}

function fieldsOfLines(text: string): Fields {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^[#;[]/.test(line))
  const pair = /^([^\s:=]+):(\S+)$/.exec(lines[0] ?? "")
  if (lines.length === 1 && pair !== null) return { id: pair[1], secret: pair[2] }
  const named = new Map<string, string>()
  for (const line of lines) {
    const [, name = "", value = ""] = /^(?:export\s+)?(\w+)\s*=\s*(.*)$/.exec(line) ?? []
    named.set(name.toLowerCase(), value.replace(/^(["'])(.*)\1$/, "$2"))
  }
  return {
    id: named.get("aws_access_key_id"),
    secret: named.get("aws_secret_access_key"),
    token: named.get("aws_session_token"),
    expiration: named.get("aws_credential_expiration"),
  }
}

function unreadable(why: string): EngineError {
  const message = `${WHAT}: ${why}: expected KEY_ID:SECRET_KEY, AWS's JSON, or lines as in ~/.aws/credentials`
  return new EngineError("invalid", "credentials-form", message)
}

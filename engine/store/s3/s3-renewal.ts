/**
 * When the server says that credentials have expired, or does not know them any more, they are
 * fetched once again; if others come, the call is to be repeated, which is the retrying store's, so
 * that it is counted. The same ones again mean what the server said. See spec/stores.md.
 */
import { EngineError } from "../../base/errors.ts"
import { readFault } from "./s3-fault.ts"
import { MEANING_OF_CODE } from "./s3-verdicts.ts"

export interface Identity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** As the SDK keeps it: remembered until it expires; calls at one time share one fetch. */
export type IdentitySource = (options?: { forceRefresh?: boolean }) => Promise<Identity>

export async function withRenewal<T>(source: IdentitySource, call: () => Promise<T>): Promise<T> {
  // The SDK signs with the same one, or with a newer one that was fetched meanwhile.
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

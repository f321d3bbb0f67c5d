/**
 * The one place where a failed store call is tried again: only kind "unavailable", with capped
 * exponential back-off and jitter. A retry is safe because put and remove may be repeated. A
 * listing that broke off goes on after the last name that it gave. See spec/stores.md.
 */
import { EngineError, isEngineError } from "../../base/errors.ts"
import type { Store, StoredObject } from "../store.ts"

export interface RetryPolicy {
  /** Calls in all, the first one included. */
  readonly attempts: number
  /** The same for as long as the store has never answered: a wrong endpoint is not waited for. */
  readonly attemptsBeforeContact: number
  readonly baseMs: number
  readonly capMs: number
}

export interface RetryPorts {
  sleep(milliseconds: number): Promise<void>
  /** From 0 up to 1, like Math.random. */
  random(): number
  /** Told before each wait; `attempt` counts the failures of this call so far. */
  onRetry?(failure: EngineError, attempt: number, waitMs: number): void
}

/** About 90 seconds in all: long enough for a server's restart or a lost Wi-Fi, not for a lost night. */
export const RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  attemptsBeforeContact: 4,
  baseMs: 250,
  capMs: 20_000,
}

/** A server may ask for more patience than ours, but not for an unbounded one. */
const RETRY_AFTER_MS_MAX = 60_000

export const SYSTEM_RETRY_PORTS: RetryPorts = {
  sleep: (milliseconds) => new Promise((resolve) => void setTimeout(resolve, milliseconds)),
  random: Math.random,
}

export function retryingStore(
  store: Store,
  ports: RetryPorts = SYSTEM_RETRY_PORTS,
  policy: RetryPolicy = RETRY_POLICY,
): Store {
  let answered = false

  /** Waits, or throws when the failure is final. */
  async function waitAfter(error: unknown, attempt: number): Promise<void> {
    if (!isEngineError(error) || error.kind !== "unavailable") throw error
    if (attempt >= (answered ? policy.attempts : policy.attemptsBeforeContact)) throw gaveUp(error, attempt)
    const waitMs = backOff(policy, attempt, ports.random(), Number(error.detail["retryAfterMs"] ?? 0))
    ports.onRetry?.(error, attempt, waitMs)
    await ports.sleep(waitMs)
  }

  async function retrying<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const result = await call()
        answered = true
        return result
      } catch (error) {
        await waitAfter(error, attempt)
      }
    }
  }

  return {
    location: store.location,
    folder: store.folder,
    put: (name, bytes) => retrying(() => store.put(name, bytes)),
    get: (name, range) => retrying(() => store.get(name, range)),
    lend: store.lend,
    remove: (name) => retrying(() => store.remove(name)),

    async *list(prefix): AsyncGenerator<StoredObject> {
      let last = ""
      for (let attempt = 1; ; attempt++) {
        try {
          for await (const object of store.list(prefix)) {
            answered = true
            if (object.name <= last) continue
            last = object.name
            attempt = 1
            yield object
          }
          answered = true
          return
        } catch (error) {
          await waitAfter(error, attempt)
        }
      }
    },
  }
}

/** Between half and all of base × 2^(attempt-1), capped: clients that failed together part ways. */
export function backOff(policy: RetryPolicy, attempt: number, random: number, retryAfterMs: number): number {
  const full = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1))
  const jittered = full / 2 + (full / 2) * random
  return Math.round(Math.max(jittered, Math.min(retryAfterMs, RETRY_AFTER_MS_MAX)))
}

function gaveUp(error: EngineError, attempts: number): EngineError {
  return new EngineError(error.kind, error.code, `${error.message} (gave up after ${attempts} attempts)`, {
    detail: { ...error.detail, attempts },
    cause: error,
  })
}

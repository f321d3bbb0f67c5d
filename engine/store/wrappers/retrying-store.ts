/**
 * The only place that retries a failed store call: only kind "unavailable", with capped exponential back-off
 * and jitter. A retry is safe, because put and remove may be repeated. An interrupted listing continues after
 * its last name. See spec/stores.md.
 */
import { EngineError, isEngineError } from "../../base/errors.ts"
import type { Store, StoredObject } from "../store.ts"

export interface RetryPolicy {
  /** Attempts, including the first one. */
  readonly attempts: number
  /** Attempts while the store has never responded: a wrong endpoint fails sooner. */
  readonly attemptsBeforeContact: number
  readonly baseMs: number
  readonly capMs: number
}

export interface RetryPorts {
  sleep(milliseconds: number): Promise<void>
  /** Returns 0 up to 1, like Math.random. */
  random(): number
  /** Called before each wait; `attempt` counts the failures of this call so far. */
  onRetry?(failure: EngineError, attempt: number, waitMs: number): void
}

/** About 90 seconds in total: enough for a server's restart or a lost Wi-Fi connection. */
export const RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  attemptsBeforeContact: 4,
  baseMs: 250,
  capMs: 20_000,
}

/** Limit for the wait that a server asks for. */
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

  /** Waits, or throws if the failure is final. */
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

/**
 * Waits half to all of base × 2^(attempt-1), capped, so that clients that failed together retry at different
 * times.
 */
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

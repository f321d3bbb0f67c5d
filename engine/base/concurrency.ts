/** Runs several things at once, up to a limit: requests, workers. */

/**
 * Calls `work` for every item, at most `limit` at a time, started in order. After the first failure
 * it starts nothing more, waits for what is running, and rejects with that failure.
 */
export async function forEachBounded<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failed = false
  const lane = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true && !failed; next = iterator.next()) {
      try {
        await work(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: limit }, lane))
  const failure = lanes.find((each) => each.status === "rejected")
  if (failure !== undefined) throw failure.reason
}

/** What was asked of a store: by one verb, out of all since the repository was opened; or in all. */
import { trafficOf } from "../store/open-store.ts"
import type { Traffic } from "../store/wrappers/metered-store.ts"
import type { Store } from "../store/store.ts"
import type { Requests } from "./repository.ts"

export function requestsSince(before: Requests, now: Requests): Requests {
  return {
    put: now.put - before.put,
    get: now.get - before.get,
    head: now.head - before.head,
    list: now.list - before.list,
    delete: now.delete - before.delete,
    bytesUp: now.bytesUp - before.bytesUp,
    bytesDown: now.bytesDown - before.bytesDown,
  }
}

/**
 * @returns requests and bytes of this store since `openStore`
 */
export function requestsOf(store: Store): Requests {
  return requestsIn(trafficOf(store))
}

export function requestsIn({ requests, bytesUp, bytesDown }: Traffic): Requests {
  return { ...requests, bytesUp, bytesDown }
}

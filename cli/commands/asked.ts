/**
 * The store requests of a run, as providers bill them. Verbs with a summary print them there; all others print a
 * last line on standard error: always with --json, else with --verbose. Standard output has only the result.
 */
import { requestsOf, type Requests } from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { showBytes, showNumber } from "../output/format.ts"
import { requestsFields } from "../output/json-shapes.ts"

/** Of all stores that were opened so far; undefined when none was. */
export function askedSoFar({ stores }: Pick<Call, "stores">): Requests | undefined {
  const all = stores.map((store) => requestsOf(store))
  const [first, ...others] = all
  return first === undefined ? undefined : others.reduce(sum, first)
}

/** The same for a JSON line. */
export function askedFields(call: Pick<Call, "stores">): Record<string, number> | undefined {
  const asked = askedSoFar(call)
  return asked === undefined ? undefined : requestsFields(asked)
}

function sum(a: Requests, b: Requests): Requests {
  return {
    put: a.put + b.put,
    get: a.get + b.get,
    head: a.head + b.head,
    list: a.list + b.list,
    delete: a.delete + b.delete,
    bytesUp: a.bytesUp + b.bytesUp,
    bytesDown: a.bytesDown + b.bytesDown,
  }
}

export function tellAsked({ output, stores }: Pick<Call, "output" | "stores">): void {
  const asked = askedSoFar({ stores })
  if (asked === undefined) return
  if (output.json) {
    if (!output.hasRequests() && !output.quiet)
      output.aside({ message_type: "requests", requests: requestsFields(asked) })
  } else if (output.verbose) output.aside(showAsked(asked))
}

function showAsked({ put, get, head, list, delete: removed, bytesUp, bytesDown }: Requests): string {
  const counts = { PUT: put, GET: get, HEAD: head, LIST: list, DELETE: removed }
  const named = Object.entries(counts).flatMap(([name, count]) =>
    count === 0 ? [] : [`${showNumber(count)} ${name}`],
  )
  if (named.length === 0) return "No requests were made"
  return `Store requests: ${named.join(", ")} (${showBytes(bytesUp)} sent, ${showBytes(bytesDown)} received)`
}

/** `holdfast estimate`: estimates size, requests and cost of a backup. */
import { hostname } from "node:os"
import {
  estimate as estimateRun,
  rawPathFromText,
  type Estimate,
  type EstimateRequest,
} from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { withRepository } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { showBytes, showCount, showDollars, showNumber } from "../output/format.ts"
import { shown } from "../output/entry-text.ts"
import { summaryFields } from "../output/json-shapes.ts"
import { checkSource, filesFromOf, pricedAs, selectionOf, userName } from "./backup.ts"

export const estimate: Command = async (call) => {
  const request = requestOf(call)
  return await withRepository(call, { write: false }, async (repository) => {
    const progress = call.output.progress("estimate")
    const found = await estimateRun(repository, request, (event) => {
      if (event.type !== "progress") return
      const { filesDone, bytesDone, bytesTotal, current } = event
      progress.update({ files: filesDone, bytes: bytesDone, bytesTotal, current: current && shown(current) })
    })
    progress.wipe()
    report(call, found)
    return found.run.errors.length > 0 ? EXIT.someUnread : EXIT.done
  })
}

function requestOf(call: Call): EstimateRequest {
  const paths = call.args.map(rawPathFromText)
  const filesFrom = filesFromOf(call)
  checkSource(false, paths.length + (filesFrom?.length ?? 0))
  return {
    paths,
    filesFrom,
    cwd: rawPathFromText(process.cwd()),
    series: call.options.text("series"),
    host: hostname(),
    user: userName(),
    selection: selectionOf(call),
    provider: pricedAs(call),
  }
}

function report({ output }: Call, { run, added, requests, after, restoreBytes, money }: Estimate): void {
  output.object({
    message_type: "estimate",
    series: run.series,
    ...summaryFields(run.summary),
    bytes_added: added.bytes,
    objects_added: added.objects,
    requests,
    bytes_after: after.bytes,
    bytes_restore_max: restoreBytes,
    dollars:
      money === null
        ? null
        : {
            provider: money.provider,
            prices_as_of: money.asOf,
            requests: money.requests,
            storage: money.storage,
            per_month: money.perMonth,
            restore: money.restore,
          },
    errors: run.errors.length,
  })
  const { summary } = run
  const rows = [
    ["in the source", `${showCount(summary.files, "file")}, ${showBytes(summary.bytes)}`],
    [
      "new or changed",
      `${showCount(summary.filesNew + summary.filesChanged, "file")}, ${showBytes(summary.dataAdded)}`,
    ],
    ["would be stored", `${showBytes(added.bytes)} in ${showCount(added.objects, "object")}`],
    ["requests", `${showNumber(requests.put)} PUT, ${showNumber(requests.list)} LIST`],
    ["the repository then has", showBytes(after.bytes)],
    ["a full restore fetches", `at most ${showBytes(restoreBytes)}`],
  ]
  for (const line of table([], rows)) output.line(line)
  if (money === null) {
    output.say("no prices are known for this store. Use --provider NAME to see the cost there")
  } else {
    output.line("")
    output.line(`at ${money.title}, by the price list of ${money.asOf}:`)
    const costs = [
      ["  requests of this backup", showDollars(money.requests)],
      ["  storing what is new, at least", showDollars(money.storage)],
      ["  the whole repository, each month", showDollars(money.perMonth)],
      ["  a full restore over the Internet", showDollars(money.restore)],
    ]
    for (const line of table([], costs, [1])) output.line(line)
  }
  if (run.errors.length > 0)
    output.warn(`${showCount(run.errors.length, "item")} could not be read and are not included`)
}

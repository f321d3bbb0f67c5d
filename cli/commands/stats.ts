/** `holdfast stats`: reports the size of the store, and the size without deduplication. */
import { stats as readStats } from "../../engine/index.ts"
import { askedFields } from "./asked.ts"
import type { Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { withRepository } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"
import { showBytes, showDollars, showNumber } from "../output/format.ts"

export const stats: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    const { snapshots, objects, storedBytes, byKind, chunks, rawBytes, money } = await readStats(repository)
    output.object({
      message_type: "stats",
      snapshots_count: snapshots,
      total_size: storedBytes,
      total_object_count: objects,
      total_blob_count: chunks,
      total_restore_size: rawBytes,
      by_kind: byKind,
      dollars_per_month: Object.fromEntries(
        money.map(({ provider, dollarsPerMonth }) => [provider, round(dollarsPerMonth)]),
      ),
      provider: money.find(({ isHere }) => isHere)?.provider ?? null,
      requests: askedFields(call),
    })
    const rows = [
      ["snapshots", showNumber(snapshots)],
      ["objects in the store", showNumber(objects)],
      ["bytes in the store", showBytes(storedBytes)],
      ...Object.entries(byKind).map(([kind, { bytes }]) => [`  ${kind}`, showBytes(bytes)]),
      ["pieces of files (chunks)", showNumber(chunks)],
      ["restored, all snapshots", showBytes(rawBytes)],
    ]
    if (rawBytes > storedBytes)
      rows.push(["saved by deduplication and compression", `${(rawBytes / storedBytes).toFixed(2)} x`])
    for (const line of table([], rows, [1])) output.line(line)
    output.line("")
    output.line("a month of this much, by list prices, in US dollars:")
    const costs = money.map(({ title, asOf, isHere, dollarsPerMonth }) => [
      `  ${title}`,
      showDollars(dollarsPerMonth),
      `${isHere ? "this store; " : ""}list of ${asOf}`,
    ])
    for (const line of table([], costs, [1])) output.line(line)
    return EXIT.done
  })

/** To a hundredth of a cent. */
function round(dollars: number): number {
  return Math.round(dollars * 10_000) / 10_000
}

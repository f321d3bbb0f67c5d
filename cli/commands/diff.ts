/** `holdfast diff`: two snapshots, or one and the disk. */
import { diffSnapshots, diffWithDisk, type Difference, type Repository } from "../../engine/index.ts"
import type { Call, Command } from "../call.ts"
import { withRepository } from "../connection.ts"
import { EXIT, UsageError } from "../exit-codes.ts"
import { namedSnapshot } from "../filter.ts"
import { showNumber } from "../format.ts"
import { pathFields } from "../json-shapes.ts"
import { shown } from "../show-path.ts"

/** The letters of restic's diff. */
const LETTERS: Readonly<Record<Difference["change"], string>> = {
  added: "+",
  removed: "-",
  modified: "M",
  metadata: "U",
  type: "T",
}

export const diff: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    const metadata = call.options.flag("metadata")
    const counts = { added: 0, removed: 0, modified: 0, metadata: 0, type: 0 }
    for await (const { path, change } of await differences(call, repository)) {
      if (output.closed()) break
      counts[change]++
      if (change === "metadata" && !metadata) continue
      output.object({ message_type: "change", modifier: LETTERS[change], ...pathFields(path) })
      output.line(`${LETTERS[change]}    ${shown(path)}`)
    }
    const { added, removed, modified, type } = counts
    output.object({
      message_type: "statistics",
      added,
      removed,
      changed: modified,
      type_changed: type,
      metadata_changed: counts.metadata,
    })
    const numbers = [added, removed, modified + type, counts.metadata].map(showNumber)
    output.say(
      `${numbers[0]} added, ${numbers[1]} removed, ${numbers[2]} changed, ${numbers[3]} with other metadata`,
    )
    return EXIT.done
  })

async function differences(call: Call, repository: Repository): Promise<AsyncIterable<Difference>> {
  const [first = "latest", second] = call.args
  const folder = call.options.text("with")
  if (second !== undefined && folder !== undefined) {
    throw new UsageError("--with names a folder; a second snapshot can't be given as well")
  }
  const a = await namedSnapshot(call, repository, first)
  if (second === undefined) return diffWithDisk(repository, a.snapshot, { folder, within: a.path })
  const b = await namedSnapshot(call, repository, second)
  if (a.path !== b.path) throw new UsageError("both snapshots need the same :PATH")
  return diffSnapshots(repository, a.snapshot, b.snapshot, a.path)
}

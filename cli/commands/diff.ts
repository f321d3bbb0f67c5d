/** `holdfast diff`: compares two snapshots, or one with the disk. */
import { diffSnapshots, diffWithDisk, type Difference, type Repository } from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { namedSnapshot } from "./filter.ts"
import { showNumber } from "../output/format.ts"
import { pathFields } from "../output/json-shapes.ts"
import { shown } from "../output/entry-text.ts"

/** The letters of restic's diff. */
const LETTERS: Readonly<Record<Difference["change"], string>> = {
  added: "+",
  removed: "-",
  modified: "M",
  metadata: "U",
  type: "T",
}

/** restic's counts of one kind of change. */
interface Counts {
  files: number
  dirs: number
  others: number
  /** Of files. */
  bytes: number
}

export const diff: Command = async (call) => {
  if (call.args[1] !== undefined && call.options.text("with") !== undefined)
    throw new UsageError("--with can't be used with a second snapshot: give one thing to compare with")
  return await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    const metadata = call.options.flag("metadata")
    const added = noCounts()
    const removed = noCounts()
    const counts = { added: 0, removed: 0, modified: 0, metadata: 0, type: 0 }
    const sides = await sidesOf(call, repository)
    for await (const difference of sides.differences) {
      const { path, change } = difference
      if (output.closed()) break
      counts[change]++
      if (change === "added") count(added, difference.after ?? difference.found)
      if (change === "removed") count(removed, difference.before)
      if (change === "metadata" && !metadata) continue
      output.object({ message_type: "change", modifier: LETTERS[change], ...pathFields(path || ".") })
      output.line(`${LETTERS[change]}    ${shown(path)}`)
    }
    output.object({
      message_type: "statistics",
      source_snapshot: sides.source,
      target_snapshot: sides.target,
      changed_files: counts.modified,
      type_changed: counts.type,
      metadata_changed: counts.metadata,
      added,
      removed,
    })
    const numbers = [counts.added, counts.removed, counts.modified + counts.type, counts.metadata].map(
      showNumber,
    )
    output.say(
      `${numbers[0]} added, ${numbers[1]} removed, ${numbers[2]} changed, ${numbers[3]} with other metadata`,
    )
    return EXIT.done
  })
}

function noCounts(): Counts {
  return { files: 0, dirs: 0, others: 0, bytes: 0 }
}

function count(counts: Counts, one: { readonly type: string; readonly size: number } | undefined): void {
  if (one?.type === "directory") counts.dirs++
  else if (one?.type === "file") {
    counts.files++
    counts.bytes += one.size
  } else counts.others++
}

interface Sides {
  readonly source: string
  /** Null for the disk. */
  readonly target: string | null
  readonly differences: AsyncIterable<Difference>
}

async function sidesOf(call: Call, repository: Repository): Promise<Sides> {
  const [first = "latest", second] = call.args
  const folder = call.options.text("with")
  const a = await namedSnapshot(call, repository, first)
  const source = a.snapshot.id
  if (second === undefined) {
    const differences = diffWithDisk(repository, a.snapshot, { folder, within: a.path })
    return { source, target: null, differences }
  }
  const b = await namedSnapshot(call, repository, second)
  if (a.path !== b.path) throw new UsageError("both snapshots need the same :PATH")
  const differences = diffSnapshots(repository, a.snapshot, b.snapshot, a.path)
  return { source, target: b.snapshot.id, differences }
}

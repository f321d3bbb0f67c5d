/**
 * The backup of a stream, in place of scan and assemble: one file that is cut as it arrives, without a
 * file on disk. Its time is when its content first came, so the same content again makes no snapshot.
 */
import { assert } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { equalEntries, type Entry } from "../format/listing-entry.ts"
import type { ListingBuilder } from "../listing/build.ts"
import { lookUp } from "../listing/look-up.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { contentRead } from "./assemble.ts"
import type { RunNodes } from "./kept-nodes.ts"
import type { Run } from "./run.ts"
import type { InlinePool } from "./split/split-pool.ts"

interface StreamPorts {
  readonly run: Run
  readonly nodes: RunNodes
  readonly pool: InlinePool
  /** The series' newest snapshot. */
  readonly parent: SnapshotRecord | undefined
}

export async function putStream(
  builder: ListingBuilder,
  { run, nodes, pool, parent }: StreamPorts,
): Promise<void> {
  assert(run.source.stdin !== undefined, "a source without files is a stream")
  const { name, stream } = run.source.stdin
  const before = parent === undefined ? undefined : await lookUp(parent.root, nodes.read, name)
  const read = await pool.splitStream(stream)
  run.tally.counts.files = 1
  run.tally.counts.bytes = read.bytes
  const entry: Entry = {
    path: name as RawPath,
    type: "file",
    mode: 0o600,
    mtimeNs: run.startedNs,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    user: run.request.user,
    group: "",
    size: read.bytes,
    content: contentRead(read),
    linkTarget: null,
    device: null,
    hardLink: null,
    xattrs: [],
    sparse: false,
    capture: "plain",
  }
  const asBefore = { ...entry, mtimeNs: before?.mtimeNs ?? entry.mtimeNs }
  builder.put(before !== undefined && equalEntries(before, asBefore) ? before : entry)
}

/**
 * A backup of a stream: one file that is cut as it comes, without a file on disk. Its time is when its
 * content came first, so that the same content again is no change and makes no snapshot.
 */
import type { RawPath } from "../base/ids.ts"
import { equalEntries, type Entry } from "../format/listing-entry.ts"
import type { ListingBuilder } from "../listing/build.ts"
import { contentRead } from "./assemble.ts"
import type { BackupRequest } from "./backup-request.ts"
import type { ScanCounts } from "./scan.ts"
import type { InlinePool } from "./split/inline-pool.ts"

export interface StreamRun {
  readonly stdin: NonNullable<BackupRequest["stdin"]>
  readonly startedNs: bigint
  readonly counts: ScanCounts
  /** Whose file it is said to be. */
  readonly user: string
  /** The file of this name in the series' newest snapshot. */
  readonly before: Entry | undefined
}

export async function putStream(builder: ListingBuilder, pool: InlinePool, run: StreamRun): Promise<void> {
  const read = await pool.splitStream(run.stdin.stream)
  run.counts.files = 1
  run.counts.bytes = read.bytes
  const entry: Entry = {
    path: run.stdin.name as RawPath,
    type: "file",
    mode: 0o600,
    mtimeNs: run.startedNs,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    user: run.user,
    group: "",
    size: read.bytes,
    content: contentRead(read),
    linkTarget: null,
    device: null,
    hardLink: null,
    xattrs: [],
    sparse: false,
    torn: false,
  }
  const { before } = run
  const asBefore = { ...entry, mtimeNs: before?.mtimeNs ?? entry.mtimeNs }
  builder.put(before !== undefined && equalEntries(before, asBefore) ? before : entry)
}

/** `diff` of two snapshots: only the parts of the listings that differ are read. spec/listing.md. */
import type { RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import { diffListings } from "../listing/diff.ts"
import { lookUp, noEntry } from "../listing/look-up.ts"
import type { Repository } from "../session/repository.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { changeOf, type Difference } from "./difference.ts"
import { openNodeReader } from "./node-reader.ts"

/** From `a` to `b`, in listing order. Throws not-found "no-entry" when neither has `within`. */
export async function* diffSnapshots(
  repository: Repository,
  a: SnapshotRecord,
  b: SnapshotRecord,
  within: RawPath = "" as RawPath,
): AsyncGenerator<Difference> {
  // Both listings through one loader; the newer one's nodes are the ones that this device keeps.
  const load = openNodeReader(repository).listing(b.series)
  if (within !== "") {
    const sides = await Promise.all([a, b].map(({ root }) => lookUp(root, load, within)))
    if (sides.every((entry) => entry === undefined)) throw noEntry(b, within)
  }
  for await (const { path, before, after } of diffListings(a.root, b.root, load)) {
    if (!isWithin(path, within)) {
      if (comparePaths(path, within) > 0) return
      continue
    }
    if (before === undefined) yield { path, change: "added", after }
    else if (after === undefined) yield { path, change: "removed", before }
    else yield { path, change: changeOf(before, after), before, after }
  }
}

/** `diff` of two snapshots. Reads only the parts of the listings that differ. spec/listing.md. */
import { equalBytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import { comparePaths, isWithin } from "../base/paths.ts"
import type { Content, Entry } from "../format/listing-entry.ts"
import { diffListings } from "../listing/diff.ts"
import { lookUp, noEntry } from "../listing/look-up.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { Repository } from "../session/repository.ts"
import type { Stat } from "../system/stat.ts"
import { openNodeReader } from "./node-reader.ts"

/** One path that differs between two sides, as `diff` reports it. */
export interface Difference {
  readonly path: RawPath
  /** "modified": other content, link target or device. "metadata": any other field of the entry. */
  readonly change: "added" | "removed" | "modified" | "metadata" | "type"
  readonly before?: Entry | undefined
  /** Also absent if the other side is a disk. */
  readonly after?: Entry | undefined
  /** An entry that was added on a disk. */
  readonly found?: Pick<Stat, "type" | "size"> | undefined
}

/**
 * Compares two snapshots in listing order. Reads only the parts of their listings that differ.
 * @param within a path inside the snapshots; "" is everything
 * @throws not-found "no-entry" if neither snapshot has `within`
 * @example
 * const [older, newer] = await snapshots(repository)
 * if (older !== undefined && newer !== undefined)
 *   for await (const { path } of diffSnapshots(repository, older, newer)) console.log(showPath(path))
 */
export async function* diffSnapshots(
  repository: Repository,
  a: SnapshotRecord,
  b: SnapshotRecord,
  within: RawPath = "" as RawPath,
): AsyncGenerator<Difference> {
  // One loader for both listings: this device caches the nodes of the newer one.
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

/** Classifies the difference of two unequal entries. */
function changeOf(before: Entry, after: Entry): "modified" | "metadata" | "type" {
  if (before.type !== after.type) return "type"
  const isSame =
    before.size === after.size &&
    before.linkTarget === after.linkTarget &&
    before.device?.major === after.device?.major &&
    before.device?.minor === after.device?.minor &&
    equalContent(before.content, after.content)
  return isSame ? "metadata" : "modified"
}

function equalContent(a: Content | null, b: Content | null): boolean {
  if (a === null || b === null) return a === b
  if (a.chunks !== undefined && b.chunks !== undefined) return equalBytes(a.chunks, b.chunks)
  return a.list !== undefined && b.list !== undefined && equalBytes(a.list, b.list)
}

/**
 * Lists the differences between two listings, in order. A node that both contain is never loaded,
 * so the cost depends on the changes and not on the size of the trees. spec/listing.md.
 */
import { equalBytes, toHex } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import { equalEntries } from "../format/listing-entry.ts"
import type { Entry } from "../format/listing-node.ts"
import { type ListingRoot, type NodeRef, openNode, rootRef } from "./node-ref.ts"
import { loadAll, type LoadNodes, NODES_AT_ONCE } from "./ordered-walk.ts"

/** Has both entries if any field of the entry changed. */
export interface Difference {
  readonly path: RawPath
  readonly before?: Entry
  readonly after?: Entry
}

/** The rest of one tree: entries and nodes, the next one last. */
type Row = (Entry | NodeRef)[]

/**
 * @param before undefined for an empty listing
 * @param after undefined for an empty listing
 */
export async function* diffListings(
  before: ListingRoot | undefined,
  after: ListingRoot | undefined,
  load: LoadNodes,
): AsyncGenerator<Difference> {
  const a: Row = before === undefined ? [] : [rootRef(before)]
  const b: Row = after === undefined ? [] : [rootRef(after)]
  const loaded = new Map<string, Uint8Array>()
  for (;;) {
    const step = nextStep(a.at(-1), b.at(-1))
    if (step === undefined) return
    if ("path" in step) yield step
    if ("open" in step) {
      await fetchAhead(a, b, { step, level: step.open, load, loaded })
      if (step.a) openLast(a, loaded)
      if (step.b) openLast(b, loaded)
    } else {
      if (step.a) a.pop()
      if (step.b) b.pop()
    }
  }
}

/** Which of the two next items are consumed: skipped, reported as a difference, or opened. */
type Step = { readonly a: boolean; readonly b: boolean } & (Difference | { readonly open: number } | object)

function nextStep(a: Entry | NodeRef | undefined, b: Entry | NodeRef | undefined): Step | undefined {
  if (a === undefined && b === undefined) return undefined
  const order = a === undefined ? 1 : b === undefined ? -1 : comparePaths(startOf(a), startOf(b))
  if (a !== undefined && order < 0) {
    return isNode(a) ? { a: true, b: false, open: a.level } : { a: true, b: false, path: a.path, before: a }
  }
  if (b !== undefined && order > 0) {
    return isNode(b) ? { a: false, b: true, open: b.level } : { a: false, b: true, path: b.path, after: b }
  }
  if (a === undefined || b === undefined) return undefined
  if (!isNode(a) && !isNode(b)) {
    const both = { a: true, b: true }
    return equalEntries(a, b) ? both : { ...both, path: a.path, before: a, after: b }
  }
  const levelA = isNode(a) ? a.level : -1
  const levelB = isNode(b) ? b.level : -1
  if (isNode(a) && isNode(b) && equalBytes(a.id, b.id)) return { a: true, b: true }
  // The higher node may contain the other item.
  return { a: levelA >= levelB, b: levelB >= levelA, open: Math.max(levelA, levelB) }
}

function isNode(item: Entry | NodeRef): item is NodeRef {
  return "level" in item
}

function startOf(item: Entry | NodeRef): RawPath {
  return isNode(item) ? (item.first ?? ("" as RawPath)) : item.path
}

function openLast(row: Row, loaded: Map<string, Uint8Array>): void {
  const ref = row.pop() as NodeRef
  const key = toHex(ref.id)
  const { refs, entries } = openNode(ref, loaded.get(key) as Uint8Array)
  loaded.delete(key)
  const items: readonly (Entry | NodeRef)[] = refs ?? entries ?? []
  for (const item of items.toReversed()) row.push(item)
}

interface Fetch {
  readonly step: Step
  readonly level: number
  readonly load: LoadNodes
  readonly loaded: Map<string, Uint8Array>
}

/**
 * Loads the nodes that are opened next, unless they are loaded. Also loads nodes of the same level
 * that certainly differ: the other tree is open to this level and doesn't contain them.
 */
async function fetchAhead(a: Row, b: Row, { step, level, load, loaded }: Fetch): Promise<void> {
  const opened = [...(step.a ? a.slice(-1) : []), ...(step.b ? b.slice(-1) : [])].filter(isNode)
  if (opened.every((ref) => loaded.has(toHex(ref.id)))) return
  const wanted = new Map(opened.map((ref) => [toHex(ref.id), ref]))
  const limits = [closedFrom(a, level), closedFrom(b, level)].filter((path) => path !== undefined)
  const isCertain = (ref: NodeRef): boolean => limits.every((path) => comparePaths(startOf(ref), path) < 0)
  const addNext = (row: Row, other: Row): void => {
    const shared = new Set(other.filter(isNode).map((ref) => toHex(ref.id)))
    const next = row.slice(-NODES_AT_ONCE).filter(isNode)
    for (const ref of next.toReversed()) {
      const key = toHex(ref.id)
      if (ref.level === level && !shared.has(key) && isCertain(ref)) wanted.set(key, ref)
    }
  }
  addNext(a, b)
  addNext(b, a)
  const refs = [...wanted].filter(([key]) => !loaded.has(key)).map(([, ref]) => ref)
  const nodes = await loadAll(load, refs)
  refs.forEach((ref, i) => loaded.set(toHex(ref.id), nodes[i] as Uint8Array))
}

/** Returns the first path of a row's first node above `level`. */
function closedFrom(row: Row, level: number): RawPath | undefined {
  const closed = row.findLast((item) => isNode(item) && item.level > level)
  return closed && startOf(closed)
}

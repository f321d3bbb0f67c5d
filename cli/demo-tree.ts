/**
 * What the demo compares: every entry of a tree with its type, mode, time to the nanosecond, link
 * target, hard links and the SHA-256 of its content. Written apart from the engine, on purpose: it
 * must not share a mistake with what it judges. Paths are raw bytes in latin1 strings.
 */
import { createHash } from "node:crypto"
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from "node:fs"

/** One line of facts for each path, "" being the root. */
export type TreeFacts = ReadonlyMap<string, string>

export function readTree(root: string): TreeFacts {
  const facts = new Map<string, string>()
  const firstLinks = new Map<string, string>()
  const visit = (path: string): void => {
    const place = Buffer.from(path === "" ? root : `${root}/${path}`, "latin1")
    const stat = lstatSync(place, { bigint: true })
    const content = contentOf(place, stat)
    const link = stat.isDirectory() || stat.nlink < 2n ? "" : linkOf(firstLinks, stat, path)
    facts.set(path, [content, (stat.mode & 0o7777n).toString(8), String(stat.mtimeNs), link].join(" "))
    if (!stat.isDirectory()) return
    const names = readdirSync(place, { encoding: "buffer" }).map((name) => name.toString("latin1"))
    for (const name of names.toSorted()) visit(path === "" ? name : `${path}/${name}`)
  }
  visit("")
  return facts
}

function contentOf(place: Buffer, stat: BigIntStats): string {
  if (stat.isDirectory()) return "directory"
  if (stat.isSymbolicLink()) return `link ${readlinkSync(place, { encoding: "buffer" }).toString("hex")}`
  if (!stat.isFile()) return "special"
  return `file ${stat.size} ${createHash("sha256").update(readFileSync(place)).digest("hex")}`
}

/** Every further link names the first one, in the order of the walk, which is sorted. */
function linkOf(firstLinks: Map<string, string>, stat: BigIntStats, path: string): string {
  const inode = `${stat.dev}:${stat.ino}`
  const first = firstLinks.get(inode)
  if (first === undefined) firstLinks.set(inode, path)
  return first === undefined ? `first of ${stat.nlink}` : `linked to ${first}`
}

/** Paths that are in one only, or differ; empty when the trees are equal. */
export function treeDifferences(expected: TreeFacts, found: TreeFacts): string[] {
  const differences: string[] = []
  for (const [path, facts] of expected) {
    const other = found.get(path)
    if (other === undefined) differences.push(`missing: ${path}`)
    else if (other !== facts) differences.push(`differs: ${path}: expected ${facts}, found ${other}`)
  }
  for (const path of found.keys()) if (!expected.has(path)) differences.push(`extra: ${path}`)
  return differences
}

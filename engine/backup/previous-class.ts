/**
 * The file class that a path had in the last snapshot. A class changes only when the size passes
 * twice or half a bound, so only files near a bound ask, and one look-up in cached nodes answers.
 */
import type { RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import type { FileClass } from "../chunks/classes.ts"
import type { FileCacheBase } from "../home/file-cache.ts"
import type { NodeCache } from "../home/node-cache.ts"
import { openNode, rootRef, type NodeRef, type OpenedNode } from "../listing/node-ref.ts"

export function previousClasses(
  nodes: NodeCache,
  base: FileCacheBase | undefined,
): (path: RawPath) => FileClass | undefined {
  if (base === undefined) return () => undefined
  const root = rootRef({ id: base.root, level: base.level })
  /** The node of each level that was opened last: paths come in order, so most often it is the one. */
  const opened: { ref: NodeRef; node: OpenedNode }[] = []
  const open = (ref: NodeRef): OpenedNode | undefined => {
    const last = opened[ref.level]
    if (last?.ref === ref) return last.node
    const bytes = nodes.get(ref.id)
    if (bytes === undefined) return undefined
    const node = openNode(ref, bytes)
    opened[ref.level] = { ref, node }
    return node
  }
  return (path) => {
    let ref: NodeRef | undefined = root
    while (ref !== undefined) {
      const node = open(ref)
      if (node === undefined) return undefined
      const { refs, entries }: OpenedNode = node
      if (entries !== undefined)
        return entries.find((entry) => entry.path === path)?.content?.fileClass as FileClass | undefined
      ref = refs.findLast(({ first }) => first === undefined || comparePaths(first, path) <= 0)
    }
    return undefined
  }
}

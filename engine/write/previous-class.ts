/**
 * The file class that a path had in the last snapshot. A class changes only when the size passes
 * twice or half a bound, so only files near a bound ask, and one look-up in cached nodes answers.
 */
import type { RawPath } from "../base/ids.ts"
import { comparePaths } from "../base/paths.ts"
import type { FileClass } from "../chunking/classes.ts"
import type { FileCacheBase } from "../home/file-cache.ts"
import type { NodeCache } from "../home/node-cache.ts"
import { openNode, rootRef, type NodeRef } from "../listing/node-ref.ts"

export function previousClasses(
  nodes: NodeCache,
  base: FileCacheBase | undefined,
): (path: RawPath) => FileClass | undefined {
  if (base === undefined) return () => undefined
  return (path) => {
    let ref: NodeRef | undefined = rootRef({ id: base.root, level: base.level })
    while (ref !== undefined) {
      const bytes = nodes.get(ref.id)
      if (bytes === undefined) return undefined
      const { refs, entries }: ReturnType<typeof openNode> = openNode(ref, bytes)
      if (entries !== undefined)
        return entries.find((entry) => entry.path === path)?.content?.fileClass as FileClass | undefined
      ref = refs.findLast(({ first }) => first === undefined || comparePaths(first, path) <= 0)
    }
    return undefined
  }
}

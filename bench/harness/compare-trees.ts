/**
 * Compares two folders bit for bit: names as raw bytes, kinds, content, modes, modification times to the
 * nanosecond, link targets, and which names are hard links of one file. Shares no code with the engine, so a
 * mistake there is not repeated here.
 */
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
} from "node:fs"

export interface Difference {
  /** Relative path, one character a byte; "" is the folder itself. */
  readonly path: string
  readonly kind: "missing" | "extra" | "type" | "content" | "link" | "mode" | "mtime" | "hard-link"
}

interface Look {
  readonly differences: Difference[]
  readonly left: Buffer
  readonly right: Buffer
  /** First path at which a multiply linked inode was met, by side. */
  readonly met: { left: Map<string, string>; right: Map<string, string> }
}

const windowBytes = 1_048_576

/** `root` says whether the two folders' own mode and time are compared too. */
export function compareTrees(left: string, right: string, options: { root: boolean }): Difference[] {
  const look: Look = {
    differences: [],
    left: Buffer.from(left),
    right: Buffer.from(right),
    met: { left: new Map(), right: new Map() },
  }
  compareEntry(look, "", options.root)
  return look.differences
}

function compareEntry(look: Look, path: string, metadata: boolean): void {
  const told = (kind: Difference["kind"]): void => void look.differences.push({ path, kind })
  const left = statOf(look.left, path)
  const right = statOf(look.right, path)
  if (left === undefined || right === undefined) return told(left === undefined ? "extra" : "missing")
  if ((left.mode & 0o170000n) !== (right.mode & 0o170000n)) return told("type")
  if (left.isSymbolicLink()) {
    if (!linkOf(look.left, path).equals(linkOf(look.right, path))) told("link")
  } else if (metadata && (left.mode & 0o7777n) !== (right.mode & 0o7777n)) told("mode")
  if (metadata && left.mtimeNs !== right.mtimeNs) told("mtime")
  if (left.isFile()) {
    if (!sameContent(look, path, left.size === right.size)) told("content")
    if (firstName(look.met.left, left, path) !== firstName(look.met.right, right, path)) told("hard-link")
  }
  if (left.isDirectory()) {
    const names = new Set([...namesIn(look.left, path), ...namesIn(look.right, path)])
    for (const name of [...names].toSorted()) compareEntry(look, path === "" ? name : `${path}/${name}`, true)
  }
}

function full(root: Buffer, path: string): Buffer {
  return path === "" ? root : Buffer.concat([root, Buffer.from(`/${path}`, "latin1")])
}

function statOf(root: Buffer, path: string): BigIntStats | undefined {
  return lstatSync(full(root, path), { bigint: true, throwIfNoEntry: false })
}

function linkOf(root: Buffer, path: string): Buffer {
  return readlinkSync(full(root, path), { encoding: "buffer" })
}

function namesIn(root: Buffer, path: string): string[] {
  return readdirSync(full(root, path), { encoding: "buffer" }).map((name) => name.toString("latin1"))
}

function firstName(met: Map<string, string>, stat: BigIntStats, path: string): string {
  if (stat.nlink === 1n) return path
  const inode = `${stat.dev}:${stat.ino}`
  const first = met.get(inode) ?? path
  met.set(inode, first)
  return first
}

const leftWindow: Buffer = Buffer.alloc(windowBytes)
const rightWindow: Buffer = Buffer.alloc(windowBytes)

function sameContent(look: Look, path: string, sameSize: boolean): boolean {
  if (!sameSize) return false
  const left = openSync(full(look.left, path), "r")
  const right = openSync(full(look.right, path), "r")
  try {
    for (;;) {
      const leftCount = fill(left, leftWindow)
      const rightCount = fill(right, rightWindow)
      if (leftCount !== rightCount) return false
      if (leftCount === 0) return true
      if (leftWindow.compare(rightWindow, 0, rightCount, 0, leftCount) !== 0) return false
    }
  } finally {
    closeSync(left)
    closeSync(right)
  }
}

/** Reads until the window is full or the file ends; returns the bytes read. */
function fill(file: number, window: Buffer): number {
  let filled = 0
  while (filled < window.length) {
    const count = readSync(file, window, filled, window.length - filled, null)
    if (count === 0) break
    filled += count
  }
  return filled
}

/** "12 mtime, 1 content", or "exact". */
export function describeDifferences(differences: readonly Difference[]): string {
  const counts = new Map<string, number>()
  for (const { kind } of differences) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts.size === 0 ? "exact" : [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ")
}

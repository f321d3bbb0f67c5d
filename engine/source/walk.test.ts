import assert from "node:assert/strict"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, test } from "node:test"
import fc from "fast-check"
import type { RawPath } from "../base/ids.ts"
import { comparePaths, joinPath } from "../base/paths.ts"
import { openDiskSource } from "./disk-source.ts"
import type { Scope, Source } from "./source.ts"
import type { Stat } from "../system/stat.ts"
import { walk } from "./walk.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-walk-"))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function walked(source: Source, scope?: Scope): { paths: string[]; problems: string[] } {
  const paths: string[] = []
  const problems: string[] = []
  const unreadable = (path: RawPath, error: string): void => void problems.push(`${error} ${path}`)
  for (const run of walk(source, scope, { unreadable })) {
    if (run.from === 0) assert.equal(typeof run.folder.stat.inode, "bigint")
    for (const name of run.folder.names.slice(run.from, run.to)) paths.push(joinPath(run.folder.path, name))
  }
  return { paths, problems }
}

test("walk() goes in listing order, a folder's content right after it", () => {
  for (const path of ["a", "a/x", "a-b", "b/deep/er"]) mkdirSync(join(folder, path), { recursive: true })
  for (const path of ["a/x/1", "a.txt", "b/z", "b/deep/er/f", "c"]) writeFileSync(join(folder, path), "")
  symlinkSync("a", join(folder, "link"))
  const { paths, problems } = walked(openDiskSource(folder))
  assert.deepEqual(paths, "a a/x a/x/1 a-b a.txt b b/deep b/deep/er b/deep/er/f b/z c link".split(" "))
  assert.deepEqual(problems, [])
})

test("walk() yields every folder's entries once, in runs that end after a folder", () => {
  for (const path of ["a", "m/n", "z"]) mkdirSync(join(folder, path), { recursive: true })
  for (const path of ["b", "c", "m/1", "y"]) writeFileSync(join(folder, path), "")
  const runs = [...walk(openDiskSource(folder), undefined, { unreadable: assert.fail })]
  const shown = runs.map((run) => [run.folder.path, run.from, run.to, run.ends])
  assert.deepEqual(shown, [
    ["", 0, 1, false],
    ["a", 0, 0, true],
    ["", 1, 4, false],
    ["m", 0, 2, true],
    ["m/n", 0, 0, true],
    ["", 4, 6, true],
    ["z", 0, 0, true],
  ])
})

test("walk() agrees with comparePaths() for any names", () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 4 })
    .map((bytes) => Buffer.from(bytes).toString("latin1").replaceAll(/[/\0]/g, "-"))
  const tree = fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { maxLength: 20 })
  fc.assert(
    fc.property(tree, (parts) => {
      const { paths } = walked(memorySource(parts))
      assert.deepEqual(paths, [...new Set(paths)].sort(comparePaths))
      assert.ok(parts.every((names) => paths.includes(names.join("/"))))
    }),
  )
})

test("walk() reports what can't be read and continues", () => {
  const source = memorySource([["a", "1"], ["b", "2"], ["c"], ["d"]])
  const broken: Source = {
    ...source,
    list: (path) => (path === "a" ? { error: "EACCES" } : source.list(path)),
    stat: (path) =>
      path === "c" ? { error: "EIO" } : path === "d" ? { error: "ENOENT" } : source.stat(path),
  }
  const { paths, problems } = walked(broken)
  assert.deepEqual(paths, ["a", "b", "b/2"])
  assert.deepEqual(problems, ["EIO c", "EACCES a"])
})

test("walk() reports a root that isn't a folder", () => {
  assert.deepEqual(walked(openDiskSource(join(folder, "none"))), { paths: [], problems: ["ENOENT "] })
  writeFileSync(join(folder, "file"), "")
  assert.deepEqual(walked(openDiskSource(join(folder, "file"))), { paths: [], problems: ["ENOTDIR "] })
})

test("walk() asks the scope before it reads, and skips what it refuses", () => {
  const source = memorySource([["a", "1"], ["b", "2"], ["c"], ["skip", "x"]])
  const scope: Scope = {
    enters: (path) => path !== "a",
    inside: () => scope,
    keeps: (_path, name) => name !== "skip",
    keepsUnread: () => true,
  }
  const asked: string[] = []
  const spied: Source = { ...source, list: (path) => (asked.push(path), source.list(path)) }
  assert.deepEqual(walked(spied, scope).paths, ["a", "b", "b/2", "c"])
  assert.deepEqual(asked, ["", "b"])
})

test("walk() reports a folder that can't be read", () => {
  mkdirSync(join(folder, "closed"))
  chmodSync(join(folder, "closed"), 0)
  chmodSync(folder, 0o755)
  const { paths, problems } = asNobody(() => walked(openDiskSource(folder)))
  assert.deepEqual({ paths, problems }, { paths: ["closed"], problems: ["EACCES closed"] })
})

/** Root may read everything, so a test run by root becomes an ordinary user for a moment. */
function asNobody<T>(run: () => T): T {
  if (process.geteuid?.() !== 0) return run()
  process.seteuid?.(65534)
  try {
    return run()
  } finally {
    process.seteuid?.(0)
  }
}

/** Every path's upper parts are folders. The last part is a file unless something is below it. */
function memorySource(parts: readonly string[][]): Source {
  const folders = new Map<string, Set<string>>([["", new Set()]])
  for (const names of parts) {
    let path = ""
    for (const name of names) {
      const above = folders.get(path) ?? new Set()
      folders.set(path, above.add(name))
      path = joinPath(path as RawPath, name as RawPath)
    }
  }
  const blank = {
    mode: 0,
    size: 0,
    mtimeNs: 0n,
    ctimeNs: 0n,
    inode: 1n,
    device: 1n,
    links: 1,
    uid: 0,
    gid: 0,
  }
  const stat = (path: string): Stat => {
    return { ...blank, rdev: 0n, blocks: 0, type: folders.has(path) ? "directory" : "file" }
  }
  return {
    list: (path) => [...(folders.get(path) ?? [])].sort() as RawPath[],
    stat,
    readLink: () => ({ error: "EINVAL" }),
    place: (path) => `/${path}`,
    anchored: (path) => ({ anchor: -1, path: `/${path}` }),
    xattrsAvailable: false,
    xattrs: () => [],
    userName: () => "",
    groupName: () => "",
    close: () => {},
  }
}

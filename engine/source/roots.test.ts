import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { joinPath } from "../base/paths.ts"
import { openDiskSource } from "./disk-source.ts"
import { resolveRoots, type Roots } from "./roots.ts"
import { walk } from "./walk.ts"

let folder = ""
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-roots-")))
  for (const path of ["home/notes/deep", "home/docs", "srv/data"]) {
    mkdirSync(join(folder, path), { recursive: true })
    writeFileSync(join(folder, path, "file"), path)
  }
  symlinkSync("../srv/data", join(folder, "home/link"))
  symlinkSync("notes", join(folder, "home/alias"))
  writeFileSync(join(folder, "home/a=b"), "")
})
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

function roots(paths: readonly string[], listed?: readonly string[]): Roots {
  const request = { paths: paths as RawPath[], cwd: join(folder, "home") }
  return resolveRoots(listed === undefined ? request : { ...request, listed: listed as RawPath[] })
}

function walkedPaths(chosen: Roots): string[] {
  const paths: string[] = []
  for (const run of walk(openDiskSource(chosen), undefined, { unreadable: assert.fail })) {
    for (const name of run.folder.names.slice(run.from, run.to)) paths.push(joinPath(run.folder.path, name))
  }
  return paths
}

test("resolveRoots() makes one folder the root itself", () => {
  for (const typed of ["notes", "./notes/", "../home//notes/.", join(folder, "home/notes")]) {
    const chosen = roots([typed])
    assert.deepEqual([chosen.base, chosen.single], [join(folder, "home/notes"), false])
    assert.deepEqual(chosen.paths, [join(folder, "home/notes")])
    assert.deepEqual(walkedPaths(chosen), ["deep", "deep/file"])
  }
})

test("resolveRoots() puts several paths under their longest common parent", () => {
  const chosen = roots(["notes/deep", "../srv"])
  assert.equal(chosen.base, folder)
  const all = [
    "home",
    "home/notes",
    "home/notes/deep",
    "home/notes/deep/file",
    "srv",
    "srv/data",
    "srv/data/file",
  ]
  assert.deepEqual(walkedPaths(chosen), all)
  assert.deepEqual(walkedPaths(roots(["notes/deep/file", "notes"])), [
    "notes",
    "notes/deep",
    "notes/deep/file",
  ])
})

test("resolveRoots() makes a file a snapshot of one entry", () => {
  const chosen = roots(["docs/file"])
  assert.deepEqual([chosen.base, chosen.single], [join(folder, "home/docs"), true])
  assert.deepEqual(walkedPaths(chosen), ["file"])
  assert.deepEqual(walkedPaths(roots(["a=b"])), ["a=b"])
})

test("resolveRoots() renames with name=path, at the top", () => {
  const chosen = roots(["data=../srv/data", "docs"])
  assert.equal(chosen.base, join(folder, "home"))
  assert.deepEqual(walkedPaths(chosen), ["data", "data/file", "docs", "docs/file"])
  const source = openDiskSource(chosen)
  assert.equal(realpathSync(source.place("data/file" as RawPath) as string), join(folder, "srv/data/file"))
  assert.equal(realpathSync(source.place("docs/file" as RawPath) as string), join(folder, "home/docs/file"))
  assert.deepEqual(walkedPaths(roots(["x=docs"])), ["x", "x/file"])
})

test("resolveRoots() refuses an empty path, which would be the current folder", () => {
  for (const path of ["", "x="])
    assert.throws(
      () => roots(["docs", path]),
      (error) => isEngineError(error, "empty-path"),
    )
})

test("resolveRoots() refuses two places under one name", () => {
  const twice = (error: unknown): boolean => isEngineError(error, "name-twice")
  assert.throws(() => roots(["docs", "docs=notes"]), twice)
  assert.throws(() => roots(["docs=notes", "docs"]), twice)
  assert.throws(() => roots(["docs=notes", "docs/file", "a=b"]), twice)
  assert.throws(() => roots(["x=notes", "x=docs"]), twice)
  assert.throws(
    () => roots(["..=docs"]),
    (error) => isEngineError(error, "bad-name"),
  )
})

test("resolveRoots() follows a link that was named, and keeps its name", () => {
  assert.equal(roots(["link"]).base, join(folder, "srv/data"))
  assert.equal(roots(["link"]).origin, join(folder, "home/link"))
  assert.equal(roots(["link/file"]).origin, join(folder, "home/link"))
  assert.deepEqual(roots(["link"]).paths, [join(folder, "home/link")])
  assert.deepEqual(walkedPaths(roots(["link", "docs"])), ["docs", "docs/file", "link", "link/file"])
  const aliased = walkedPaths(roots(["alias/deep", "docs"]))
  assert.deepEqual(aliased, ["alias", "alias/deep", "alias/deep/file", "docs", "docs/file"])
})

test("resolveRoots() takes listed paths literally, with only their parents", () => {
  const chosen = roots([], ["notes/deep", "link", join(folder, "home/docs/file")])
  assert.equal(chosen.base, join(folder, "home"))
  assert.deepEqual(walkedPaths(chosen), [
    "docs",
    "docs/file",
    "link",
    "notes",
    "notes/deep",
    "notes/deep/file",
  ])
})

test("resolveRoots() names what is missing, moves nothing because of it, and fails only if everything is missing", () => {
  const some = roots(["docs", "none"])
  assert.deepEqual([some.missing, some.paths], [[join(folder, "home/none")], [join(folder, "home/docs")]])
  assert.deepEqual([some.base, walkedPaths(some)], [join(folder, "home"), ["docs", "docs/file"]])
  assert.equal(roots(["docs/file", "none"]).single, false)
  assert.equal(roots(["docs", "../srv/none"]).base, folder)
  assert.equal(roots([], ["docs/file", "../srv/none"]).base, folder)
  assert.throws(
    () => roots(["none", "x=none"]),
    (error) => isEngineError(error, "no-source"),
  )
  assert.throws(
    () => roots([]),
    (error) => isEngineError(error, "no-paths"),
  )
})

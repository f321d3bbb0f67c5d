import assert from "node:assert/strict"
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { afterEach, beforeEach, test } from "node:test"
import fc from "fast-check"
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath, joinPath } from "../base/paths.ts"
import { openDiskSource } from "./disk-source.ts"
import { patternText } from "./patterns.ts"
import { originOfRoots, resolveRoots } from "./roots.ts"
import { createSelection, GIT_IGNORE_FILE, IGNORE_FILE, type SelectionRequest } from "./select.ts"
import type { Source } from "./source.ts"
import { temporaryName } from "../system/temporary-name.ts"
import { walk } from "./walk.ts"

const raw = (text: string): RawPath => Buffer.from(text).toString("latin1") as RawPath

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-select-"))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Files by path; the content of those with an object. */
function make(files: readonly string[], contents: Record<string, string> = {}): void {
  for (const path of [...files, ...Object.keys(contents)]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(fsPath(`${folder}/${path}`), contents[path] ?? "")
  }
}

interface Kept {
  readonly files: string[]
  readonly told: string[]
}

function kept(request: SelectionRequest, source: Source = openDiskSource(folder)): Kept {
  const files: string[] = []
  const told: string[] = []
  const scope = createSelection(request, source, {
    ownLeftOut: (kind, path) => told.push(`${kind} ${path}`),
    unreadable: (path, error) => told.push(`${error} ${path}`),
  })
  for (const run of walk(source, scope, { unreadable: (path, error) => told.push(`${error} ${path}`) })) {
    for (let i = run.from; i < run.to; i++) {
      const path = joinPath(run.folder.path, run.folder.names[i] ?? ("" as RawPath))
      files.push(run.folder.stats[i]?.type === "directory" ? `${path}/` : path)
    }
  }
  return { files, told }
}

const CASES: readonly { claim: string; patterns: string[]; paths: string[]; kept: string[] }[] = [
  { claim: "a bare name at any depth", patterns: ["x"], paths: ["x", "a/x/f", "a/y"], kept: ["a/", "a/y"] },
  { claim: "a leading slash at the root only", patterns: ["/x"], paths: ["x", "a/x"], kept: ["a/", "a/x"] },
  {
    claim: "a slash inside anchors",
    patterns: ["a/b"],
    paths: ["a/b", "c/a/b"],
    kept: ["a/", "c/", "c/a/", "c/a/b"],
  },
  { claim: "a trailing slash means folders", patterns: ["x/"], paths: ["x/f", "a/x"], kept: ["a/", "a/x"] },
  {
    claim: "* stops at a slash",
    patterns: ["/a/*.o"],
    paths: ["a/1.o", "a/b/1.o"],
    kept: ["a/", "a/b/", "a/b/1.o"],
  },
  {
    claim: "** crosses folders",
    patterns: ["a/**/x"],
    paths: ["a/x", "a/b/c/x", "x"],
    kept: ["a/", "a/b/", "a/b/c/", "x"],
  },
  { claim: "! takes back", patterns: ["*.o", "!keep.o"], paths: ["a.o", "keep.o"], kept: ["keep.o"] },
  {
    claim: "! can't reach into a folder left out",
    patterns: ["d", "!d/keep"],
    paths: ["d/keep", "e"],
    kept: ["e"],
  },
  { claim: "# and blank lines are nothing", patterns: ["#a", "", "\\#b"], paths: ["#b", "a"], kept: ["a"] },
  { claim: "upper case differs", patterns: ["README"], paths: ["README", "readme"], kept: ["readme"] },
  { claim: "a class matches one byte of it", patterns: ["[ab]1"], paths: ["a1", "c1"], kept: ["c1"] },
]

for (const { claim, patterns, paths, kept: expected } of CASES) {
  test(`createSelection() with patterns: ${claim}`, () => {
    make(paths)
    assert.deepEqual(kept({ excludes: patterns.map(raw) }).files, expected)
  })
}

test("createSelection() with iexcludes ignores case", () => {
  make(["a.JPG", "b.jpg", "c.png"])
  assert.deepEqual(kept({ iexcludes: [raw("*.Jpg")] }).files, ["c.png"])
})

test("createSelection() reads patterns from files, and flags take precedence", () => {
  make(["a.o", "b.o", "c"])
  const list = join(folder, "c")
  writeFileSync(list, "# objects\n*.o\r\n")
  assert.deepEqual(kept({ excludeFiles: [list] }).files, ["c"])
  assert.deepEqual(kept({ excludeFiles: [list], excludes: [raw("!b.o")] }).files, ["b.o", "c"])
  const missing = { excludeFiles: [join(folder, "none")] }
  assert.throws(
    () => kept(missing),
    (error) => isEngineError(error, "exclude-file"),
  )
})

test("createSelection() reads the ignore file of any folder, and the innermost takes precedence", () => {
  make(["a.o", "sub/a.o", "sub/b.o", "sub/deep/b.o", "other/b.o"], {
    ".gitignore": "*.o\n",
    "sub/.gitignore": "!b.o\n/deep/\n",
    "other/.holdfastignore": "!*.o\n",
  })
  const git = kept({ ignoreFiles: [GIT_IGNORE_FILE] }).files
  assert.deepEqual(git, [
    ".gitignore",
    "other/",
    "other/.holdfastignore",
    "sub/",
    "sub/.gitignore",
    "sub/b.o",
  ])
  const both = kept({ ignoreFiles: [IGNORE_FILE, GIT_IGNORE_FILE] }).files
  assert.ok(both.includes("other/b.o"))
  const flag = kept({ ignoreFiles: [GIT_IGNORE_FILE], excludes: [raw("b.o")] }).files
  assert.deepEqual(flag, [".gitignore", "other/", "other/.holdfastignore", "sub/", "sub/.gitignore"])
  assert.equal(kept({}).files.length, 11)
})

test("createSelection() applies the patterns inside a folder that a stronger set keeps", () => {
  make(["build/a.o", "build/f", "build/x[1]/a.o", "build/x[1]/g"], { ".gitignore": "build\n*.o\n" })
  const { files } = kept({ ignoreFiles: [GIT_IGNORE_FILE], excludes: [raw("!build")] })
  assert.deepEqual(files, [".gitignore", "build/", "build/f", "build/x[1]/", "build/x[1]/g"])
})

test("createSelection() ignores an ignore file that is a link or a folder", () => {
  make(["a.o", "sub/.gitignore/f"], { patterns: "*.o\n" })
  symlinkSync("patterns", join(folder, ".gitignore"))
  assert.ok(kept({ ignoreFiles: [GIT_IGNORE_FILE] }).files.includes("a.o"))
})

test("createSelection() matches names that are not UTF-8, by any pattern", () => {
  make(["caf\xe9.txt", "caf\xe8.txt", "caf\xe9.md", "\xc3\xa9.txt"])
  assert.deepEqual(kept({ excludes: [raw("*.txt")] }).files, ["caf\xe9.md"])
  assert.deepEqual(kept({ excludes: ["caf\xe9*" as RawPath] }).files, ["caf\xe8.txt", "\xc3\xa9.txt"])
  assert.deepEqual(kept({ excludes: [raw("?.txt")] }).files, ["caf\xe8.txt", "caf\xe9.md", "caf\xe9.txt"])
  assert.deepEqual(kept({ excludes: [raw("é.txt")] }).files, ["caf\xe8.txt", "caf\xe9.md", "caf\xe9.txt"])
})

test("patternText() is UTF-8 if the name is, and never maps two names to one", () => {
  assert.equal(patternText(raw("naïve 日本 🎉")), "naïve 日本 🎉")
  const bytes = fc.uint8Array({ maxLength: 8 }).map((array) => Buffer.from(array).toString("latin1"))
  fc.assert(fc.property(bytes, bytes, (a, b) => (patternText(a) === patternText(b)) === (a === b)))
  const points = fc.array(fc.integer({ min: 1, max: 0x10ffff }), { maxLength: 8 })
  const text = points.map((all) => String.fromCodePoint(...all).toWellFormed())
  fc.assert(fc.property(text, (one) => patternText(raw(one)) === one))
})

test("createSelection() keeps only a cache's folder and its tag", () => {
  const signature = "Signature: 8a477f597d28d172789f06886806bc55\n# by me"
  make(["c/data", "c/deep/f", "fake/data"], {
    "c/CACHEDIR.TAG": signature,
    "fake/CACHEDIR.TAG": "Signature: 0",
  })
  const expected = ["c/", "c/CACHEDIR.TAG", "fake/", "fake/CACHEDIR.TAG", "fake/data"]
  assert.deepEqual(kept({ excludeCaches: true }).files, expected)
  assert.equal(kept({}).files.length, 8)
})

test("createSelection() excludes folders with a user's marker", () => {
  make(["a/f", "b/f"], { "a/.nobackup": "yes, really", "b/.nobackup": "no" })
  assert.deepEqual(kept({ excludeIfPresent: [raw(".nobackup")] }).files, [
    "a/",
    "a/.nobackup",
    "b/",
    "b/.nobackup",
  ])
  const withHeader = kept({ excludeIfPresent: [raw(".nobackup:yes")] }).files
  assert.deepEqual(withHeader, ["a/", "a/.nobackup", "b/", "b/.nobackup", "b/f"])
  for (const bad of ["", ":x", "a/b"]) {
    assert.throws(
      () => kept({ excludeIfPresent: [raw(bad)] }),
      (error) => isEngineError(error, "bad-marker"),
    )
  }
})

test("createSelection() excludes files above a size", () => {
  make(["big", "small", "dir/f"])
  truncateSync(join(folder, "big"), 1001)
  truncateSync(join(folder, "small"), 1000)
  assert.deepEqual(kept({ excludeLargerThan: 1000 }).files, ["dir/", "dir/f", "small"])
})

test("createSelection() with oneFileSystem keeps a mount's folder, empty, and everything named wherever it is", () => {
  make(["a/f", "mount/f", "mount/deep/g", "mount/deep/more/h"])
  const onMount = (source: Source): Source => {
    const stat: Source["stat"] = (path) => {
      const found = source.stat(path)
      const isThere = realpathSync(source.place(path) as string).startsWith(join(folder, "mount"))
      return isThere && !("error" in found) ? { ...found, device: 77n } : found
    }
    return { ...source, stat }
  }
  const keptOf = (...typed: string[]): string[] => {
    const paths = typed.map((path) => path.replace(/[^=]+$/, `${folder}/$&`)) as RawPath[]
    const roots = resolveRoots({ paths, cwd: "/" })
    return kept({ oneFileSystem: true, named: roots.named }, onMount(openDiskSource(roots))).files
  }
  assert.deepEqual(keptOf("."), ["a/", "a/f", "mount/"])
  const deep = ["mount/deep/", "mount/deep/g", "mount/deep/more/", "mount/deep/more/h"]
  assert.deepEqual(keptOf("a", "mount"), ["a/", "a/f", "mount/", ...deep, "mount/f"])
  // the folder that leads there is on the mount too
  assert.deepEqual(keptOf("a", "mount/deep"), ["a/", "a/f", "mount/", ...deep])
  assert.deepEqual(keptOf("a", "n=mount/deep"), [
    "a/",
    "a/f",
    ...deep.map((path) => path.replace("mount/deep", "n")),
  ])
  // inside a folder that is kept whole
  const below = (paths: string[]): string[] => ["", ...paths].map((path) => `${basename(folder)}/${path}`)
  assert.deepEqual(keptOf(".", "mount/deep"), below(["a/", "a/f", "mount/", ...deep]))
  const more = ["a/", "a/f", "mount/", "mount/deep/", ...deep.slice(2)]
  assert.deepEqual(keptOf("mount/deep/more", "."), below(more))
})

test("createSelection() excludes holdfast's own folders and reports it once per kind", () => {
  make(["repo/packs/x", "a/f", `a/${temporaryName()}`, `b/${temporaryName()}`])
  const own = [
    { kind: "repository", path: join(folder, "repo") },
    { kind: "home", path: join(folder, "none") },
  ] as const
  const { files, told } = kept({ own })
  assert.deepEqual(files, ["a/", "a/f", "b/"])
  assert.deepEqual(
    told.map((line) => line.split(" ")[0]),
    ["repository", "restore"],
  )
  symlinkSync("repo", join(folder, "link"))
  const seenThrough = kept({ own: [{ kind: "repository", path: join(folder, "link") }] })
  assert.deepEqual(seenThrough.files, ["a/", "a/f", "b/", "link"])
})

test("createSelection() silently excludes an unreadable entry that a pattern names", () => {
  make(["secret", "f"])
  const disk = openDiskSource(folder)
  const stat: Source["stat"] = (path) => (path === "secret" ? { error: "EACCES" } : disk.stat(path))
  assert.deepEqual(kept({ excludes: [raw("secret")] }, { ...disk, stat }), { files: ["f"], told: [] })
  assert.deepEqual(kept({}, { ...disk, stat }), { files: ["f"], told: ["EACCES secret"] })
})

test("createSelection() with includes keeps what matches or is below a match, and the folders that may hold one", () => {
  make(["MEMORY.md", "memory/a.md", "memory/deep/b", "other/c.md", "skills/x/SKILL.md", "skills/x/data", "z"])
  assert.deepEqual(kept({ includes: [raw("/memory/**"), raw("/MEMORY.md")] }).files, [
    "MEMORY.md",
    "memory/",
    "memory/a.md",
    "memory/deep/",
    "memory/deep/b",
  ])
  assert.deepEqual(kept({ includes: [raw("/memory/")] }).files, [
    "memory/",
    "memory/a.md",
    "memory/deep/",
    "memory/deep/b",
  ])
  assert.deepEqual(kept({ includes: [raw("/skills/**/SKILL.md")] }).files, [
    "skills/",
    "skills/x/",
    "skills/x/SKILL.md",
  ])
  // a pattern without a slash makes every folder possible
  assert.deepEqual(kept({ includes: [raw("c.md")] }).files, [
    "memory/",
    "memory/deep/",
    "other/",
    "other/c.md",
    "skills/",
    "skills/x/",
  ])
  assert.deepEqual(kept({ includes: [raw("/memory/**"), raw("!/memory/deep/**")] }).files, [
    "memory/",
    "memory/a.md",
    "memory/deep/",
  ])
})

test("createSelection() excludes what is included, by flags, ignore files and markers", () => {
  make(["memory/a.md", "memory/b.tmp", "memory/key", "memory/cache/c"], {
    "memory/.holdfastignore": "key\n",
    "memory/cache/CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
  })
  const request = {
    includes: [raw("/memory/**")],
    excludes: [raw("*.tmp")],
    ignoreFiles: [IGNORE_FILE],
    excludeCaches: true,
  }
  assert.deepEqual(kept(request).files, [
    "memory/",
    "memory/.holdfastignore",
    "memory/a.md",
    "memory/cache/",
    "memory/cache/CACHEDIR.TAG",
  ])
})

test("createSelection() applies includes below the names that folders were saved under", () => {
  make(["ws/memory/a.md", "ws/other", "host/state.db", "host/tmp/x"])
  const roots = resolveRoots({
    paths: [raw(`workspace=${folder}/ws`), raw(`state=${folder}/host`)],
    cwd: "/",
  })
  const request = {
    includes: [raw("/workspace/memory/**"), raw("/state/*.db")],
    origin: originOfRoots(roots),
    named: roots.named,
  }
  assert.deepEqual(kept(request, openDiskSource(roots)).files, [
    "state/",
    "state/state.db",
    "workspace/",
    "workspace/memory/",
    "workspace/memory/a.md",
  ])
})

/** Patterns against git itself, and against the clock. */
import * as assert from "node:assert/strict"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, test } from "node:test"
import { seededRandom } from "../../fixtures/random.ts"
import type { RawPath } from "../base/ids.ts"
import { rawPathFromText } from "../base/paths.ts"
import { patternSet, type PatternSet } from "./patterns.ts"

const folder = mkdtempSync(join(tmpdir(), "holdfast-patterns-"))
after(() => rmSync(folder, { recursive: true, force: true }))

function set(pattern: string, ignoreCase = false): PatternSet {
  return patternSet("" as RawPath, rawPathFromText(pattern), ignoreCase)
}

function isLeft(patterns: PatternSet, path: string): boolean {
  const names = path.split("/")
  return names.some((_, i) => {
    const above = names.slice(0, i + 1).join("/")
    return patterns.verdict(rawPathFromText(above), i < names.length - 1) === "leave"
  })
}

/** Returns the paths, all of files, that git ignores. */
function leftByGit(pattern: string, paths: readonly string[], ignoreCase: boolean): string[] {
  writeFileSync(join(folder, ".gitignore"), `${pattern}\n`)
  const words = ["-c", `core.ignoreCase=${ignoreCase}`, "check-ignore", "--no-index", "--stdin", "-z"]
  const { stdout, status, stderr } = spawnSync("git", words, { cwd: folder, input: paths.join("\0") })
  assert.ok(status === 0 || status === 1, stderr.toString())
  return stdout
    .toString()
    .split("\0")
    .filter((path) => path !== "")
}

const PIECES = [
  ..."aabbAB*?*?[]!^-\\/ #.".split(""),
  ..."/**/ **/ /** ** a/ /b [ab] [!a] [^b] [a-b] []a] [[:alpha:]] [[:upper:]b] [[:nope:]] \\* \\a *a b* *.b a*b".split(
    " ",
  ),
]
// git matches bytes and we match characters: here every character is one byte
const NAMES = ["a", "b", "A", "B", "ab", "ba", "aa", ".a", "a.b", "a*", "a b", "[a]", "b-", "!a", "#b", "a\\"]

/**
 * Where git differs from its manual: stars after a literal start count as `**`, and with
 * core.ignoreCase an escaped capital letter matches nothing.
 */
function isOdd(pattern: string, ignoreCase: boolean): boolean {
  return /[^/*]\*{2,}(\\?\/|$)/.test(pattern) || (ignoreCase && /\\[A-Z]/.test(pattern))
}

test("verdict() excludes what git excludes, for random patterns", () => {
  execFileSync("git", ["init", "--quiet", folder])
  const seed = process.env["HOLDFAST_SEED"] ?? String(Date.now())
  const random = seededRandom(`patterns ${seed}`)
  const pick = <T>(from: readonly T[]): T => from[random.below(from.length)] as T
  const paths = new Set<string>()
  while (paths.size < 150) {
    paths.add(Array.from({ length: 1 + random.below(4) }, () => pick(NAMES)).join("/"))
  }
  for (let round = 0; round < 250; round++) {
    const pattern = Array.from({ length: 1 + random.below(6) }, () => pick(PIECES)).join("")
    const ignoreCase = round % 5 === 0
    if (isOdd(pattern, ignoreCase)) continue
    const patterns = set(pattern, ignoreCase)
    const ours = [...paths].filter((path) => isLeft(patterns, path))
    assert.deepEqual(ours, leftByGit(pattern, [...paths], ignoreCase), `HOLDFAST_SEED=${seed}: ${pattern}`)
  }
})

test("verdict() is quick, however many stars there are", () => {
  const nested = Array.from({ length: 120 }, () => "a").join("/")
  const long = "a".repeat(255)
  const stars = `${"a*".repeat(40)}b`
  const started = process.cpuUsage()
  for (const [pattern, path] of [
    ["**/a/**/a/**/a/**/a/**/a/**/b", nested],
    [`${"**/".repeat(60)}b`, nested],
    [`${"**/a/".repeat(50)}**/b`, nested],
    [`${"**/*a*/".repeat(30)}b/c`, nested],
    [stars, long],
    [`${"*".repeat(200)}b`, long],
    [`x/**/${stars}`, `x/${long}/${long}`],
    [`${"[a-z]*".repeat(40)}B`, long],
    [`${"?*".repeat(60)}b`, long],
  ] as const) {
    for (const ignoreCase of [false, true]) {
      assert.equal(set(pattern, ignoreCase).verdict(path as RawPath, false), undefined, pattern)
      assert.equal(set(pattern, ignoreCase).verdict(`${path}/b/c` as RawPath, false) === "keep", false)
    }
  }
  const { user } = process.cpuUsage(started)
  assert.ok(user < 2_000_000, `${user} µs of processor time`)
})

test("verdict() of a path 16,000 folders deep is quick", () => {
  const deep = Array.from({ length: 16_000 }, () => "d").join("/") as RawPath
  const patterns = set("**/d/**/x/**/y\n/d/d/d/e\n*.o\n**/node_modules\nd/**/d/**/d/z")
  const started = process.cpuUsage()
  for (let i = 0; i < 10; i++) assert.equal(patterns.verdict(deep, true), undefined)
  assert.ok(process.cpuUsage(started).user < 2_000_000)
})

test("mayMatchBelow() is true if the literal beginning of a pattern allows a match in the folder", () => {
  const cases: [string, string[], string[]][] = [
    ["/memory/**", ["", "memory", "memory/a"], ["memories", "other", "a/memory"]],
    ["/a/b/*.md", ["", "a", "a/b"], ["a/c", "a/b/c", "b"]],
    ["/a/**/z", ["", "a", "a/b", "a/b/c"], ["b", "b/a"]],
    ["/a*/b/c", ["ax", "ax/b"], ["b", "ax/c", "ax/b/d"]],
    ["x.md", ["", "a", "a/b"], []],
    ["**/x/y", ["", "a", "a/b"], []],
    ["!/memory/**", [], ["", "memory"]],
    ["/MEMORY.md", [""], ["a", "MEMORY.md"]],
  ]
  for (const [pattern, may, not] of cases) {
    const set = patternSet("" as RawPath, pattern as RawPath)
    assert.deepEqual(
      [...may, ...not].map((path) => set.mayMatchBelow(path as RawPath)),
      [...may.map(() => true), ...not.map(() => false)],
      pattern,
    )
  }
})

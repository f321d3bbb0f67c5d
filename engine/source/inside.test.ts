import assert from "node:assert/strict"
import { test } from "node:test"
import type { RawPath } from "../base/ids.ts"
import { rawPathFromText, showPath } from "../base/paths.ts"
import { concernsSource, originOf, pathsInside, patternsInside, type Origin } from "./inside.ts"

const raw = (text: string): RawPath => rawPathFromText(text)
const notes: Origin = { bases: ["/home/u/notes"], paths: [raw("/home/u/notes")] }
const two: Origin = { bases: ["/home/u"], paths: [raw("/home/u/a"), raw("/home/u/b")] }
const root: Origin = { bases: ["/"], paths: [raw("/")] }
const stream: Origin = originOf({ paths: [raw("/dump.sql")], options: {} })

test("pathsInside() accepts absolute paths below the source and every spelling of a path inside the snapshot", () => {
  const cases: [Origin, string, string][] = [
    [notes, "a.md", "a.md"],
    [notes, "./a.md", "a.md"],
    [notes, "docs/", "docs"],
    [notes, "docs//./b/../c/", "docs/c"],
    [notes, "/docs", "docs"],
    [notes, "/home/u/notes/docs/", "docs"],
    [notes, "/home/u/./notes//docs", "docs"],
    [notes, "/home/u/notes", ""],
    [notes, "/home/u/notes-2/a", "home/u/notes-2/a"],
    [notes, ".", ""],
    [notes, "", ""],
    [notes, "../a", "../a"],
    [two, "/home/u/a/x", "a/x"],
    [root, "/etc/passwd", "etc/passwd"],
    [stream, "/dump.sql", "dump.sql"],
  ]
  for (const [origin, typed, inside] of cases)
    assert.deepEqual(pathsInside(origin, raw(typed)), [raw(inside)], typed)
})

test("pathsInside() accepts every name as it is printed", () => {
  const names = [
    "stray\xff\xfe",
    "tab\tand\nline",
    "\x1b[31mred",
    "caf\xc3\xa9",
    "caf\xe9",
    "back\\slash",
    "back\\x41",
  ]
  for (const name of names as RawPath[]) {
    for (const path of [name, `docs/${name}`, `/home/u/notes/docs/${name}`] as RawPath[]) {
      const inside = path.replace("/home/u/notes/", "") as RawPath
      assert.ok(pathsInside(notes, raw(showPath(path))).includes(inside), showPath(path))
    }
  }
  assert.deepEqual(pathsInside(notes, raw("a\\u202eb")), ["a\\u202eb", raw("a\u202eb")])
  assert.deepEqual(pathsInside(notes, raw("a\\u{e0001}b")), ["a\\u{e0001}b", raw("a\u{e0001}b")])
})

test("patternsInside() makes absolute patterns below the source relative to its root, and leaves the others", () => {
  const cases: [Origin, string, string[]][] = [
    [notes, "*.md", ["*.md"]],
    [notes, "/build", ["/build"]],
    [notes, "./build/", ["/build/"]],
    [notes, "/home/u/notes/build/", ["/build/"]],
    [notes, "!/home/u/notes/build", ["!/build"]],
    [notes, "/home/*/notes/*.tmp", ["/*.tmp"]],
    [notes, "/home/**/cache", ["/**/cache"]],
    [notes, "/home/u/notes", ["/*"]],
    [notes, "/home/u/notes/", ["/*"]],
    [notes, "/home/u/other/x", ["/home/u/other/x"]],
    [notes, "/home", ["/home"]],
    [two, "/home/u/a/x", ["/a/x"]],
    [root, "/etc/*.conf", ["/etc/*.conf"]],
    [notes, "# /home/u/notes/a", ["# /home/u/notes/a"]],
    [notes, "crlf\r", ["crlf\r"]],
  ]
  for (const [origin, typed, inside] of cases)
    assert.deepEqual(patternsInside(origin, raw(typed), false), inside.map(raw), typed)
  assert.deepEqual(patternsInside(notes, raw("a[1].md"), true), ["a[1].md", "a\\[1].md"])
  assert.deepEqual(patternsInside(notes, raw("a\\xff\\x0a"), false), ["a\\xff\\x0a", "a\xff?"])
})

test("concernsSource() recognises an absolute pattern that can match nothing", () => {
  const cases: [Origin, string, boolean][] = [
    [notes, "*.md", true],
    [notes, "/home/u/notes/x", true],
    [notes, "/home/*/notes/x", true],
    [notes, "/home/**/x", true],
    [notes, "/home/u/other", false],
    [notes, "!/home/u/other", false],
    [notes, "/home/u", false],
    [two, "/home/u/a/x", true],
    [two, "/home/u/c/x", false],
    [root, "/etc", true],
  ]
  for (const [origin, pattern, concerns] of cases)
    assert.equal(concernsSource(origin, raw(pattern)), concerns, pattern)
})

test("pathsInside() and patternsInside() take a name that a path was saved under before a folder of this machine", () => {
  // two roots of a container, whose common parent is called as one of them
  const renamed: Origin = {
    bases: ["/workspace"],
    paths: [raw("/workspace/ws"), raw("/workspace/host")],
    named: [raw("workspace"), raw("state")],
  }
  const { named: _, ...plain } = renamed
  assert.deepEqual(patternsInside(renamed, raw("/workspace/ws/**"), false), ["/workspace/ws/**"])
  assert.deepEqual(patternsInside(plain, raw("/workspace/ws/**"), false), ["/ws/**"])
  assert.deepEqual(pathsInside(renamed, raw("/workspace/memory")), ["workspace/memory"])
  assert.deepEqual(pathsInside(plain, raw("/workspace/memory")), ["memory"])
  assert.ok(concernsSource(renamed, raw("/state/x")))
})

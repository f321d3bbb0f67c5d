/** Every verb that opens a store reports its requests. */
import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type JsonLine, type Sandbox } from "../testing/run-cli.ts"

const FIELDS = ["put", "get", "head", "list", "delete", "bytes_up", "bytes_down"]

/** In the order in which they can be run. */
const VERBS: readonly (readonly string[])[] = [
  ["init"],
  ["connect"],
  ["estimate", "notes"],
  ["backup", "notes"],
  ["snapshots"],
  ["ls", "latest"],
  ["find", "a.md"],
  ["log", "a.md"],
  ["diff", "latest"],
  ["dump", "latest:a.md"],
  ["restore", "latest", "--target", "out"],
  ["stats"],
  ["check"],
  ["check", "--store-only"],
  ["key", "list"],
  ["device", "list"],
  ["copy", "mirror"],
  ["copy", "--promote", "mirror"],
  ["doctor"],
]

function place(box: Sandbox): void {
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a.md"), "first\n")
}

function requestsOf(line: JsonLine): Record<string, number> | undefined {
  const { requests } = line
  return typeof requests === "object" ? (requests as Record<string, number>) : undefined
}

test("every verb reports its requests with --json: in its summary, or as a last line on standard error", (context) => {
  const box = sandbox(context)
  place(box)
  for (const words of VERBS) {
    const { last, err } = box.must(...words, "--json")
    const aside = JSON.parse(err.trim().split("\n").at(-1) || "{}") as JsonLine
    const [inside, beside] = [
      requestsOf(last),
      aside["message_type"] === "requests" ? requestsOf(aside) : undefined,
    ]
    const isPlan = last["message_type"] === "estimate"
    assert.ok(
      (inside !== undefined && !isPlan) !== (beside !== undefined),
      `${words.join(" ")}: once\n${err}`,
    )
    const told = beside ?? inside ?? {}
    assert.deepEqual(Object.keys(told), FIELDS, words.join(" "))
    for (const value of Object.values(told)) assert.ok(Number.isInteger(value) && value >= 0)
  }
})

test("every verb reports its requests in words with --verbose, on standard error; without it none", (context) => {
  const box = sandbox(context)
  place(box)
  for (const words of VERBS) {
    const { err } = box.must(...words, "--verbose")
    assert.match(
      err,
      /^(Store requests: \d+ (PUT|GET|HEAD|LIST|DELETE).* \(.* sent, .* received\)|No requests were made)$/m,
      words.join(" "),
    )
  }
  assert.equal(box.must("snapshots").err, "")
  assert.equal(box.must("snapshots", "--json", "--quiet").err, "")
  assert.equal(box.must("dump", "latest:a.md", "--json").out, "first\n")
})

test("a failing verb reports its requests before the error", (context) => {
  const box = sandbox(context)
  place(box)
  box.must("init")
  const { code, err } = box.run("ls", "latest", "--json")
  assert.notEqual(code, 0)
  const lines = err
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonLine)
  assert.deepEqual(
    lines.map((line) => line["message_type"]),
    ["requests", "exit_error"],
  )
})

test("backup without changes makes no request, and says so", (context) => {
  const box = sandbox(context)
  place(box)
  box.must("init")
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100)
  box.must("backup", "notes")
  assert.match(box.must("backup", "notes", "--verbose").err, /^No requests were made$/m)
})

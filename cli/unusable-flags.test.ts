/** Flags that would be ignored are a usage error with the reason. */
import assert from "node:assert/strict"
import { mkdirSync } from "node:fs"
import { test } from "node:test"
import { sandbox } from "./testing/run-cli.ts"

test("a flag that can have no effect, or a time that is none, is exit 2 with the reason", (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("notes"))
  const cases: [RegExp, ...string[]][] = [
    [/needs --stdin/, "backup", "notes", "--stdin-filename", "x"],
    [/--endpoint is for S3/, "snapshots", "--endpoint", "http://127.0.0.1:9"],
    [/--ca-file is for S3/, "snapshots", "--ca-file", "missing.pem"],
    [/--credentials is for S3/, "snapshots", "--credentials", "env:NAME"],
    [/--region is for S3/, "backup", "notes", "--region", "x"],
    [/--addressing is for S3/, "backup", "notes", "--addressing", "path"],
    [/series/, "backup", "notes", "--series", ""],
    ...["2026-02-30", "2026-13-01", "2026-01-01 or so", "yesterday", "2026-01-01T25:00"].map(
      (time): [RegExp, ...string[]] => [/--time needs a time/, "backup", "notes", "--time", time],
    ),
  ]
  for (const [reason, ...words] of cases) {
    const { code, err } = box.run(...words)
    assert.equal(code, 2, `${words.join(" ")}: ${err}`)
    assert.match(err, reason)
  }
  assert.equal(box.must("snapshots", "--json").lines.length, 0)
})

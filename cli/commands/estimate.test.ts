/** `estimate`, `backup --budget` and the costs in `stats`, for users and for scripts. */
import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { showDollars } from "../output/format.ts"
import { parseBudget } from "../verbs/sizes.ts"
import { sandbox } from "../testing/run-cli.ts"

test("parseBudget() takes bytes and dollars", () => {
  assert.deepEqual(parseBudget("500M"), { bytes: 500 * 2 ** 20 })
  for (const text of ["$2.50", "2.50$", "2.5 USD", "2.5usd"])
    assert.deepEqual(parseBudget(text), { dollars: 2.5 })
  assert.throws(() => parseBudget("much"), /--budget needs/)
})

test("showDollars() shows significant digits", () => {
  assert.deepEqual([0, 0.00001, 0.0023, 0.05, 7.99, 1234.5].map(showDollars), [
    "$0",
    "< $0.0001",
    "$0.0023",
    "$0.050",
    "$7.99",
    "$1234.50",
  ])
})

test("estimate reports bytes, requests and money; backup --budget refuses with 16 and writes nothing", (context) => {
  const box = sandbox(context)
  const source = box.path("notes")
  mkdirSync(source)
  writeFileSync(
    join(source, "a.bin"),
    Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * i * 7919) % 251)),
  )
  box.must("init")
  const told = box.must("estimate", source, "--provider", "aws", "--json").last
  assert.equal(told["message_type"], "estimate")
  assert.deepEqual(told["requests"], { put: 2, list: 2, get: 0 })
  assert.ok(Number(told["bytes_added"]) > 0)
  assert.equal((told["dollars"] as Record<string, unknown>)["provider"], "aws")
  assert.match(box.must("estimate", source, "--provider", "r2").out, /at Cloudflare R2, by the price list of/)

  const refused = box.run("backup", source, "--budget", "1k")
  assert.equal(refused.code, 16)
  assert.match(
    refused.err,
    /^holdfast: [\d.]+ [KM]iB would be stored, but the budget is 1.00 KiB\. Nothing was written/,
  )
  assert.equal(box.must("snapshots", "--json").lines.length, 0)
  assert.equal(box.run("backup", source, "--budget", "$1").code, 2, "a folder has no prices")
  const priced = box.run("backup", source, "--budget", "$0.0000001", "--provider", "aws")
  assert.equal(priced.code, 16)
  assert.match(priced.err, /it would cost \$.* at Amazon S3 \(Standard\), but the budget is/)
  const done = box.must("backup", source, "--budget", "10M", "--json").last
  assert.equal((told["bytes_added"] as number) === done["data_added_packed"], true)

  const stats = box.must("stats", "--json").last
  assert.deepEqual(Object.keys(stats["dollars_per_month"] as object).toSorted(), [
    "aws",
    "backblaze",
    "r2",
    "wasabi",
  ])
  assert.equal(stats["provider"], null)
  assert.match(box.must("stats").out, /Wasabi +\$7\.99 +list of 2026-07-01/)
})

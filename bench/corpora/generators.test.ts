import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { agentRuns } from "./agent-day.ts"
import type { Corpus } from "./corpus.ts"
import { edit, shifted, sparse } from "./edited-files.ts"
import { writeLargeFiles } from "./large-files.ts"
import { seededRandom } from "./random.ts"
import { manyFiles } from "./scale.ts"
import { sqliteOf } from "./sqlite-updates.ts"

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-corpus-"))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Names and contents of everything under a folder. */
function digest(folder: string): string {
  const hash = createHash("sha256")
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted()) {
    if (!statSync(join(folder, name)).isFile()) continue
    hash.update(`${name}\0`).update(readFileSync(join(folder, name)))
  }
  return hash.digest("hex")
}

/** Builds the corpus, goes through its states, and returns the digest of each. */
async function walk(corpus: Corpus, folder: string): Promise<string[]> {
  const built = join(folder, "built")
  const source = corpus.enter === undefined ? built : join(folder, "source")
  mkdirSync(built, { recursive: true })
  mkdirSync(source, { recursive: true })
  await corpus.build(built, { packages: folder, report: () => {} })
  const digests: string[] = []
  for (const index of corpus.states.keys()) {
    await corpus.enter?.(index, { source, built })
    digests.push(digest(source))
  }
  return digests
}

const small: readonly Corpus[] = [
  agentRuns("agent", 12, { notes: 20, journals: 2, journalLines: 20, databaseBytes: 400_000 }),
  shifted("shifted-test", 2 ** 20, 3),
  sparse("sparse-test", 8 * 2 ** 20, 2 ** 20),
  sqliteOf("sqlite-test", 400_000),
  manyFiles(300),
]

for (const corpus of small) {
  test(`${corpus.name} gives the same states twice`, async (t) => {
    const folder = scratch(t)
    const first = await walk(corpus, join(folder, "first"))
    assert.deepEqual(await walk(corpus, join(folder, "second")), first)
    const labels = corpus.states.filter((label) => label !== "idle")
    assert.equal(new Set(first).size, labels.length, "every state but an idle one changes something")
  })
}

test("writeLargeFiles() gives the same bytes for a seed, others for another", (t) => {
  const folders = ["a", "b", "c"].map((name) => join(scratch(t), name))
  for (const [index, folder] of folders.entries()) {
    mkdirSync(folder)
    writeLargeFiles(folder, 2 ** 20, index < 2 ? "one" : "two")
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).size, 2 ** 20)
  }
  const [a, b, c] = folders.map(digest)
  assert.equal(a, b)
  assert.notEqual(a, c)
})

test("sparse() leaves holes", async (t) => {
  const folder = scratch(t)
  const corpus = sparse("sparse-test", 8 * 2 ** 20, 2 ** 20)
  await corpus.build(folder, { packages: folder, report: () => {} })
  assert.ok(statSync(join(folder, "sparse.img")).blocks * 512 < 4 * 2 ** 20)
})

test("edit() keeps most of the data and changes its length", () => {
  const data = seededRandom("edit").bytes(2 ** 20)
  const edited = edit(data, "edit 1")
  assert.ok(Math.abs(edited.length - data.length) < 9 * 65_536)
  assert.ok(!edited.equals(data))
})

test("seededRandom() returns the same values as ever", () => {
  const random = seededRandom("holdfast")
  const drawn = [
    random.below(1_000),
    random.below(1_000),
    random.bytes(4).toString("hex"),
    random.between(5, 6),
  ]
  assert.deepEqual(drawn, [24, 908, "250e1f5d", 6])
})

/**
 * 1,000,000 small files, saved and brought back by the program itself in 1.5 GiB for all its threads.
 * The processes' peaks are the kernel's. About ten minutes, and 10 GiB of disk or memory.
 */
import * as assert from "node:assert/strict"
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { test, type TestContext } from "node:test"
import { compareTrees, describeDifferences } from "../../bench/harness/compare-trees.ts"
import { measure, type Outcome } from "../../bench/harness/measure.ts"
import { seededRandom } from "../../fixtures/random.ts"

const FOLDERS = 1_000
const FILES_A_FOLDER = 1_000
const MEMORY_BYTES_MAX = 1.5 * 1024 ** 3
const SPACE_BYTES = 16 * 1024 ** 3

test("1,000,000 small files are saved and brought back within 1.5 GiB of memory", async (t) => {
  const folder = roomyFolder(t)
  const source = join(folder, "source")
  writeFiles(source)
  writeFileSync(join(folder, "key"), Buffer.alloc(32, 7).toString("base64"), { mode: 0o600 })
  const run = async (what: string, ...words: string[]): Promise<Outcome> => {
    const outcome = await holdfast(folder, words)
    const MiB = Math.round(outcome.peakBytes / 1024 ** 2)
    const { seconds, cpuSeconds } = outcome
    t.diagnostic(`${what}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU seconds, ${MiB} MiB at most`)
    assert.ok(outcome.peakBytes > 32 * 1024 ** 2, "a peak was measured")
    assert.ok(outcome.peakBytes <= MEMORY_BYTES_MAX, `${what}: ${MiB} MiB`)
    return outcome
  }
  await holdfast(folder, ["init"])
  const first = await run("first backup", "backup", source, "--json")
  const { files_new } = JSON.parse(first.stdout.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>
  assert.equal(files_new, FOLDERS * FILES_A_FOLDER)
  writeFileSync(join(source, "folder 500", "one more"), "new")
  await run("second backup, of one new file", "backup", source)
  await run("check", "check")
  const target = join(folder, "target")
  await run("restore", "restore", "latest", "--target", target)
  assert.equal(describeDifferences(compareTrees(source, target, { root: true })), "exact")
})

/** In memory if there is enough: the test measures the program, not the disk. */
function roomyFolder(t: TestContext): string {
  const shm = "/dev/shm"
  const hasRoom = existsSync(shm) && freeBytes(shm) >= SPACE_BYTES
  const folder = mkdtempSync(join(hasRoom ? shm : tmpdir(), "holdfast-million-"))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function writeFiles(source: string): void {
  const random = seededRandom("a million files")
  for (let i = 0; i < FOLDERS; i++) {
    const folder = join(source, `folder ${i}`)
    mkdirSync(folder, { recursive: true })
    for (let k = 0; k < FILES_A_FOLDER; k++)
      writeFileSync(join(folder, `note ${k}.md`), random.bytes(random.below(200)))
  }
}

async function holdfast(folder: string, words: readonly string[]): Promise<Outcome> {
  const outcome = await measure({
    program: process.execPath,
    args: [resolve("dist/cli/main.js"), ...words],
    env: {
      PATH: process.env["PATH"] ?? "",
      HOLDFAST_HOME: join(folder, "home"),
      HOLDFAST_REPOSITORY: join(folder, "repository"),
      HOLDFAST_KEY_FILE: join(folder, "key"),
    },
  })
  assert.equal(outcome.exitCode, 0, outcome.stderr)
  return outcome
}

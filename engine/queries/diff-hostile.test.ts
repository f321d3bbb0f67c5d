/**
 * A snapshot's writer chooses names of files on the machine that compares it. The diff must not
 * wait for any of them, nor read without end.
 */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { makeFifo } from "../../fixtures/native.ts"
import { backupPlace, save } from "../testing/backup-place.ts"
import type { DiffPlan } from "../testing/diff-child.ts"

const CHILD = "engine/testing/diff-child.ts"
const TIMEOUT_MS = 30_000

type Differences = (plan: Omit<DiffPlan, "home" | "repository">) => Record<string, string>

/**
 * A snapshot of b.md, data and zero. Afterwards new.md and new.tmp are added, a FIFO replaces data,
 * and a link to /dev/zero replaces zero.
 */
async function made(t: TestContext): Promise<{ source: string; differences: Differences }> {
  const place = await backupPlace(t, { local: true })
  const source = join(place.folder, "source")
  fs.mkdirSync(source)
  for (const name of ["b.md", "data", "zero"]) fs.writeFileSync(join(source, name), name)
  await save(place.repository, source)
  fs.rmSync(join(source, "data"))
  makeFifo(join(source, "data"))
  fs.rmSync(join(source, "zero"))
  fs.symlinkSync("/dev/zero", join(source, "zero"))
  for (const name of ["new.md", "new.tmp"]) fs.writeFileSync(join(source, name), "")
  const base = { home: join(place.folder, "home-0"), repository: join(place.folder, "repository") }
  return {
    source,
    differences(plan) {
      const words = ["--import", "tsx", CHILD, JSON.stringify({ ...base, ...plan })]
      const { stdout, stderr, signal } = spawnSync(process.execPath, words, {
        encoding: "utf8",
        timeout: TIMEOUT_MS,
        killSignal: "SIGKILL",
      })
      assert.equal(signal, null, `it was still at work after ${TIMEOUT_MS} ms`)
      assert.notEqual(stdout, "", stderr)
      return JSON.parse(stdout) as Record<string, string>
    },
  }
}

const CHANGED = { "": "metadata", data: "type", "new.md": "added", "new.tmp": "added", zero: "type" }

test("diffWithDisk() opens no FIFO or device that a snapshot names as a pattern file or a marker", async (t) => {
  const { source, differences } = await made(t)
  const list = join(source, "..", "list")
  fs.writeFileSync(list, "*.tmp\n")
  const odd = [join(source, "data"), join(source, "zero"), "/dev/zero", "/dev/tty"]
  const { "new.tmp": _, ...withoutTmp } = CHANGED
  assert.deepEqual(differences({ selection: { excludeFiles: [...odd, list] } }), withoutTmp)
  assert.deepEqual(differences({ selection: { ignoreFiles: ["data", "zero"] } }), CHANGED)
  assert.deepEqual(differences({ selection: { excludeIfPresent: ["data:x", "zero:\0"] } }), CHANGED)
})

test("diffWithDisk() opens only regular files in place of files", async (t) => {
  const { differences } = await made(t)
  assert.deepEqual(differences({ selection: {}, within: "data" }), { data: "type" })
  assert.deepEqual(differences({ selection: {}, within: "zero", folder: "/dev" }), { zero: "type" })
})

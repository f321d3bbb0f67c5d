import assert from "node:assert/strict"
import { rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { backupOnce } from "../run/backup-once.ts"
import { TOOL_SCHEMAS } from "../schemas.ts"
import { diffOf, historyOf, readFrom } from "./look.ts"

async function save(place: AgentPlace): Promise<string> {
  const { snapshot } = await backupOnce({ setup: place.setup, by: "cli" }, { triggers: ["manual"] })
  return snapshot ?? assert.fail("no snapshot")
}

const problem = (code: string) => (error: unknown) =>
  error instanceof Error && "code" in error && error.code === code

test("historyOf() lists snapshots newest first, and the versions of one file", async (t) => {
  const place = await agentPlace(t)
  const first = await save(place)
  place.write("memory/new.md", "new")
  const second = await save(place)
  const all = await historyOf(place.setup, {})
  TOOL_SCHEMAS.sync_history.output.parse(all)
  assert.deepEqual(
    all.snapshots.map(({ snapshot }) => snapshot),
    [second, first],
  )
  const one = await historyOf(place.setup, { path: "memory/new.md" })
  assert.deepEqual(
    one.snapshots.map(({ snapshot }) => snapshot),
    [second],
  )
  await assert.rejects(historyOf(place.setup, { path: "../x" }), problem("bad-path"))
})

test("readFrom() gives the text of a workspace file as it was", async (t) => {
  const place = await agentPlace(t)
  place.write("MEMORY.md", "old text\n")
  await save(place)
  place.write("MEMORY.md", "new text\n")
  const read = await readFrom(place.setup, { timestamp: "latest", path: "MEMORY.md" })
  TOOL_SCHEMAS.sync_read.output.parse(read)
  assert.equal(read.text, "old text\n")
})

test("readFrom() refuses credentials, databases, excluded, binary, long and missing files", async (t) => {
  const place = await agentPlace(t, {})
  const hidden = ["memory/.env", "memory/x.sqlite", "memory/auth.json", "memory/credentials/a.md"]
  for (const path of hidden) place.write(path, "secret")
  place.write("memory/binary.md", Buffer.from([1, 0, 2]))
  place.write("memory/latin.md", Buffer.from([0xe9, 0x20]))
  place.write("memory/long.md", "x".repeat(256 * 1024 + 1))
  await save(place)
  const read = (path: string): Promise<unknown> => readFrom(place.setup, { timestamp: "latest", path })
  for (const path of hidden) await assert.rejects(read(path), problem("not-readable"), path)
  await assert.rejects(read("memory/my.key"), problem("not-readable"))
  await assert.rejects(read("memory/binary.md"), problem("not-text"))
  await assert.rejects(read("memory/latin.md"), problem("not-text"))
  await assert.rejects(read("memory/long.md"), problem("too-large"))
  await assert.rejects(read("memory"), problem("not-text"))
  await assert.rejects(read("session-sync-config.json"), problem("bad-path"))
  await assert.rejects(read("memory/lang.md"), problem("path-not-found"))
})

test("diffOf() compares a snapshot with the workspace and with another snapshot", async (t) => {
  const place = await agentPlace(t)
  place.write("MEMORY.md", "one\ntwo\n")
  const first = await save(place)
  place.write("MEMORY.md", "one\nthree\n")
  place.write("memory/new.md", "new")
  rmSync(join(place.workspace, "memory/2026-11-01.md"))
  const now = await diffOf(place.setup, { from: "latest" })
  TOOL_SCHEMAS.sync_diff.output.parse(now)
  const expected = {
    added: { count: 1, paths: ["memory/new.md"] },
    changed: { count: 1, paths: ["MEMORY.md"] },
    removed: { count: 1, paths: ["memory/2026-11-01.md"] },
  }
  assert.deepEqual({ added: now.added, changed: now.changed, removed: now.removed }, expected)
  await save(place)
  const both = await diffOf(place.setup, { from: first, to: "latest" })
  assert.deepEqual({ added: both.added, changed: both.changed, removed: both.removed }, expected)
  for (const to of [undefined, "latest"]) {
    const { text = "" } = await diffOf(place.setup, { from: first, to, path: "MEMORY.md" })
    assert.match(text, /^--- MEMORY\.md\t.*\n\+\+\+ MEMORY\.md\t.*\n@@ -1,2 \+1,2 @@\n one\n-two\n\+three\n$/)
  }
})

test("diffOf() of a file that only the workspace has is all additions, and no link is followed", async (t) => {
  const place = await agentPlace(t)
  await save(place)
  place.write("memory/new.md", "new\n")
  const { text = "" } = await diffOf(place.setup, { from: "latest", path: "memory/new.md" })
  assert.match(text, /^--- \/dev\/null/)
  writeFileSync(join(place.folder, "outside.md"), "outside\n")
  symlinkSync(join(place.folder, "outside.md"), join(place.workspace, "memory/link.md"))
  const link = await diffOf(place.setup, { from: "latest", path: "memory/link.md" })
  assert.equal(link.text, undefined)
})

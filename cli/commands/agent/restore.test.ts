import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { differences, pictureOf, showDifferences, type Picture } from "../../../fixtures/picture.ts"
import { onTerminal } from "../../testing/on-terminal.ts"
import { sandbox, type Sandbox } from "../../testing/run-cli.ts"

interface Protected {
  readonly box: Sandbox
  readonly workspace: string
}

/** A workspace with memory, protected by `agent init`, and one snapshot. */
function protectedPlace(t: TestContext): Protected {
  const box = sandbox(t)
  const workspace = box.path("workspace")
  mkdirSync(join(workspace, "memory"), { recursive: true })
  writeFileSync(join(workspace, "MEMORY.md"), "what I know\n")
  writeFileSync(join(workspace, "memory/day.md"), "a day\n")
  const { HOLDFAST_REPOSITORY: _, ...environment } = box.environment
  const must = (...words: string[]): void => {
    const outcome = box.runWith(environment, words)
    assert.equal(outcome.code, 0, outcome.err)
  }
  must(
    "agent",
    "init",
    "--yes",
    "--workspace",
    workspace,
    "-r",
    box.repository,
    "--recovery-words-file",
    box.path("words"),
  )
  must("agent", "sync", "--workspace", workspace)
  return { box, workspace }
}

const run = ({ box, workspace }: Protected, ...words: string[]) =>
  box.runWith({ HOLDFAST_HOME: box.path("home") }, ["agent", "restore", ...words, "--workspace", workspace])

function picture(workspace: string): Picture {
  return new Map([...pictureOf(workspace)].filter(([path]) => !/sync-(log|config)/.test(path)))
}

function assertEqual(found: Picture, expected: Picture): void {
  const differing = differences(expected, found)
  if (differing.length > 0) assert.fail(showDifferences(differing))
}

test("agent restore --yes restores, and agent restore undo --yes takes it back", (t) => {
  const place = protectedPlace(t)
  const { workspace } = place
  const good = picture(workspace)
  writeFileSync(join(workspace, "MEMORY.md"), "changed\n")
  rmSync(join(workspace, "memory/day.md"))
  const before = picture(workspace)
  const refused = run(place, "latest")
  assert.equal(refused.code, 2)
  assert.match(refused.err, /no terminal to ask on/)
  const preview = run(place, "latest", "--mode", "preview")
  assert.match(preview.out, /overwrite MEMORY\.md\n {2}create {4}memory\/day\.md/)
  assertEqual(picture(workspace), before)
  const restored = run(place, "latest", "--yes", "--json")
  assert.equal(restored.code, 0, restored.err)
  assert.equal(restored.last["outcome"], "restored")
  assertEqual(picture(workspace), good)
  const undone = run(place, "undo", "--yes")
  assert.equal(undone.code, 0, undone.err)
  assertEqual(picture(workspace), before)
})

test("agent restore --path restores one file", (t) => {
  const place = protectedPlace(t)
  writeFileSync(join(place.workspace, "MEMORY.md"), "changed\n")
  rmSync(join(place.workspace, "memory/day.md"))
  assert.equal(run(place, "--path", "memory/day.md", "--yes").code, 0)
  assert.equal(readFileSync(join(place.workspace, "MEMORY.md"), "utf8"), "changed\n")
  assert.ok(existsSync(join(place.workspace, "memory/day.md")))
  const missing = run(place, "--path", "memory/dya.md", "--yes")
  assert.equal(missing.code, 1)
  assert.match(missing.err, /the snapshot has no memory\/dya\.md\. It has memory\/day\.md/)
})

test("agent restore on a new machine approves the configuration only by its digest, and continues the series", (t) => {
  const place = protectedPlace(t)
  const { box, workspace } = place
  const good = picture(workspace)
  const fresh = box.path("new", "workspace")
  const environment = { HOLDFAST_HOME: box.path("new-home") }
  const on = (...words: string[]) =>
    box.runWith(environment, ["agent", "restore", ...words, "--workspace", fresh])
  const nowhere = box.runWith(environment, ["agent", "restore", "--workspace", workspace])
  assert.equal(nowhere.code, 2)
  assert.match(nowhere.err, /-r PLACE/)
  const noSecret = on("-r", box.repository, "--yes")
  assert.equal(noSecret.code, 12, noSecret.err)
  const keyed = ["-r", box.repository, "--recovery-words-file", box.path("words"), "--yes"]
  const first = on(...keyed, "--json")
  assert.equal(first.code, 2, first.err)
  assert.equal(first.lines[0]?.["outcome"], "needs_approval")
  assert.deepEqual(readdirSync(fresh), [])
  const { sha256 } = (first.last["config"] ?? {}) as { sha256: string }
  const wrong = on(...keyed, "--accept-config", "0".repeat(64))
  assert.equal(wrong.code, 2)
  const done = on(...keyed, "--accept-config", sha256)
  assert.equal(done.code, 0, done.err)
  assertEqual(picture(fresh), good)
  const config = readFileSync(join(fresh, "session-sync-config.json"))
  assert.equal(createHash("sha256").update(config).digest("hex"), sha256)
  const synced = box.runWith(environment, ["agent", "sync", "--workspace", fresh, "--json"])
  assert.equal(synced.code, 0, synced.err)
  const { err, lines } = box.runWith(environment, ["snapshots", "-r", box.repository, "--json"])
  assert.equal(new Set(lines.flatMap(({ series }) => series ?? [])).size, 1, err)
})

test("agent restore asks on a terminal, and a person approves the configuration of a new machine", async (t) => {
  const { box, workspace } = protectedPlace(t)
  const good = picture(workspace)
  const changedText = "changed\n"
  writeFileSync(join(workspace, "MEMORY.md"), changedText)
  const words = ["agent", "restore", "latest", "--workspace", workspace]
  const no = await onTerminal(box, "home", words, { answers: [{ question: "Restore this?", typed: "n\r" }] })
  assert.equal(no.code, 1, no.screen)
  assert.equal(readFileSync(join(workspace, "MEMORY.md"), "utf8"), changedText)
  const yes = await onTerminal(box, "home", words, { answers: [{ question: "Restore this?", typed: "y\r" }] })
  assert.equal(yes.code, 0, yes.screen)
  assertEqual(picture(workspace), good)
  const fresh = box.path("fresh")
  const secret = ["--recovery-words-file", box.path("words")]
  const move = ["agent", "restore", "--workspace", fresh, "-r", box.repository, "--yes", ...secret]
  const question = "Approve this configuration on this machine?"
  const refused = await onTerminal(box, "other", move, { answers: [{ question, typed: "\r" }] })
  assert.equal(refused.code, 2, refused.screen)
  assert.deepEqual(readdirSync(fresh), [])
  const approved = await onTerminal(box, "other", move, { answers: [{ question, typed: "yes\r" }] })
  assert.equal(approved.code, 0, approved.screen)
  assert.match(approved.screen, /Devices: +\S+\r\n[^]*"workspace_id"/)
  assertEqual(picture(fresh), good)
})

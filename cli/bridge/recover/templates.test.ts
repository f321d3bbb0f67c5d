import assert from "node:assert/strict"
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { assertEqual, confirmed, picture, restored, saved } from "../../testing/recover-place.ts"
import type { RunContext } from "../run/context.ts"
import { openTemplates } from "./templates.ts"

const BODIES: Readonly<Record<string, string>> = {
  "MEMORY.md": "# Memory\n\nNothing yet.\n",
  "SOUL.md": "---\nnot front matter: it is the body\n---\n",
  "BOOTSTRAP.md": "# Birth\n\nYou just woke up.\n",
}

/** A package like OpenClaw's, with its executable on the PATH. */
function hostPackage({ folder }: AgentPlace): Readonly<Record<string, string>> {
  const root = join(folder, "node_modules/openclaw")
  const templates = join(root, "docs/reference/templates")
  mkdirSync(templates, { recursive: true })
  writeFileSync(join(root, "package.json"), '{ "name": "openclaw" }')
  writeFileSync(join(root, "openclaw.mjs"), "")
  for (const [name, body] of Object.entries(BODIES))
    writeFileSync(join(templates, name), `---\ntitle: "${name}"\nread_when:\n  - now\n---\n\n\n${body}`)
  mkdirSync(join(folder, "bin"))
  symlinkSync(join(root, "openclaw.mjs"), join(folder, "bin/openclaw"))
  return { PATH: `/nowhere:${join(folder, "bin")}` }
}

function templatesOf(place: AgentPlace, environment = hostPackage(place)): Pick<RunContext, "isTemplate"> {
  const { workspace, settings } = place.setup
  return { isTemplate: openTemplates({ workspace, profile: settings.profile, environment }) }
}

test("openTemplates() knows the host's own files by the package next to the executable", async (t) => {
  const place = await agentPlace(t)
  const { isTemplate } = templatesOf(place)
  const check = (path: string): boolean | undefined =>
    isTemplate?.(path, readFileSync(join(place.workspace, path)).length)
  for (const [name, body] of Object.entries(BODIES)) place.write(name, body)
  for (const name of Object.keys(BODIES)) assert.equal(check(name), true, name)
  place.write("SOUL.md", `${BODIES["SOUL.md"]}x`)
  assert.equal(check("SOUL.md"), false)
  const none = openTemplates({
    workspace: place.workspace,
    profile: "openclaw-memory",
    environment: { PATH: "/nowhere" },
  })
  assert.equal(none("MEMORY.md", 1), false)
  const other = openTemplates({
    workspace: place.workspace,
    profile: "codex",
    environment: { PATH: "/nowhere" },
  })
  assert.equal(other("MEMORY.md", 1), false)
})

test("a freshly seeded workspace is restored at once: templates count as absent, and BOOTSTRAP.md goes", async (t) => {
  const place = await agentPlace(t)
  const snapshot = await saved(place)
  const good = picture(place)
  for (const name of ["memory", "MEMORY.md", "SOUL.md"])
    rmSync(join(place.workspace, name), { recursive: true })
  for (const [name, body] of Object.entries(BODIES)) place.write(name, body)
  const before = picture(place)
  const context = templatesOf(place)
  const without = await restored(place, { timestamp: "latest" })
  assert.equal(without.outcome, "needs_confirmation")
  const preview = await restored(place, { timestamp: "latest", mode: "preview" }, { context })
  assert.equal(preview.overwrite.count, 0)
  assert.deepEqual(preview.remove, { count: 1, paths: ["BOOTSTRAP.md"] })
  const result = await confirmed(place, { timestamp: "latest" }, { context })
  assert.equal(result.outcome, "restored")
  assert.equal(result.snapshot, snapshot)
  assertEqual(picture(place), good)
  assert.ok(result.undo !== null)
  assert.deepEqual(result.warnings, [])
  await confirmed(place, { timestamp: "undo" }, { context })
  // the log's folder is the runs'; BOOTSTRAP.md is in no snapshot of this profile
  const counts = ([path]: [string, string]): boolean => !["", "memory", "BOOTSTRAP.md"].includes(path)
  assertEqual(new Map([...picture(place)].filter(counts)), new Map([...before].filter(counts)))
})

test("a replaced file that no snapshot has is kept", async (t) => {
  const place = await agentPlace(t)
  place.write("memory/notes.key", "not backed up")
  const [root = assert.fail()] = place.setup.roots
  const wide = { ...place, setup: { ...place.setup, roots: [{ ...root, exclude: [] }] } }
  await saved(wide)
  place.write("memory/notes.key", "changed, and excluded now")
  const { warnings, outcome } = await confirmed(place, { timestamp: "latest" })
  assert.equal(outcome, "restored")
  assert.equal(readFileSync(join(place.workspace, "memory/notes.key"), "utf8"), "not backed up")
  const kept = warnings.find(({ code }) => code === "kept-files")
  const folder = /kept in (\S+)$/.exec(kept?.message ?? "")?.[1] ?? assert.fail("nothing kept")
  assert.equal(readFileSync(join(folder, "1/memory/notes.key"), "utf8"), "changed, and excluded now")
  assert.ok(existsSync(folder))
})

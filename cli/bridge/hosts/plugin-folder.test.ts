/** The plugin folders as `holdfast agent plugin` writes them, without a host. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { test, type TestContext } from "node:test"
import { dollarsPerMonth } from "../../../engine/store/pricing.ts"
import { PROVIDER_PROFILES } from "../../../engine/store/provider-profiles.ts"
import { agentPlace, type AgentPlace } from "../../testing/agent-place.ts"
import { launchOf } from "./launch.ts"

const PROGRAM = resolve("dist/cli/main.js")

interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function holdfast({ environment }: AgentPlace, ...words: string[]): Outcome {
  const run = spawnSync(process.execPath, [PROGRAM, ...words], {
    // the checkout may be in the usual folder for temporary files
    env: { PATH: process.env["PATH"] ?? "", TMPDIR: environment["HOME"], ...environment },
    encoding: "utf8",
  })
  return { code: run.status, out: run.stdout, err: run.stderr }
}

async function written(t: TestContext, host: string): Promise<{ place: AgentPlace; folder: string }> {
  const place = await agentPlace(t)
  const folder = join(place.folder, "a plugin")
  const { code, err } = holdfast(place, "agent", "plugin", host, folder, "--workspace", place.workspace)
  assert.equal(code, 0, err)
  return { place, folder }
}

const parsed = (folder: string, path: string): unknown => JSON.parse(readFileSync(join(folder, path), "utf8"))

for (const [host, config] of [
  ["claude", ".mcp.json"],
  ["codex", ".mcp.json"],
  ["gemini", "gemini-extension.json"],
] as const)
  test(`agent plugin ${host}: the server is started by absolute paths, and no file names a registry's package`, async (t) => {
    const { place, folder } = await written(t, host)
    const { mcpServers } = parsed(folder, config) as { mcpServers: Record<string, object> }
    assert.deepEqual(mcpServers, {
      holdfast: {
        command: process.execPath,
        args: [PROGRAM, "mcp", "--workspace", place.workspace],
        env: { HOLDFAST_HOME: place.environment["HOLDFAST_HOME"] },
      },
    })
    const files = globSync("**/*", { cwd: folder, exclude: [".git"] }).concat(
      globSync(".*/**", { cwd: folder }),
    )
    const texts = files.filter((path) => statSync(join(folder, path)).isFile())
    assert.ok(texts.includes("skills/session-sync-cloud/SKILL.md"))
    for (const path of texts) {
      const text = readFileSync(join(folder, path), "utf8")
      assert.doesNotMatch(text, /\bnpx\b|npm (i|install|exec)\b|curl |"holdfast@/, path)
    }
  })

test("agent plugin: a hook backs up with its trigger, and a failure is never exit code 2", async (t) => {
  const { place, folder } = await written(t, "claude")
  const { hooks } = parsed(folder, "hooks/hooks.json") as {
    hooks: Record<string, { hooks: { command: string }[] }[]>
  }
  const run = (event: string): Outcome => {
    const command = hooks[event]?.[0]?.hooks[0]?.command ?? ""
    const done = spawnSync("sh", ["-c", command], {
      env: { PATH: process.env["PATH"] ?? "", HOME: place.folder },
      input: "{}",
      encoding: "utf8",
    })
    return { code: done.status, out: done.stdout, err: done.stderr }
  }
  const before = run("PreCompact")
  assert.equal(before.code, 1, "a host takes 2 as an order to stop")
  assert.match(before.err, /holdfast agent init/)
  await place.configure()
  const after = run("SessionEnd")
  assert.deepEqual(after, { code: 0, out: "", err: after.err })
  const status = holdfast(place, "agent", "status", "--json", "--workspace", place.workspace)
  const { lastBackup } = JSON.parse(status.out) as { lastBackup: { trigger: string } }
  assert.equal(lastBackup.trigger, "session_end")
})

test("agent plugin: an older copy is replaced, and a folder with other files is left alone", async (t) => {
  const { place, folder } = await written(t, "gemini")
  assert.equal(holdfast(place, "agent", "plugin", "claude", folder).code, 0)
  assert.deepEqual(globSync("gemini-extension.json", { cwd: folder }), [])
  const other = join(place.folder, "mine")
  mkdirSync(other)
  writeFileSync(join(other, "notes.txt"), "mine")
  const refused = holdfast(place, "agent", "plugin", "claude", other)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /has other files/)
  assert.deepEqual(globSync("*", { cwd: other }), ["notes.txt"])
  assert.match(holdfast(place, "agent", "plugin", "cursor", other).err, /use claude, codex, gemini/)
})

test("mcp --print-config prints JSON for hosts that read it, and TOML for Codex", async (t) => {
  const place = await agentPlace(t)
  const printed = (host: string): string =>
    holdfast(place, "mcp", "--print-config", host, "--workspace", place.workspace).out
  for (const host of ["claude", "gemini", "json"])
    assert.deepEqual(Object.keys((JSON.parse(printed(host)) as { mcpServers: object }).mcpServers), [
      "holdfast",
    ])
  const toml = printed("codex")
  assert.match(
    toml,
    /^\[mcp_servers\.holdfast\]\ncommand = "\/.*"\nargs = \[".*main\.js", "mcp", "--workspace", "/,
  )
  assert.match(toml, /\[mcp_servers\.holdfast\.env\]\nHOLDFAST_HOME = "/)
})

test("launchOf() refuses a copy that npm or a host deletes again, and carries no credentials", async (t) => {
  const { folder } = await agentPlace(t)
  const usual = process.env["TMPDIR"]
  t.after(() => (usual === undefined ? delete process.env["TMPDIR"] : (process.env["TMPDIR"] = usual)))
  process.env["TMPDIR"] = join(folder, "tmp")
  for (const copy of ["_npx/1a2b", "openclaw-plugin-x1", "tmp/unpacked"]) {
    const script = join(folder, copy, "main.js")
    mkdirSync(join(folder, copy), { recursive: true })
    writeFileSync(script, "")
    const request = { workspace: undefined, environment: {}, node: process.execPath, script }
    assert.throws(() => launchOf(request), { code: "temporary-program" }, copy)
  }
  const environment = { AWS_SECRET_ACCESS_KEY: "canary", HOLDFAST_HOME: "home", XDG_DATA_HOME: "data" }
  const launch = launchOf({ workspace: "ws", environment, node: process.execPath, script: PROGRAM })
  assert.deepEqual(launch.environment, { HOLDFAST_HOME: resolve("home") })
  assert.equal(launch.workspace, resolve("ws"))
})

test("the skill is short, and has the price of 1 GB a month at each provider, by the price lists", () => {
  const skill = readFileSync("cli/bridge/hosts/skill/session-sync-cloud/SKILL.md", "utf8")
  assert.ok(skill.split("\n").length <= 90)
  const priced = Object.values(PROVIDER_PROFILES).filter(({ prices }) => prices !== undefined)
  assert.equal(priced.length, 4)
  for (const profile of priced) {
    const dollars = dollarsPerMonth(profile, { objects: 100, bytes: 1e9 }) ?? 0
    const name = profile.title.replace(/ \(.*/, "")
    assert.ok(skill.includes(`${name} $${Number(dollars.toFixed(3))}`), `${name} ${dollars}`)
  }
})

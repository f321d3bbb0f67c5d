import assert from "node:assert/strict"
import { chmodSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import fc from "fast-check"
import { configPlace } from "../../testing/config-place.ts"
import { proposeApproval } from "./approve.ts"
import { CONFIG_KEYS, PROFILE_NAMES, PROVIDERS, type Config } from "./config.ts"

const APPROVED: Config = {
  profile: "openclaw-memory",
  agent_id: "nero",
  workspace_id: "0123456789abcdef",
  provider: "s3",
  bucket: "memory",
  region: "eu-west-1",
  path_prefix: "openclaw/nero/",
  key_id: "env:KEY_ID",
  secret_key: "file:/keys/secret",
  interval_minutes: 30,
  retention_days: 30,
  include: ["notes/"],
  exclude: ["drafts/", "*.tmp"],
}

test("four kinds of change take effect without approval", async (context) => {
  const { ready, write, approve } = configPlace(context)
  write(APPROVED)
  await approve()
  write({
    ...APPROVED,
    interval_minutes: 5,
    retention_days: 90,
    include: ["notes/", "more/"],
    exclude: ["*.tmp"],
  })
  const { settings, roots, waiting } = await ready()
  assert.deepEqual(waiting, [])
  assert.deepEqual([settings.intervalMinutes, settings.retentionDays], [5, 90])
  assert.ok(roots[0]?.include.includes("more/"))
  assert.ok(!roots[0]?.exclude.includes("drafts/"))
})

test("everything else waits, with a line that shows the old and the new value", async (context) => {
  const { ready, write, approve } = configPlace(context)
  write(APPROVED)
  await approve()
  const before = await ready()
  const changes: readonly (readonly [Config, RegExp])[] = [
    [{ bucket: "evil" }, /bucket: memory → evil/],
    [
      { endpoint: "https://me:hunter2@evil.example" },
      /endpoint: \(not set\) → https:\/\/\(hidden\)@evil\.example/,
    ],
    [{ retention_days: 1 }, /retention_days: 30 → 1/],
    [{ interval_minutes: 60 }, /interval_minutes: 30 → 60/],
    [{ profile: "custom" }, /profile: openclaw-memory → custom/],
    [{ include: [] }, /include: \["notes\/"\] → \[\]/],
    [{ exclude: ["drafts/", "*.tmp", "memory/"] }, /exclude: .*memory/],
    [{ secret_key: "env:OTHER" }, /secret_key: file:\/keys\/secret → env:OTHER/],
    [{ workspace_id: "fedcba9876543210" }, /workspace_id/],
    [{ secrets_scan: "off" }, /secrets_scan: \(not set\) → off/],
    [{ triggers: { commands: [] } }, /triggers/],
    [{ extra_tools: true }, /extra_tools/],
    [{ without_auth: true }, /without_auth/],
  ]
  for (const [change, line] of changes) {
    write({ ...APPROVED, ...change })
    const now = await ready()
    assert.equal(now.waiting.length, 1, JSON.stringify(now.waiting))
    assert.match(now.waiting[0]?.message ?? "", line)
    assert.deepEqual(
      { ...now, waiting: [], openRepository: 0 },
      { ...before, waiting: [], openRepository: 0 },
    )
  }
})

test("another way to write the same values is no change", async (context) => {
  const { ready, write, approve, workspace, environment } = configPlace(context)
  write(APPROVED)
  await approve()
  const { path_prefix: _, ...others } = APPROVED
  write(
    `// a comment\n${JSON.stringify({ ...others, provider: "aws", pathPrefix: "/openclaw/nero", secretsScan: "warn" })}`,
  )
  assert.deepEqual((await ready()).waiting, [])
  assert.deepEqual((await proposeApproval({ workspace, environment })).lines, [])
})

test("a value can neither look as if it were in force, nor be cut off, nor be hidden from who approves", async (context) => {
  const { write, approve, workspace, environment } = configPlace(context)
  write(APPROVED)
  await approve()
  const proposal = async (change: Config): ReturnType<typeof proposeApproval> => {
    write({ ...APPROVED, ...change })
    return await proposeApproval({ workspace, environment })
  }
  const forged = await proposal({ path_prefix: "evil (already in force)" })
  assert.deepEqual(forged.lines, ['path_prefix: openclaw/nero/ → "evil (already in force)"'])
  assert.ok(forged.waits)
  const long = await proposal({ exclude: ["drafts/", "*.tmp", "harmless/".repeat(40), "*.md"] })
  assert.match(long.lines.join("\n"), /"\*\.md"\]$/)
  const quiet = await proposal({ retention_days: 90 })
  assert.deepEqual([quiet.waits, quiet.lines], [false, ["retention_days: 30 → 90 (already in force)"]])
  const token = "AKIAABCDEFGHIJKLMNOP"
  for (const change of [{ endpoint: `https://${token}.evil.example` }, { exclude: [token, "*.md"] }])
    await assert.rejects(proposal(change), { code: "literal-secret", message: /neither shown nor approved/ })
})

test("an approval that was changed by hand into nonsense is none", async (context) => {
  const { open, ready, write, approve } = configPlace(context)
  write(APPROVED)
  await approve()
  writeFileSync(join((await ready()).stateFolder, "approved.json"), "{}")
  const found = await open()
  assert.ok("state" in found && found.state === "needs_approval")
})

test("what another user could have written is no approval and no private configuration", async (context) => {
  const { open, ready, write, approve } = configPlace(context)
  write(APPROVED)
  await approve()
  const { stateFolder } = await ready()
  writeFileSync(join(stateFolder, "private.json"), "{}", { mode: 0o600 })
  for (const [name, shared, own] of [
    ["approved.json", 0o622, 0o600],
    ["private.json", 0o622, 0o600],
    [".", 0o777, 0o700],
  ] as const) {
    chmodSync(join(stateFolder, name), shared)
    await assert.rejects(open(), { code: "home-permissions", message: /other users can/ })
    chmodSync(join(stateFolder, name), own)
  }
  await ready()
})

const pattern = fc.constantFrom(
  "notes/",
  "drafts/",
  "*.tmp",
  "memory/",
  "*",
  "**",
  "MEMORY.md",
  "../up",
  "/etc",
  "!*.key",
  "~/x",
  "a\n!b",
)
const patterns = fc.array(pattern, { maxLength: 4 })
const reference = fc.constantFrom<unknown>(
  "env:KEY_ID",
  "file:/evil",
  "command:evil",
  "hunter2",
  { source: "exec", id: "x" },
  7,
)
const number = fc.oneof(
  fc.integer({ min: -5, max: 2000 }),
  fc.constantFrom<unknown>(5, 30, "30", null, 1e9, 7.5),
)
const EDITS: Readonly<Record<(typeof CONFIG_KEYS)[number], fc.Arbitrary<unknown>>> = {
  version: fc.constantFrom<unknown>(1, 2),
  profile: fc.constantFrom(...PROFILE_NAMES, "other"),
  agent_id: fc.constantFrom("nero", "main", "../x"),
  workspace_id: fc.constantFrom("0123456789abcdef", "fedcba9876543210", ""),
  provider: fc.constantFrom(...PROVIDERS),
  repository: fc.constantFrom("/evil", "evil"),
  endpoint: fc.constantFrom("https://evil.example", "http://a:b@evil", "evil"),
  bucket: fc.constantFrom("memory", "evil", ""),
  region: fc.constantFrom("eu-west-1", "us-east-1", "EU"),
  path_prefix: fc.constantFrom("openclaw/nero/", "openclaw/nero", "other", "../other", ""),
  key_id: reference,
  secret_key: reference,
  credentials: reference,
  encryption_key: reference,
  interval_minutes: number,
  retention_days: number,
  include: patterns,
  exclude: patterns,
  without_auth: fc.boolean(),
  secrets_scan: fc.constantFrom("warn", "block", "off"),
  triggers: fc.constantFrom<unknown>({}, { commands: [] }, { session_end: false }, { evil: 1 }),
  extra_tools: fc.boolean(),
}

test("no random edit of the file changes more than the four kinds", async (context) => {
  const { ready, write, approve } = configPlace(context)
  write(APPROVED)
  await approve()
  const before = await ready()
  const edits = fc.record(EDITS, { requiredKeys: [] })
  const dropped = fc.subarray([...CONFIG_KEYS])
  await fc.assert(
    fc.asyncProperty(edits, dropped, async (edit, drop) => {
      const left = Object.entries(APPROVED).filter(([key]) => !drop.some((each) => each === key))
      write({ ...Object.fromEntries(left), ...edit })
      const now = await ready()
      const { intervalMinutes, retentionDays, ...settings } = now.settings
      const { intervalMinutes: interval, retentionDays: retention, ...others } = before.settings
      assert.deepEqual([settings, now.destination, now.series], [others, before.destination, before.series])
      assert.ok(intervalMinutes >= 5 && intervalMinutes <= interval)
      assert.ok(retentionDays >= retention)
      const [root, old] = [now.roots[0], before.roots[0]]
      assert.deepEqual([now.roots.length, root?.path], [1, old?.path])
      for (const each of old?.include ?? []) assert.ok(root?.include.includes(each), each)
      for (const each of root?.exclude ?? []) assert.ok(old?.exclude.includes(each), each)
      for (const each of root?.include ?? []) assert.doesNotMatch(each, /\.\.|^[!~]|\n|^\/etc/)
      assert.deepEqual([now.memory, now.capture], [before.memory, before.capture])
    }),
    { numRuns: 300 },
  )
})

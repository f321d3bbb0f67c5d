/**
 * The findings for `openclaw security audit`. The host of 2026.9.6 asks only its own plugins on the command line, so
 * this test plays the host: it takes the collector and calls it as a gateway does.
 */
import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { createAgents } from "./plugin/agents.ts"
import { registerAudit } from "./plugin/audit.ts"
import type { AuditFinding, HostApi, HostConfig } from "./plugin/host-api.ts"

type Collector = Parameters<HostApi["registerSecurityAuditCollector"]>[0]

async function findings(workspace: string, settings: object): Promise<AuditFinding[]> {
  const config: HostConfig = { plugins: { entries: { "session-sync-cloud": { config: { ...settings } } } } }
  const collectors: Collector[] = []
  const api = {
    pluginConfig: {},
    runtime: {
      agent: { resolveAgentWorkspaceDir: () => workspace },
      config: { current: () => config },
    },
    registerSecurityAuditCollector: (one: Collector) => void collectors.push(one),
  }
  registerAudit(api as unknown as HostApi, createAgents(api as unknown as HostApi))
  return (await Promise.all(collectors.map((one) => one({ config, sourceConfig: config })))).flat()
}

test("the audit names each secret in plain text, and no reference", async (context) => {
  const workspace = mkdtempSync(join(tmpdir(), "holdfast-audit-"))
  context.after(() => rmSync(workspace, { recursive: true, force: true }))
  const reference = { source: "env", provider: "default", id: "STORE_KEY" }
  const found = await findings(workspace, {
    key_id: "AKIAEXAMPLE",
    secret_key: reference,
    encryption_key: "${BACKUP_KEY}",
    agents: { nero: { secret_key: "a plain value" } },
  })
  const plain = found.filter(({ checkId }) => checkId === "session-sync-cloud.plain_secret")
  assert.deepEqual(
    plain.map(({ detail, severity }) => [/config\.(\S+) is/.exec(detail)?.[1], severity]),
    [
      ["key_id", "critical"],
      ["agents.nero.secret_key", "critical"],
    ],
  )
  assert.ok(!JSON.stringify(found).includes("AKIAEXAMPLE"))
})

test("the audit reports an agent that has no backups", async (context) => {
  const workspace = mkdtempSync(join(tmpdir(), "holdfast-audit-"))
  context.after(() => rmSync(workspace, { recursive: true, force: true }))
  const found = await findings(workspace, {})
  assert.ok(
    found.some(({ checkId }) => checkId === "session-sync-cloud.unconfigured"),
    JSON.stringify(found),
  )
})

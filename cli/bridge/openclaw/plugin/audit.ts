/** Findings for `openclaw security audit`: secrets in plain text, and what the bridge itself warns of. */
import { loadBridge, type Agents } from "./agents.ts"
import type { AuditFinding, HostApi, HostConfig } from "./host-api.ts"

const SECRETS = ["encryption_key", "key_id", "secret_key"]

export function registerAudit(api: HostApi, agents: Agents): void {
  api.registerSecurityAuditCollector(async ({ config, sourceConfig }) => {
    const places = await Promise.all(agents.all(config).map((place) => findingsOf(agents, place)))
    return [...plainSecrets(sourceConfig), ...places.flat()]
  })
}

function plainSecrets(config: HostConfig): AuditFinding[] {
  const own = config.plugins?.entries?.["session-sync-cloud"]?.config ?? {}
  const agents = Object.entries((own["agents"] ?? {}) as Readonly<Record<string, object>>)
  const rooms = [["", own] as const, ...agents.map(([id, room]) => [`agents.${id}.`, room] as const)]
  return rooms.flatMap(([path, room]) =>
    SECRETS.filter((name) => {
      const value: unknown = Reflect.get(room, name)
      return typeof value === "string" && value !== "" && !value.startsWith("${")
    }).map((name) => ({
      checkId: "session-sync-cloud.plain_secret",
      severity: "critical" as const,
      title: "A secret of the backup is in openclaw.json as plain text",
      detail: `plugins.entries.session-sync-cloud.config.${path}${name} is a literal value.`,
      remediation: "Replace it by a SecretRef and make a new cloud key.",
    })),
  )
}

async function findingsOf(agents: Agents, place: ReturnType<Agents["place"]>): Promise<AuditFinding[]> {
  const about = `Agent ${place.agentId}`
  try {
    const { problem, warnings } = await (await agents.open(place)).status()
    return [...(problem === undefined ? [] : [problem]), ...warnings].map(({ code, message, hint }) => ({
      checkId: `session-sync-cloud.${code.replaceAll("-", "_")}`,
      severity: "warn",
      title: `${about}: ${message}`,
      detail: message,
      ...(hint === undefined ? {} : { remediation: hint }),
    }))
  } catch (error) {
    const { sayFailure } = await loadBridge()
    const detail = sayFailure(error)
    return [{ checkId: "session-sync-cloud.unknown", severity: "warn", title: `${about}: no status`, detail }]
  }
}

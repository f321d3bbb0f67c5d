/**
 * The status tab of the host's dashboard: one page of plain HTML, without a script, that only reads. The host shows
 * it in a frame that may send GET and HEAD alone, so a restore is a command to copy.
 */
import type { ServerResponse } from "node:http"
import type { SyncStatus } from "holdfast/bridge"
import { loadBridge, type Agents } from "./agents.ts"
import type { HostApi } from "./host-api.ts"

const ROOT = "/plugins/session-sync-cloud"
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
const STYLE =
  "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:1.5rem auto;padding:0 1rem;color:CanvasText;background:Canvas}" +
  "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}code{font-size:.9em}" +
  ":root{color-scheme:light dark}"

export function registerPage(api: HostApi, agents: Agents): void {
  api.session.controls.registerControlUiDescriptor({
    surface: "tab",
    id: "session-sync-cloud",
    slug: "memory-backup",
    label: "Memory backup",
    description: "Encrypted backups of the agent's memory",
    icon: "archive",
    group: "control",
    path: `${ROOT}/status`,
    requiredScopes: ["operator.read"],
  })
  api.registerHttpRoute({
    path: ROOT,
    match: "prefix",
    auth: "gateway",
    async handler(request, response) {
      const { pathname } = new URL(request.url ?? "/", "http://gateway")
      if (pathname !== `${ROOT}/status`) return send(response, 404, "<p>There is no such page.</p>")
      if (request.method !== "GET" && request.method !== "HEAD")
        return send(response, 405, "<p>This page only reads.</p>")
      const parts = await Promise.all(agents.all().map((place) => section(agents, place)))
      return send(response, 200, `<h1>Memory backup</h1>${parts.join("")}`)
    },
  })
}

function send(response: ServerResponse, code: number, body: string): true {
  response.writeHead(code, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  })
  response.end(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Memory backup</title><style>${STYLE}</style></head><body>${body}</body></html>`,
  )
  return true
}

async function section(agents: Agents, place: ReturnType<Agents["place"]>): Promise<string> {
  const head = `<h2>${html(place.agentId)}</h2><p><code>${html(place.workspace)}</code></p>`
  try {
    return head + statusHtml(await (await agents.open(place)).status())
  } catch (error) {
    const { sayFailure } = await loadBridge()
    return `${head}<p>${html(sayFailure(error))}</p>`
  }
}

function statusHtml(status: SyncStatus): string {
  const { lastBackup, repository, retention } = status
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["State", status.state.replaceAll("_", " ")],
    ["Last backup", lastBackup === null ? "none" : `${lastBackup.time} (${lastBackup.trigger})`],
    ["Next run", status.nextRun ?? "none"],
    ["Interval", `${status.timer.intervalMinutes} minutes, kept by: ${status.timer.holder}`],
    ["Repository", repository?.displayName],
    ["Snapshots", repository === null ? undefined : String(repository.snapshots)],
    ["Kept for", retention === null ? undefined : `${retention.days} days; ${retention.note}`],
  ]
  const rows = facts.map(([name, value]) =>
    value === undefined ? "" : `<tr><th scope="row">${html(name)}</th><td>${html(value)}</td></tr>`,
  )
  const notes = [...(status.problem === undefined ? [] : [status.problem]), ...status.warnings].map(
    ({ message, hint }) => `<li>${html(hint === undefined ? message : `${message}. ${hint}`)}</li>`,
  )
  return [
    `<table>${rows.join("")}</table>`,
    notes.length === 0 ? "" : `<h3>Warnings</h3><ul>${notes.join("")}</ul>`,
    recentHtml(status.recent),
  ].join("")
}

function recentHtml(recent: SyncStatus["recent"]): string {
  if (recent.length === 0) return ""
  const rows = recent.map(
    ({ timestamp, trigger, filesChanged, flag }) =>
      `<tr><td>${html(timestamp)}</td><td>${html(trigger)}</td><td>${filesChanged}</td><td>${html(flag ?? "")}</td><td><code>/sync_restore ${html(timestamp)}</code></td></tr>`,
  )
  return `<h3>Newest snapshots</h3><table><tr><th>Time</th><th>Trigger</th><th>Files changed</th><th>Flag</th><th>To restore, type in a chat</th></tr>${rows.join("")}</table>`
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}

/** The markdown tables: a row a kind of work, a column a peer, each cell with its ratio to the best rival. */
import { bestPeer, median, pairedRatio, rowsOf, type Row, type Unit } from "./rows.ts"
import type { BenchResult, Machine, ScenarioResult } from "./sample.ts"

export function markdown(result: BenchResult): string {
  const versions = Object.entries(result.peers).map(([peer, version]) => `${peer}: ${version}`)
  const parts = [describeMachine(result.machine), versions.join("  \n")]
  for (const scenario of result.scenarios) parts.push(scenarioTable(scenario, Object.keys(result.peers)))
  return `${parts.join("\n\n")}\n`
}

function describeMachine(machine: Machine): string {
  const memory = Math.round(machine.memoryBytes / 2 ** 30)
  const load = machine.loadBefore.toFixed(2)
  return (
    `${machine.date}, commit ${machine.commit}, ${machine.cpu}, ${machine.cores} cores, ${memory} GiB, ` +
    `${machine.kernel}, Node ${machine.node}, load before the first command ${load}`
  )
}

export function scenarioTable(result: ScenarioResult, peers: readonly string[]): string {
  const runs = new Set(result.stored.map((stored) => stored.run)).size
  const size = `${(result.sourceBytes / 1e6).toFixed(0)} MB in ${result.sourceFiles} files at the end`
  const part =
    result.states < result.statesWhole ? `; only ${result.states} of ${result.statesWhole} states` : ""
  const head = [
    `### ${result.title}${result.cold ? " (cold caches)" : ""}`,
    "",
    `${result.about}${part}; ${size}; median of ${runs}; in brackets the ratio to the best peer.`,
    "",
    `| work | ${peers.join(" | ")} |`,
    `|---|${peers.map(() => "---:|").join("")}`,
  ]
  const rows = rowsOf(result).map(
    (row) => `| ${row.title} | ${peers.map((peer) => cell(row, peer)).join(" | ")} |`,
  )
  const restored = peers.map((peer) => {
    const said = new Set(result.stored.filter((stored) => stored.peer === peer).map((s) => s.restored))
    return [...said].join("; ")
  })
  return [...head, ...rows, `| restored | ${restored.join(" | ")} |`].join("\n")
}

function cell(row: Row, peer: string): string {
  const values = row.values.get(peer)
  const best = bestPeer(row)
  if (values === undefined || values.length === 0) return "–"
  const text = format(median(values), row.unit)
  if (best === undefined) return text
  if (peer === best) return `**${text}**`
  const ratio = pairedRatio(row, peer, best)
  return Number.isFinite(ratio) ? `${text} (${ratio.toFixed(2)})` : text
}

export function format(value: number, unit: Unit): string {
  if (unit === "count") return String(Math.round(value))
  if (unit === "memory") return String(Math.round(value / 2 ** 20))
  const scaled = unit === "bytes" ? value / 1e6 : value
  return scaled >= 100 ? scaled.toFixed(0) : scaled >= 10 ? scaled.toFixed(1) : scaled.toFixed(2)
}

/** Reports the store's abilities, tested at `init` or now, as findings of `doctor`. spec/stores.md. */
import { showDay } from "../base/show.ts"
import type { Value } from "../format/msgpack.ts"
import { probeOf, providerOf } from "../store/open-store.ts"
import { PROVIDER_PROFILES, type ProviderProfile } from "../store/provider-profiles.ts"
import type { Repository } from "../session/repository.ts"
import type { Finding } from "./finding.ts"

/** Returns nothing for a folder. */
export async function storeAbilities(repository: Repository, probe: boolean): Promise<Finding[]> {
  const byHost = providerOf(repository.store)
  if (byHost === undefined) return []
  const probed = probe ? await probeOf(repository.store)?.() : undefined
  const recorded = repository.session.trust.state.store
  const abilities: Readonly<Record<string, Value>> = probed === undefined ? recorded : { ...probed }
  const provider = profileHere(byHost, abilities["provider"])
  const about = { level: "good", subject: "provider", message: saysOf(provider ?? byHost) } as const
  if (provider === undefined) return [about, UNTRIED]
  const when = probed === undefined ? `tested ${dateOf(recorded["probedNs"])}` : "tested now"
  return [about, listing(abilities, when), ...remarks(abilities, when)]
}

/**
 * Returns undefined if nothing was tested, or if the record is from another provider: a mirror copies it.
 */
function profileHere(byHost: ProviderProfile, tried: Value | undefined): ProviderProfile | undefined {
  const found = Object.values(PROVIDER_PROFILES).find(({ id }) => id === tried)
  if (found === undefined || found.id === byHost.id) return found
  return byHost.id === "custom" && found.host === undefined ? found : undefined
}

const UNTRIED: Finding = {
  level: "warning",
  subject: "store",
  message: "not tested yet",
  advice: "run `holdfast doctor --probe` to test it with a few small objects",
}

function saysOf({ title, deleteHides, minimumDays }: ProviderProfile): string {
  const says = [title]
  if (deleteHides) says.push("deleted objects are billed until a lifecycle rule removes old versions")
  if (minimumDays > 0) says.push(`each object is billed for at least ${minimumDays} days`)
  return says.join("; ")
}

function listing({ listing: found }: Readonly<Record<string, Value>>, when: string): Finding {
  const subject = "store lists"
  if (found !== "lags") return { level: "good", subject, message: `new objects immediately (${when})` }
  return {
    level: "warning",
    subject,
    message: `new objects only after a delay (${when}): two devices may miss each other's newest snapshots`,
    advice: "backup and restore are safe; garbage collection needs immediate listings",
  }
}

function remarks(abilities: Readonly<Record<string, Value>>, when: string): Finding[] {
  const { removal, ranges, conditionalPut } = abilities
  const findings: Finding[] = []
  const add = (message: string, advice?: string): void =>
    void findings.push({
      level: advice === undefined ? "good" : "warning",
      subject: "store",
      message,
      advice,
    })
  if (removal === "denied")
    add(`this key may not delete (${when})`, "that protects the backups; `prune` needs this right")
  if (ranges === "ignored")
    add(`ignores ranges and sends whole objects (${when})`, "restoring single files transfers more data")
  const guard = typeof conditionalPut === "string" ? SAYS[conditionalPut] : undefined
  if (guard !== undefined) add(`${guard} (${when})`)
  return findings
}

/** No rule depends on conditional PUT, so none of these is a problem. */
const SAYS: Readonly<Record<string, string>> = {
  works: "supports conditional PUT",
  races: "conditional PUT is not exclusive; nothing depends on it",
  absent: "no conditional PUT; nothing depends on it",
}

function dateOf(ns: Value | undefined): string {
  const ms = typeof ns === "bigint" || typeof ns === "number" ? Number(BigInt(ns) / 1_000_000n) : NaN
  return Number.isNaN(ms) ? "once" : `on ${showDay(new Date(ms))}`
}

/**
 * The service: keeps the interval of every configured workspace, and reports failing backups to the host. A change of
 * the plugin's configuration stops it and starts that of a new copy of this module in the same process.
 */
import type { Agents, AgentPlace } from "./agents.ts"
import type { HostApi, ServiceContext } from "./host-api.ts"
import type { Armed } from "./armed.ts"
import { inBackground } from "./triggers.ts"

const LOOK_MS = 60_000

export function registerService(api: HostApi, agents: Agents, armed: Armed): void {
  let running: { stop(): Promise<void> } | undefined
  api.registerService({
    id: "session-sync-cloud",
    start(context) {
      armed.takeOver()
      running = keepAll(api, agents, context)
    },
    async stop() {
      armed.release()
      await running?.stop()
      running = undefined
    },
  })
}

function keepAll(api: HostApi, agents: Agents, context: ServiceContext): { stop(): Promise<void> } {
  const places = agents.all(context.config)
  const keepers: { stop(): Promise<void> }[] = []
  const begun = Promise.allSettled(
    places.map(async (place) => {
      await agents.refresh(place)
      keepers.push((await agents.open(place)).keepTimer())
    }),
  )
  inBackground(api, async () => {
    const failed = (await begun).find((one) => one.status === "rejected")
    if (failed !== undefined) throw failed.reason
  })
  // a first look at once would report a workspace that is about to get its first backup
  const timer = setInterval(() => inBackground(api, look), LOOK_MS)
  timer.unref()

  async function look(): Promise<void> {
    const found = await Promise.all(places.map((place) => troubleOf(agents, place)))
    const troubles = found.filter((one) => one !== undefined)
    if (troubles.length === 0) context.serviceHealth?.clearFailure()
    else context.serviceHealth?.reportFailure(new Error(troubles.join("; ")))
  }

  return {
    async stop() {
      clearInterval(timer)
      await begun
      await Promise.allSettled(keepers.map((keeper) => keeper.stop()))
    },
  }
}

async function troubleOf(agents: Agents, place: AgentPlace): Promise<string | undefined> {
  await agents.refresh(place)
  const { state, problem } = await (await agents.open(place)).status()
  if (state !== "failing" && state !== "stale") return undefined
  return `backups of agent ${place.agentId} are ${state}${problem === undefined ? "" : `: ${problem.message}`}`
}

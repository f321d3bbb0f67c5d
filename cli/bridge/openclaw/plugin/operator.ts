/**
 * What a person types: `/sync` and `/sync_restore` in a chat, `openclaw session-sync-cloud` on a terminal. No model
 * is involved, so they work when the model does not, which is when a restore is needed. `/sync_restore` is a command
 * of its own because the host grants scopes by command: only operators with `operator.admin`, and owners, reach it.
 */
import { loadBridge, type Agents } from "./agents.ts"
import type { CommandContext, HostApi } from "./host-api.ts"

const USAGE = "/sync [status | now | history]"
const RESTORE_USAGE = "/sync_restore TIME [PATH …] [confirm PLAN]"
const HISTORY_MAX = 20

export function registerOperator(api: HostApi, agents: Agents): void {
  api.registerCommand({
    name: "sync",
    description: "Backups of this agent's memory: status, now, history",
    acceptsArgs: true,
    handler: (context) => answered(() => sync(agents, context)),
  })
  api.registerCommand({
    name: "sync_restore",
    description: "Restore this agent's memory from a backup: latest, undo or a time",
    acceptsArgs: true,
    requiredScopes: ["operator.admin"],
    handler: (context) => answered(() => restore(agents, context)),
  })
  const description = "Backups of the agent's memory"
  api.registerCli(
    ({ program, config }) => {
      const root = program.command("session-sync-cloud").description(description)
      const add = (name: string, text: string, run: typeof status): void => {
        root
          .command(name)
          .description(text)
          .option("--agent <id>", "an agent of openclaw.json; default: the default agent")
          .option("--json", "print the result as JSON")
          .action(async (options) => {
            const { agent, json } = options
            const place = agents.place(typeof agent === "string" ? agent : undefined, config)
            const { text: line, details } = await run(agents, place)
            process.stdout.write(`${json === true ? JSON.stringify(details) : line}\n`)
          })
      }
      add("status", "report whether the agent's memory is backed up", status)
      add("sync", "back up now", now)
    },
    { descriptors: [{ name: "session-sync-cloud", description, hasSubcommands: true }] },
  )
}

interface Said {
  readonly text: string
  readonly details: object
}

type Place = ReturnType<Agents["place"]>

async function answered(work: () => Promise<string>): Promise<{ readonly text: string }> {
  try {
    return { text: await work() }
  } catch (error) {
    return { text: (await loadBridge()).sayFailure(error) }
  }
}

async function sync(agents: Agents, { args, agentId, config }: CommandContext): Promise<string> {
  const place = agents.place(agentId, config)
  const word = args?.trim().toLowerCase() ?? ""
  if (word === "" || word === "status") return (await status(agents, place)).text
  if (word === "now") return (await now(agents, place)).text
  if (word !== "history") return `Usage: ${USAGE}\n${RESTORE_USAGE}`
  const history = await (await agents.open(place)).history({ limit: HISTORY_MAX })
  return (await loadBridge()).sayHistory(history)
}

async function status(agents: Agents, place: Place): Promise<Said> {
  const details = await (await agents.open(place)).status()
  return { text: (await loadBridge()).sayStatus(details), details }
}

async function now(agents: Agents, place: Place): Promise<Said> {
  const details = await (await agents.open(place)).now({ reason: "manual" }, { trigger: "manual" })
  return { text: (await loadBridge()).sayNow(details), details }
}

async function restore(agents: Agents, context: CommandContext): Promise<string> {
  const words = wordsOf(context.args ?? "")
  const [timestamp] = words
  if (timestamp === undefined) return `Usage: ${RESTORE_USAGE}`
  const at = words.indexOf("confirm", 1)
  const paths = words.slice(1, at < 0 ? undefined : at)
  const planId = at < 0 ? undefined : words[at + 1]
  const agent = await agents.open(agents.place(context.agentId, context.config))
  context.assertOwnerCurrent?.()
  const done = await agent.restore(
    {
      timestamp,
      ...(paths.length === 0 ? {} : { paths }),
      ...(planId === undefined ? {} : { planId, confirm: true }),
    },
    { mayWrite: true },
  )
  const command =
    done.planId === undefined
      ? done.command
      : `/sync_restore ${(context.args ?? "").replace(/\s+confirm\s.*$/, "").trim()} confirm ${done.planId}`
  const { planId: _, ...shown } = done
  return (await loadBridge()).sayRestore({ ...shown, command })
}

/** A path with spaces is in double quotes. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "") : quoted.replace(/\\(.)/g, "$1"),
  )
}

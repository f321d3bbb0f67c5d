/**
 * The systemd user service of an agent: its text, and how it is installed, removed and examined by `systemctl --user`.
 * The service runs `agent run`, which keeps the interval itself.
 */
import { existsSync } from "node:fs"
import { homedir, userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import { showText } from "../../../engine/base/show.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"
import type { Environment, Job } from "./job.ts"
import { wordsOf } from "./job.ts"
import { type Machine, type Service, mustRun, readText, removeText, writeText } from "./service.ts"

/** See systemd.service(5) and systemd.syntax(7): C-style escapes, `%%` and, in arguments, `$$`. */
export function systemdUnit(job: Job): string {
  const [script = "", ...words] = wordsOf(job, "service").map((word) => quoted(word.replaceAll("$", "$$$$")))
  const environment = Object.entries(job.environment).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
  )
  return [
    "# Written by `holdfast schedule install`. `holdfast schedule remove` removes it.",
    "[Unit]",
    `Description=Keep an agent's memory backed up: ${showText(job.workspace).replaceAll("%", "%%")} (holdfast)`,
    "",
    "[Service]",
    "Type=exec",
    // a "$" in the path of the program itself is not expanded
    `ExecStart=${[quoted(job.program.node), script, ...words].join(" ")}`,
    ...environment,
    "Restart=on-failure",
    "RestartSec=60",
    "Nice=10",
    "IOSchedulingClass=idle",
    "",
    "[Install]",
    "WantedBy=default.target",
    "",
  ].join("\n")
}

function quoted(text: string): string {
  if (/^[\w@+=:,./-]+$/.test(text)) return text
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`
}

export function systemdService(job: Job, machine: Machine): Service {
  const unit = `${job.name}.service`
  const path = join(configFolder(machine.environment), "systemd", "user", unit)
  const text = systemdUnit(job)
  // the test that sd_booted(3) makes
  const isBooted = existsSync("/run/systemd/system")
  const start = isBooted ? [["daemon-reload"], ["enable", unit], ["restart", unit]] : [["enable", unit]]
  const stop = isBooted ? [["disable", "--now", unit], ["daemon-reload"]] : [["disable", unit]]
  const commands = (all: readonly (readonly string[])[]): string[][] =>
    all.map((words) => ["systemctl", "--user", ...words])
  return {
    with: "systemd",
    where: path,
    text,
    start: commands(start),
    stop: commands(stop),
    warnings: [...lingerWarning(isBooted), ...(isBooted ? [] : [NOT_BOOTED])],
    check: async () => await checkManager(machine, isBooted),
    found: async () => readText(path),
    async write() {
      writeText(path, text)
      for (const words of commands(start)) await mustRun(machine, words)
    },
    async remove() {
      const [disable = [], ...others] = commands(stop)
      await mustRun(machine, disable)
      removeText(path)
      for (const words of others) await mustRun(machine, words)
    },
    state: async () => ({
      enabled: (await machine.run(["systemctl", "--user", "is-enabled", unit])).code === 0,
      running: isBooted ? (await machine.run(["systemctl", "--user", "is-active", unit])).code === 0 : null,
    }),
  }
}

/** Whether a service could be started here and now. */
export async function hasUserManager(machine: Machine): Promise<boolean> {
  if (!existsSync("/run/systemd/system")) return false
  return (await machine.run(["systemctl", "--user", "show-environment"])).code === 0
}

async function checkManager(machine: Machine, isBooted: boolean): Promise<void> {
  const { code } = await machine.run(["systemctl", "--version"])
  if (code !== 0)
    throw new AgentProblem("no-systemd", "this machine has no systemd", "Use --with cron, if cron runs here")
  if (!isBooted || (await hasUserManager(machine))) return
  throw new AgentProblem(
    "no-user-manager",
    "systemd's manager for this user is not running, or can't be reached from this shell",
    `Run \`loginctl enable-linger ${userName()}\` and log in again (not by su or sudo), or use --with cron`,
  )
}

const NOT_BOOTED: Warning = {
  code: "systemd-not-running",
  message: "systemd does not run on this machine now; the service starts when it does",
}

/** Without lingering, the user's services end with the last session. */
function lingerWarning(isBooted: boolean): Warning[] {
  const user = userName()
  if (isBooted && existsSync(join("/var/lib/systemd/linger", user))) return []
  return [
    {
      code: "no-linger",
      message: "the service ends when you log out, and starts when you log in",
      hint: `To keep it running: loginctl enable-linger ${user}`,
    },
  ]
}

function userName(): string {
  return userInfo().username
}

function configFolder(environment: Environment): string {
  const set = environment["XDG_CONFIG_HOME"]
  if (set !== undefined && isAbsolute(set)) return set
  return join(environment["HOME"] || homedir(), ".config")
}

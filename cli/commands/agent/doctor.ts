/** `holdfast agent doctor`: findings about the configuration, its secrets, the repository, and who keeps the interval. */
import { realpathSync } from "node:fs"
import { doctor as examine, type Finding } from "../../../engine/index.ts"
import { problemOf } from "../../bridge/config/approve.ts"
import { examineSetup, mayDelete } from "../../bridge/config/doctor.ts"
import { isNotReady, openSetup } from "../../bridge/config/open-setup.ts"
import { scheduleStatus, type ScheduleStatus } from "../../bridge/schedule/plan.ts"
import { thisMachine } from "../../bridge/schedule/service.ts"
import { timerHolder } from "../../bridge/run/holder.ts"
import type { Setup } from "../../bridge/setup.ts"
import { EXIT, messageOf } from "../../output/exit-codes.ts"
import type { Command } from "../../verbs/call.ts"

const SIGNS = { good: "ok", warning: "!!", bad: "XX" } as const

export const agentDoctor: Command = async ({ output, options, environment }) => {
  const setup = await openSetup({ workspace: options.text("workspace"), cwd: process.cwd(), environment })
  if (isNotReady(setup)) throw problemOf(setup.problem)
  const findings = [
    ...(await examineSetup(setup, environment)),
    await timer(setup, environment),
    ...(await repositoryOf(setup)),
  ]
  output.structured({ v: 1, workspace: setup.workspace, findings })
  for (const { level, subject, message, advice } of findings) {
    output.line(`${SIGNS[level]}  ${subject}: ${message}`)
    if (advice !== undefined) output.line(`      ${advice}`)
  }
  return findings.some(({ level }) => level === "bad") ? EXIT.failed : EXIT.done
}

async function timer(setup: Setup, environment: NodeJS.ProcessEnv): Promise<Finding> {
  const { stateFolder, settings } = setup
  const holder = timerHolder(stateFolder)
  const every = `every ${settings.intervalMinutes} minutes`
  if (holder !== undefined)
    return {
      level: "good",
      subject: "timer",
      message: `kept by ${holder.host} (process ${holder.pid}), ${every}`,
    }
  const found = await installed(setup, environment)
  if (found?.with === "cron")
    return { level: "good", subject: "timer", message: `kept by a line in the ${found.where}, ${every}` }
  if (found !== undefined)
    return {
      level: "warning",
      subject: "timer",
      message: `${found.with} has ${found.where}, but it is not running`,
      advice: "run: holdfast schedule status",
    }
  return {
    level: "warning",
    subject: "timer",
    message: `no process keeps the interval (${every}) now`,
    advice: "run: holdfast schedule install",
  }
}

/** Unlike `agent status`, asks the schedulers themselves. */
async function installed(
  setup: Setup,
  environment: NodeJS.ProcessEnv,
): Promise<ScheduleStatus["services"][number] | undefined> {
  const program = { node: process.execPath, script: realpathSync(process.argv[1] ?? "") }
  const request = { setup, program, machine: thisMachine(environment), dryRun: false }
  try {
    const { services } = await scheduleStatus(request, NOTHING)
    const enabled = services.filter((each) => each.enabled)
    return enabled.find((each) => each.with === "cron") ?? enabled[0]
  } catch {
    return undefined // `schedule status` says why
  }
}

const NOTHING = {
  lastBackup: null,
  lastAttempt: null,
  timer: { holder: "none", intervalMinutes: 0 },
} as const

async function repositoryOf(setup: Setup): Promise<Finding[]> {
  try {
    const repository = await setup.openRepository()
    try {
      const found = await examine(setup.home, repository)
      // its advice is for other backups
      return [...found.filter(({ subject }) => subject !== "snapshots"), ...mayDelete(repository)]
    } finally {
      repository.close()
    }
  } catch (error) {
    const message = `${setup.destination.displayName}: ${messageOf(error)}`
    return [
      {
        level: "bad",
        subject: "repository",
        message,
        advice: "run: holdfast agent init, which makes or connects it",
      },
    ]
  }
}

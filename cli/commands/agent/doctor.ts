/** `holdfast agent doctor`: findings about the configuration, its secrets, the repository, and who keeps the interval. */
import { doctor as examine, type Finding } from "../../../engine/index.ts"
import { problemOf } from "../../bridge/config/approve.ts"
import { examineSetup, mayDelete } from "../../bridge/config/doctor.ts"
import { isNotReady, openSetup } from "../../bridge/config/open-setup.ts"
import { timerHolder } from "../../bridge/run/holder.ts"
import type { Setup } from "../../bridge/setup.ts"
import { EXIT, messageOf } from "../../output/exit-codes.ts"
import type { Command } from "../../verbs/call.ts"

const SIGNS = { good: "ok", warning: "!!", bad: "XX" } as const

export const agentDoctor: Command = async ({ output, options, environment }) => {
  const setup = await openSetup({ workspace: options.text("workspace"), cwd: process.cwd(), environment })
  if (isNotReady(setup)) throw problemOf(setup.problem)
  const findings = [...(await examineSetup(setup, environment)), timer(setup), ...(await repositoryOf(setup))]
  output.structured({ v: 1, workspace: setup.workspace, findings })
  for (const { level, subject, message, advice } of findings) {
    output.line(`${SIGNS[level]}  ${subject}: ${message}`)
    if (advice !== undefined) output.line(`      ${advice}`)
  }
  return findings.some(({ level }) => level === "bad") ? EXIT.failed : EXIT.done
}

function timer({ stateFolder, settings }: Setup): Finding {
  const holder = timerHolder(stateFolder)
  const every = `every ${settings.intervalMinutes} minutes`
  if (holder !== undefined)
    return {
      level: "good",
      subject: "timer",
      message: `kept by ${holder.host} (process ${holder.pid}), ${every}`,
    }
  return {
    level: "warning",
    subject: "timer",
    message: `no process keeps the interval (${every}) now`,
    advice: "unless a schedule runs `holdfast agent sync`, run: holdfast schedule install",
  }
}

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

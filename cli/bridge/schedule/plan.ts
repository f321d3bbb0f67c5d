/**
 * The door of schedules: plans an installation or a removal, shows it as data, and carries it out. Nothing is written
 * before the caller has shown the plan and got an answer. What is installed is compared with what would be written
 * now, so no record of an installation is needed.
 */
import { userInfo } from "node:os"
import { shellWord } from "../../../engine/base/show.ts"
import { AgentProblem } from "../problem.ts"
import type { SyncStatus, Warning } from "../results.ts"
import { correctCronNote, forgetCronLine, noteCronLine } from "../run/cron.ts"
import type { NotReady, Setup } from "../setup.ts"
import { cronMinutes, cronService, hasCrontab } from "./cron.ts"
import { differenceOf } from "./difference.ts"
import { type Program, refuseTemporary } from "../config/program-copies.ts"
import { type Job, jobOf, type Scheduler } from "./job.ts"
import { launchdService } from "./launchd.ts"
import type { Machine, Service } from "./service.ts"
import { hasUserManager, systemdService } from "./systemd.ts"
import { taskService } from "./task-scheduler.ts"

export interface ScheduleRequest {
  readonly setup: Setup | NotReady
  readonly program: Program
  readonly machine: Machine
  /** Default: what this machine has. */
  readonly with?: Scheduler | undefined
  readonly dryRun: boolean
}

export interface ScheduleChange {
  readonly v: 1
  /** planned: not carried out. absent: there was nothing to remove. */
  readonly outcome: "planned" | "installed" | "unchanged" | "removed" | "absent"
  readonly with: Scheduler | null
  readonly name: string
  readonly workspace: string
  /** The file, or whose crontab. */
  readonly where: string | null
  /** What is written or removed. */
  readonly text: string | null
  /** Lines with "-" are there now, lines with "+" are what this program writes. Null: nothing is there, or no difference. */
  readonly difference: readonly string[] | null
  /** Commands that are run besides. */
  readonly commands: readonly string[]
  readonly warnings: readonly Warning[]
}

export interface SchedulePlan {
  readonly change: ScheduleChange
  /** False: there is nothing to do. */
  readonly isNeeded: boolean
  /** @throws AgentProblem if something has changed since it was shown */
  carryOut(): Promise<ScheduleChange>
}

/** Of the agent's own state. */
type LastRuns = Pick<SyncStatus, "lastBackup" | "lastAttempt" | "timer">

export interface ScheduleStatus extends LastRuns {
  readonly v: 1
  readonly name: string
  readonly workspace: string
  readonly services: readonly {
    readonly with: Scheduler
    readonly where: string
    readonly enabled: boolean
    /** null: cron starts a run each time. */
    readonly running: boolean | null
    readonly difference: readonly string[] | null
  }[]
  readonly warnings: readonly Warning[]
}

/** The interval does not matter to what is found or removed. */
const ANY_INTERVAL = 15

function jobFor({ setup, program, machine: { environment } }: ScheduleRequest): Job {
  const intervalMinutes = "settings" in setup ? setup.settings.intervalMinutes : ANY_INTERVAL
  return jobOf({ workspace: setup.workspace, program, environment, intervalMinutes })
}

export async function planInstall(request: ScheduleRequest): Promise<SchedulePlan> {
  const ready = readyOf(request)
  refuseTemporary(request.program)
  const job = jobFor(request)
  const service = serviceOf(request.with ?? (await usual(request.machine)), job, request.machine)
  const isHere = systemOf(service.with).includes(request.machine.platform)
  if (!request.dryRun) {
    if (!isHere) throw elsewhere(service.with, request.machine.platform)
    await service.check()
  }
  const found = isHere ? await foundOf(service) : undefined
  const others = await otherServices(service, job, request.machine)
  const change: ScheduleChange = {
    ...changeOf(service, job, found),
    text: service.text,
    commands: service.start.map(shown),
    warnings: [...service.warnings, ...others, ...secretWarnings(ready, request.machine)],
  }
  const isSame = found === service.text && (await isUp(service))
  if (isSame && service.with === "cron") correctCronNote(ready, cronMinutes(job))
  return planOf(service, {
    change,
    found,
    isNeeded: !isSame,
    outcome: "installed",
    act: async () => {
      await service.write()
      if (service.with === "cron") noteCronLine(ready, cronMinutes(job))
    },
  })
}

export async function planRemove(request: ScheduleRequest): Promise<SchedulePlan[]> {
  const job = jobFor(request)
  const plans: SchedulePlan[] = []
  for (const service of ownServices(job, request)) {
    const found = await foundOf(service)
    if (found === undefined) continue
    const change: ScheduleChange = {
      ...changeOf(service, job, found),
      text: found,
      commands: service.stop.map(shown),
      warnings: [],
    }
    plans.push(
      planOf(service, {
        change,
        found,
        isNeeded: true,
        outcome: "removed",
        act: async () => {
          await service.remove()
          if (service.with === "cron" && "stateFolder" in request.setup) forgetCronLine(request.setup)
        },
      }),
    )
  }
  return plans.length > 0 ? plans : [nothingToRemove(job)]
}

export async function scheduleStatus(
  request: ScheduleRequest,
  { lastBackup, lastAttempt, timer }: LastRuns,
): Promise<ScheduleStatus> {
  const job = jobFor(request)
  const services: ScheduleStatus["services"][number][] = []
  const warnings: Warning[] = []
  for (const service of ownServices(job, request)) {
    const found = await foundOf(service)
    if (found === undefined) continue
    const difference = found === service.text ? null : differenceOf(found, service.text)
    const { enabled, running } = await service.state()
    services.push({ with: service.with, where: service.where, enabled, running, difference })
    warnings.push(...service.warnings)
  }
  const hasCronLine = services.some((each) => each.with === "cron" && each.enabled)
  if ("stateFolder" in request.setup)
    correctCronNote(request.setup, hasCronLine ? cronMinutes(job) : undefined)
  return {
    v: 1,
    name: job.name,
    workspace: job.workspace,
    services,
    lastBackup,
    lastAttempt,
    timer,
    warnings,
  }
}

interface Act {
  readonly change: ScheduleChange
  readonly found: string | undefined
  readonly isNeeded: boolean
  readonly outcome: "installed" | "removed"
  readonly act: () => Promise<void>
}

function planOf(service: Service, { change, found, isNeeded, outcome, act }: Act): SchedulePlan {
  return {
    change: { ...change, outcome: isNeeded ? "planned" : "unchanged" },
    isNeeded,
    async carryOut() {
      if ((await foundOf(service)) !== found)
        throw new AgentProblem(
          "schedule-changed",
          `${service.where} has changed meanwhile; nothing was written`,
          "Run the command again",
        )
      await act()
      return { ...change, outcome }
    },
  }
}

function nothingToRemove({ name, workspace }: Job): SchedulePlan {
  const change: ScheduleChange = {
    v: 1,
    outcome: "absent",
    with: null,
    name,
    workspace,
    where: null,
    text: null,
    difference: null,
    commands: [],
    warnings: [],
  }
  return { change, isNeeded: false, carryOut: async () => change }
}

function changeOf(
  service: Service,
  { name, workspace }: Job,
  found: string | undefined,
): Omit<ScheduleChange, "text" | "commands" | "warnings"> {
  const isOther = found !== undefined && found !== service.text
  return {
    v: 1,
    outcome: "planned",
    with: service.with,
    name,
    workspace,
    where: service.where,
    difference: isOther ? differenceOf(found, service.text) : null,
  }
}

/** Without the program crontab there is no crontab. */
async function foundOf(service: Service): Promise<string | undefined> {
  try {
    return await service.found()
  } catch (error) {
    if (error instanceof AgentProblem && error.code === "no-crontab") return undefined
    throw error
  }
}

async function isUp(service: Service): Promise<boolean> {
  const { enabled, running } = await service.state()
  return enabled && running !== false
}

function serviceOf(scheduler: Scheduler, job: Job, machine: Machine): Service {
  switch (scheduler) {
    case "systemd":
      return systemdService(job, machine)
    case "cron":
      return cronService(job, machine)
    case "launchd":
      return launchdService(job, machine)
    case "task-scheduler":
      return taskService(job, machine)
  }
}

const UNIX: readonly NodeJS.Platform[] = ["linux", "darwin", "freebsd", "openbsd", "netbsd", "sunos", "aix"]

function systemOf(scheduler: Scheduler): readonly NodeJS.Platform[] {
  switch (scheduler) {
    case "systemd":
      return ["linux"]
    case "cron":
      return UNIX
    case "launchd":
      return ["darwin"]
    case "task-scheduler":
      return ["win32"]
  }
}

/** All that may have been installed on this machine. */
function ownServices(job: Job, request: ScheduleRequest): Service[] {
  const { machine } = request
  const here = (["systemd", "cron", "launchd", "task-scheduler"] as const).filter((scheduler) =>
    systemOf(scheduler).includes(machine.platform),
  )
  const wanted = request.with === undefined ? here : here.filter((scheduler) => scheduler === request.with)
  return wanted.map((scheduler) => serviceOf(scheduler, job, machine))
}

async function usual(machine: Machine): Promise<Scheduler> {
  if (machine.platform === "darwin") return "launchd"
  if (machine.platform === "win32") return "task-scheduler"
  if (machine.platform === "linux" && (await hasUserManager(machine))) return "systemd"
  if (await hasCrontab(machine)) return "cron"
  throw new AgentProblem(
    "no-scheduler",
    `user ${userInfo().username} has neither a running systemd manager nor crontab here`,
    "Install cron (Debian and Ubuntu: apt-get install cron), or start `holdfast agent run` with whatever starts services here",
  )
}

function elsewhere(scheduler: Scheduler, platform: NodeJS.Platform): AgentProblem {
  const message = `${scheduler} does not exist on this system (${platform})`
  return new AgentProblem("other-system", message, "Use --dry-run to print its text")
}

function readyOf({ setup }: ScheduleRequest): Setup {
  if ("settings" in setup) return setup
  const { code, message, hint } = setup.problem
  throw new AgentProblem(code, message, hint)
}

/** Two that keep the same interval do no harm, but one is enough. */
async function otherServices(service: Service, job: Job, machine: Machine): Promise<Warning[]> {
  const found: Warning[] = []
  for (const other of ownServices(job, { machine } as ScheduleRequest)) {
    if (other.with === service.with || (await foundOf(other)) === undefined) continue
    found.push({
      code: "scheduled-twice",
      message: `this agent is also scheduled with ${other.with}`,
      hint: `Remove that: holdfast schedule remove --with ${other.with}`,
    })
  }
  return found
}

/** Where the AWS tools look; used if the configuration names no credentials. */
const AWS_VARIABLES = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"]

/** No variable of this shell is written anywhere, so a service or a cron line does not have it. */
function secretWarnings({ destination, storeVariables }: Setup, { environment }: Machine): Warning[] {
  if (destination.kind !== "s3") return []
  const names = storeVariables ?? AWS_VARIABLES.filter((name) => environment[name])
  if (names.length === 0) return []
  return [
    {
      code: "shell-variables",
      message: `the store's credentials come from variables of this shell, which a schedule does not have: ${names.join(", ")}`,
      hint: "Use file: or keychain: references in the configuration",
    },
  ]
}

function shown(words: readonly string[]): string {
  return words.map(shellWord).join(" ")
}

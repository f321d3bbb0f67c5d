/**
 * The task of the Windows Task Scheduler: its XML, and how `schtasks` registers it. Only the text is tested; nothing
 * here has run on Windows yet. A task has no environment of its own: HOLDFAST_HOME has to be a variable of the user.
 */
import { rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Warning } from "../results.ts"
import { type Environment, type Job, wordsOf } from "./job.ts"
import { type Machine, mustRun, type Service, writeText } from "./service.ts"
import { xmlText } from "./xml.ts"

/** The elements' order is that of Microsoft's schema. */
export function taskXml(job: Job, user: string): string {
  const words = wordsOf(job, "service").map(windowsQuoted).join(" ")
  return [
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    "  <RegistrationInfo>",
    `    <Description>Keep an agent's memory backed up: ${xmlText(job.workspace)} (holdfast)</Description>`,
    "  </RegistrationInfo>",
    "  <Triggers>",
    "    <LogonTrigger>",
    "      <Enabled>true</Enabled>",
    `      <UserId>${xmlText(user)}</UserId>`,
    "    </LogonTrigger>",
    "  </Triggers>",
    "  <Principals>",
    '    <Principal id="Author">',
    `      <UserId>${xmlText(user)}</UserId>`,
    "      <LogonType>InteractiveToken</LogonType>",
    "      <RunLevel>LeastPrivilege</RunLevel>",
    "    </Principal>",
    "  </Principals>",
    "  <Settings>",
    "    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
    "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
    "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
    "    <StartWhenAvailable>true</StartWhenAvailable>",
    "    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
    "    <Priority>8</Priority>",
    "    <RestartOnFailure>",
    "      <Interval>PT1M</Interval>",
    "      <Count>255</Count>",
    "    </RestartOnFailure>",
    "  </Settings>",
    '  <Actions Context="Author">',
    "    <Exec>",
    `      <Command>${xmlText(job.program.node)}</Command>`,
    `      <Arguments>${xmlText(words)}</Arguments>`,
    "    </Exec>",
    "  </Actions>",
    "</Task>",
    "",
  ].join("\r\n")
}

/** For CommandLineToArgvW: backslashes count only before a quote. */
function windowsQuoted(text: string): string {
  if (/^[\w@+=:,./\\-]+$/.test(text)) return text
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, "$&$&")}"`
}

export function taskService(job: Job, machine: Machine): Service {
  const text = taskXml(job, userOf(machine.environment))
  const file = join(tmpdir(), `${job.name}.xml`)
  const start = ["schtasks", "/create", "/tn", job.name, "/xml", file, "/f"]
  const stop = ["schtasks", "/delete", "/tn", job.name, "/f"]
  return {
    with: "task-scheduler",
    where: `task ${job.name}`,
    text,
    start: [start, ["schtasks", "/run", "/tn", job.name]],
    stop: [stop],
    warnings: placeWarnings(job),
    check: async () => undefined,
    async found() {
      const { code, out } = await machine.run(["schtasks", "/query", "/tn", job.name, "/xml"])
      if (code !== 0) return undefined
      // Windows adds elements of its own and changes the order; what counts is what is run
      const found = out.toString("utf8")
      return runOf(found) === runOf(text) ? text : found
    },
    async write() {
      try {
        writeText(file, Buffer.from(`\ufeff${text}`, "utf16le"))
        await mustRun(machine, start)
      } finally {
        rmSync(file, { force: true })
      }
      await mustRun(machine, ["schtasks", "/run", "/tn", job.name])
    },
    async remove() {
      await machine.run(["schtasks", "/end", "/tn", job.name])
      await mustRun(machine, stop)
    },
    async state() {
      const words = ["schtasks", "/query", "/tn", job.name, "/fo", "csv", "/nh"]
      const { code, out } = await machine.run(words)
      return { enabled: code === 0, running: /"Running"\s*$/m.test(out.toString("utf8")) }
    },
  }
}

function runOf(xml: string): string {
  return (xml.match(/<(Command|Arguments)>[^<]*/g) ?? []).join("\n")
}

function userOf(environment: Environment): string {
  const { USERDOMAIN: domain, USERNAME: user } = environment
  return [domain, user ?? environment["USER"] ?? ""].filter((part) => part !== undefined).join("\\")
}

function placeWarnings({ environment }: Job): Warning[] {
  return Object.entries(environment).map(([name, value]) => ({
    code: "variable-needed",
    message: `a task does not carry ${name}`,
    hint: `Set it for your user: setx ${name} "${value}"`,
  }))
}

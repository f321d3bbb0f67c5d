/**
 * Tells a person, at most once a day, that backups are stale or fail, or that a wipe is suspected: by the host's own notification, or by a command
 * that a person has approved. Whoever keeps the timer calls it; the record says when it was last told.
 */
import { spawn } from "node:child_process"
import type { Warning } from "../results.ts"
import type { Setup } from "../setup.ts"
import { troubleOf } from "./judge.ts"
import { withRecord } from "./record.ts"

/** The host's notification: a system event, a message to the operator. */
export type Notify = (notice: Warning) => void | Promise<void>

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const COMMAND_MS_MAX = 30_000

/** What a command needs to reach a desktop or a mail program. Nothing else of the environment is passed on. */
const PASSED = [
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "TMPDIR",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XDG_RUNTIME_DIR",
  "DBUS_SESSION_BUS_ADDRESS",
  "SystemRoot",
]

/** @returns whether a person was told now */
export async function noticeIfDue(
  setup: Setup,
  notify: Notify | undefined,
  nowMs: number = Date.now(),
): Promise<boolean> {
  const command = setup.settings.notifyCommand
  if (notify === undefined && command === undefined) return false
  const notice = withRecord(setup, (record) => {
    const told = Number(record.fact("noticed") ?? -Infinity)
    // a time in the future is of a wrong clock
    if (nowMs - told < DAY_MS && told <= nowMs) return undefined
    const found = troubleOf(setup, record, nowMs)
    // noted first: two keepers in turn, or a crash, do not tell it twice
    if (found !== undefined) record.setFact("noticed", String(nowMs))
    return found
  })
  if (notice === undefined) return false
  const told = await Promise.allSettled([
    ...(notify === undefined ? [] : [Promise.resolve(notify(notice))]),
    ...(command === undefined ? [] : [runCommand(command, notice)]),
  ])
  if (told.some(({ status }) => status === "fulfilled")) return true
  withRecord(setup, (record) => record.setFact("noticed", String(nowMs - DAY_MS + HOUR_MS)))
  return false
}

/** The notice is in HOLDFAST_NOTICE, and on standard input. */
async function runCommand(command: string, { message, hint }: Warning): Promise<void> {
  const text = `holdfast: ${message}${hint === undefined ? "" : `. ${hint}`}`
  const environment = Object.fromEntries(
    PASSED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
  const child = spawn(command, {
    shell: true,
    stdio: ["pipe", "ignore", "ignore"],
    timeout: COMMAND_MS_MAX,
    env: { ...environment, HOLDFAST_NOTICE: text },
  })
  child.stdin.on("error", () => {}) // it need not read
  child.stdin.end(`${text}\n`)
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`notify command ended with ${code}`)),
    )
  })
}

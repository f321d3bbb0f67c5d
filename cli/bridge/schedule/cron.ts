/**
 * The cron line of an agent, between two marker lines in the user's crontab. All other lines stay byte for byte. The
 * line runs `agent sync --quiet`, which prints nothing unless it fails; cron then sends the line as mail.
 */
import { createHash } from "node:crypto"
import { userInfo } from "node:os"
import { AgentProblem } from "../problem.ts"
import { type Job, wordsOf } from "./job.ts"
import { type Machine, mustRun, type Service } from "./service.ts"

/** crontab(5). The block ends with a line break. */
export function cronBlock(job: Job): string {
  const { begin, end } = markersOf(job)
  const places = Object.entries(job.environment).map(([name, value]) => `${name}=${shellQuoted(value)}`)
  const words = [job.program.node, ...wordsOf(job, "once")].map(shellQuoted)
  // an unescaped % ends the command
  const command = [...places, ...words].join(" ").replaceAll("%", "\\%")
  return `${begin}\n${cronTimes(job)} ${command}\n${end}\n`
}

function markersOf({ name }: Job): { begin: string; end: string } {
  return { begin: `# BEGIN ${name} (written by holdfast schedule)`, end: `# END ${name}` }
}

/**
 * For any shell. Some crons drop a backslash before another one, and all drop one before %: an empty pair of quotes
 * after each backslash keeps it.
 */
function shellQuoted(text: string): string {
  if (/^[\w@+=:,./-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'"'"'`).replaceAll("\\", "\\''")}'`
}

const HOUR = 60
const DAY_HOURS = 24

/**
 * Cron counts within an hour or a day, so an interval that divides neither becomes the next shorter one that does.
 * The minute comes from the name: agents of one machine, or of many, don't all start at once.
 */
export function cronTimes(job: Job): string {
  const spread = createHash("sha256").update(job.name).digest().readUInt32BE(0)
  const every = cronMinutes(job)
  if (every < HOUR) return every === 1 ? "* * * * *" : `${spread % every}-59/${every} * * * *`
  const step = every / HOUR
  const hour = Math.floor(spread / HOUR) % step
  const hours = step === 1 ? "*" : step === DAY_HOURS ? `${hour}` : `${hour}-23/${step}`
  return `${spread % HOUR} ${hours} * * *`
}

/** The interval that the line really has. */
export function cronMinutes({ intervalMinutes }: Pick<Job, "intervalMinutes">): number {
  const every = Math.min(Math.max(1, Math.floor(intervalMinutes)), HOUR * DAY_HOURS)
  if (every < HOUR) return largestDivisor(HOUR, every)
  return HOUR * largestDivisor(DAY_HOURS, Math.floor(every / HOUR))
}

function largestDivisor(whole: number, most: number): number {
  let divisor = most
  while (whole % divisor !== 0) divisor--
  return divisor
}

/** A crontab's bytes as one character each; the block is UTF-8. */
type Bytes = string

const asBytes = (text: string): Bytes => Buffer.from(text, "utf8").toString("latin1")
const asText = (bytes: Bytes): string => Buffer.from(bytes, "latin1").toString("utf8")

interface Parts {
  readonly before: Bytes
  /** Undefined if the crontab has none. */
  readonly block: Bytes | undefined
  readonly after: Bytes
}

/** @throws AgentProblem if a marker line is missing or there are several */
export function splitCrontab(crontab: Bytes, job: Job): Parts {
  const { begin, end } = markersOf(job)
  const starts = linesAt(crontab, begin)
  const ends = linesAt(crontab, end)
  const [start] = starts
  const [last] = ends
  if (start === undefined && last === undefined) return { before: crontab, block: undefined, after: "" }
  if (start === undefined || last === undefined || starts.length + ends.length > 2 || last < start) {
    const message = `the crontab does not have exactly one line "${begin}" and one "${end}" after it`
    throw new AgentProblem("crontab-markers", message, "Remove these lines with `crontab -e`")
  }
  const behind = Math.min(crontab.length, last + end.length + 1)
  return {
    before: crontab.slice(0, start),
    block: crontab.slice(start, behind),
    after: crontab.slice(behind),
  }
}

function linesAt(text: Bytes, line: string): number[] {
  const found: number[] = []
  for (let at = text.indexOf(line); at >= 0; at = text.indexOf(line, at + 1)) {
    const behind = text[at + line.length]
    if ((at === 0 || text[at - 1] === "\n") && (behind === undefined || behind === "\n")) found.push(at)
  }
  return found
}

/** @param block undefined removes it */
export function withBlock({ before, block, after }: Parts, text: string | undefined): Bytes {
  const separator = block === undefined && text !== undefined && /[^\n]$/.test(before) ? "\n" : ""
  return `${before}${separator}${text === undefined ? "" : asBytes(text)}${after}`
}

export function cronService(job: Job, machine: Machine): Service {
  const text = cronBlock(job)
  const read = async (): Promise<Parts> => splitCrontab(await readCrontab(machine), job)
  return {
    with: "cron",
    where: `crontab of ${userInfo().username}`,
    text,
    start: [],
    stop: [],
    warnings: [],
    async check() {
      await readCrontab(machine)
    },
    async found() {
      const { block } = await read()
      return block === undefined ? undefined : asText(block)
    },
    write: async () => await writeCrontab(machine, withBlock(await read(), text)),
    remove: async () => await writeCrontab(machine, withBlock(await read(), undefined)),
    async state() {
      return { enabled: (await read()).block !== undefined, running: null }
    },
  }
}

/** Whether the program is here at all. */
export async function hasCrontab(machine: Machine): Promise<boolean> {
  return (await machine.run(["crontab", "-l"])).code !== MISSING
}

const MISSING = 127

async function readCrontab(machine: Machine): Promise<Bytes> {
  const { code, out, error } = await machine.run(["crontab", "-l"])
  if (code === 0) return out.toString("latin1")
  if (code === MISSING)
    throw new AgentProblem(
      "no-crontab",
      "the program crontab is not installed",
      "Install cron (Debian and Ubuntu: apt-get install cron; Fedora: dnf install cronie), or use --with systemd",
    )
  // BusyBox names the file that does not exist
  if (/no crontab for|can't open .*no such file/i.test(error)) return ""
  throw new AgentProblem("crontab-unreadable", `crontab -l: ${error.split("\n")[0] ?? ""}`)
}

/** An empty one is removed, as before the first line. */
async function writeCrontab(machine: Machine, crontab: Bytes): Promise<void> {
  const words = crontab === "" ? ["crontab", "-r"] : ["crontab", "-"]
  await mustRun(machine, words, Buffer.from(crontab, "latin1"))
}

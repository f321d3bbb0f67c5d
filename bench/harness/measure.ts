/**
 * Runs one command and measures its cost: wall time, processor seconds of the whole process tree, and peak memory.
 * GNU time gives the last two from the kernel's own accounting; its tree is also sampled while it runs, because the
 * kernel reports the largest process and not the sum of several.
 */
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Cost {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

export interface Outcome extends Cost {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

const gnuTime = "/usr/bin/time"
const marker = "holdfast-bench-cost"
const lookMs = 50
const clockTick = 0.01

export async function measure(command: Command): Promise<Outcome> {
  const timed = existsSync(gnuTime)
  const argv = timed
    ? [gnuTime, "-q", "-f", `${marker} %U %S %M`, command.program, ...command.args]
    : [command.program, ...command.args]
  const before = childrenCpuSeconds()
  const start = process.hrtime.bigint()
  const child = spawn(argv[0] ?? "", argv.slice(1), {
    env: { ...command.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on("data", (data: Buffer) => stdout.push(data))
  child.stderr.on("data", (data: Buffer) => stderr.push(data))
  let looked = 0
  const looks = setInterval(() => (looked = Math.max(looked, treeBytes(child.pid, timed))), lookMs)
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve(code ?? 128))
  }).finally(() => clearInterval(looks))
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const text = Buffer.concat(stderr).toString("utf8")
  const told = new RegExp(`^${marker} (\\S+) (\\S+) (\\S+)$`, "m").exec(text)
  return {
    exitCode,
    seconds,
    cpuSeconds: told === null ? childrenCpuSeconds() - before : Number(told[1]) + Number(told[2]),
    peakBytes: Math.max(looked, told === null ? 0 : Number(told[3]) * 1_024),
    stdout: Buffer.concat(stdout).toString("utf8"),
    stderr: text.replace(/^holdfast-bench-cost .*\n?/m, ""),
  }
}

/** Memory of the tree at this moment. A single process is left to the kernel's own peak when GNU time runs. */
function treeBytes(pid: number | undefined, timed: boolean): number {
  if (pid === undefined || process.platform !== "linux") return 0
  const all = withDescendants(pid).slice(timed ? 1 : 0)
  if (timed && all.length < 2) return 0
  const field = timed ? "VmRSS" : "VmHWM"
  return all.reduce((sum, each) => sum + statusBytes(each, field), 0)
}

function withDescendants(pid: number): number[] {
  const children = readOr(`/proc/${pid}/task/${pid}/children`, "").split(" ").filter(Boolean)
  return [pid, ...children.flatMap((child) => withDescendants(Number(child)))]
}

function statusBytes(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readOr(`/proc/${pid}/status`, ""))
  return found === null ? 0 : Number(found[1]) * 1_024
}

/** Processor seconds of all ended children of this process, in the kernel's ticks. */
function childrenCpuSeconds(): number {
  const fields = readOr("/proc/self/stat", "").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) * clockTick
}

/** A process can end between two samples; then there is nothing to read. */
function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return otherwise
  }
}

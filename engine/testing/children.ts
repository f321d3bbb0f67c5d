/** Starts `use-case-child.ts`, and waits for it or kills it at a random moment. */
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { ChildPlan, ChildResult } from "./use-case-child.ts"

const CHILD = fileURLToPath(new URL("use-case-child.ts", import.meta.url))

export interface Ended {
  /** Undefined if it was killed before it had one. */
  readonly result: ChildResult | undefined
  readonly isKilled: boolean
  readonly durationMs: number
}

/** @throws unless the child succeeds or is killed */
export async function runChild(plan: ChildPlan, killAfterMs?: number): Promise<Ended> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(plan)], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  let out = ""
  let errors = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
  const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfterMs)
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (...ended) => resolve(ended))
  })
  clearTimeout(timer)
  const isKilled = signal === "SIGKILL"
  if (!isKilled && code !== 0) throw new Error(`the child ended with ${code ?? signal}: ${errors}`)
  return {
    result: out === "" ? undefined : (JSON.parse(out) as ChildResult),
    isKilled,
    durationMs: performance.now() - startedMs,
  }
}

/**
 * Runs the child process that copies databases, and collects its outcomes. A child that ends early leaves the rest
 * without one.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { programUrl } from "../../base/worker-pool.ts"
import type { CopyOutcome, CopyRequest } from "./copy-database.ts"

export interface ToChild {
  readonly requests: readonly CopyRequest[]
}

export interface FromChild {
  readonly position: number
  readonly outcome: CopyOutcome
}

/** @returns one outcome for each request, in their order */
export async function copyInChild(requests: readonly CopyRequest[]): Promise<CopyOutcome[]> {
  const outcomes: (CopyOutcome | undefined)[] = requests.map(() => undefined)
  const how = await new Promise<string>((resolve) => {
    const program = programUrl("backup/capture/capture-worker")
    const child = fork(fileURLToPath(program), [], {
      // sources need the loader that this process has
      execArgv: program.pathname.endsWith(".ts") ? process.execArgv.filter(isLoader) : [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    })
    child.on("message", ({ position, outcome }: FromChild) => (outcomes[position] = outcome))
    child.once("error", (error) => resolve(error.message))
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with code ${code}` : `was killed by ${signal}`),
    )
    child.send({ requests } satisfies ToChild, () => {})
  })
  const reason = `the process that copies databases ${how}`
  return outcomes.map((outcome) => outcome ?? { outcome: "raw", reason, isOpaque: false })
}

function isLoader(argument: string, position: number, all: readonly string[]): boolean {
  const isImport = (each: string | undefined): boolean => /^--(import|require|loader)\b/.test(each ?? "")
  return isImport(argument) || (isImport(all[position - 1]) && !argument.startsWith("-"))
}

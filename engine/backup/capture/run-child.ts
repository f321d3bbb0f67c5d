/**
 * The child process that looks at databases and copies them. One that ends early leaves the rest without an answer.
 */
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { programUrl } from "../../base/worker-pool.ts"
import type { CopyOutcome, CopyRequest } from "./copy-database.ts"

export type ToChild =
  /** Absolute raw paths. */
  { readonly look: readonly string[] } | { readonly copy: readonly CopyRequest[] }

/** One for each path, or each request, by its position. */
export type FromChild = {
  readonly position: number
  readonly answer: boolean | CopyOutcome
}

export interface Copier {
  /** Whether each file begins as SQLite databases do; undefined if that is not known. */
  look(paths: readonly string[]): Promise<(boolean | undefined)[]>
  /** @returns one outcome for each request, in their order */
  copy(requests: readonly CopyRequest[]): Promise<CopyOutcome[]>
}

export async function withCopier<T>(work: (copier: Copier) => Promise<T>): Promise<T> {
  const program = programUrl("backup/capture/capture-worker")
  const child = fork(fileURLToPath(program), [], {
    // sources need the loader that this process has
    execArgv: program.pathname.endsWith(".ts") ? process.execArgv.filter(isLoader) : [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  })
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message))
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with code ${code}` : `was killed by ${signal}`),
    )
  })

  /** @returns the answers that came, and why the others did not */
  async function ask(
    message: ToChild,
    count: number,
  ): Promise<{ answers: readonly FromChild["answer"][]; why: string }> {
    const answers: FromChild["answer"][] = []
    let missing = count
    if (missing === 0) return { answers, why: "" }
    let listen: (message: FromChild) => void = () => {}
    const complete = new Promise<string>((resolve) => {
      listen = ({ position, answer }) => {
        answers[position] = answer
        missing--
        if (missing === 0) resolve("")
      }
    })
    child.on("message", listen)
    child.send(message, () => {})
    const why = await Promise.race([complete, ended])
    child.off("message", listen)
    return { answers, why }
  }

  try {
    return await work({
      async look(paths) {
        const { answers } = await ask({ look: paths }, paths.length)
        return paths.map((_, i) => answers[i] as boolean | undefined)
      },
      async copy(requests) {
        const { answers, why } = await ask({ copy: requests }, requests.length)
        const reason = `the process that copies databases ${why}`
        return requests.map(
          (_, i) => (answers[i] as CopyOutcome | undefined) ?? { outcome: "raw", reason, isOpaque: false },
        )
      },
    })
  } finally {
    if (child.connected) child.disconnect()
    await ended
  }
}

function isLoader(argument: string, position: number, all: readonly string[]): boolean {
  const isImport = (each: string | undefined): boolean => /^--(import|require|loader)\b/.test(each ?? "")
  return isImport(argument) || (isImport(all[position - 1]) && !argument.startsWith("-"))
}

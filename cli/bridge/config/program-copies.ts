/**
 * Refuses to write a path of this program where it outlives the program: into a schedule, or into a host's
 * configuration. Hosts and npm run programs from copies which they delete again.
 */
import { realpathSync } from "node:fs"
import { tmpdir } from "node:os"
import { isAbsolute, resolve, sep } from "node:path"
import { AgentProblem } from "../problem.ts"

/** The program as it runs now. */
export interface Program {
  /** Absolute path of the Node that runs now. */
  readonly node: string
  /** Absolute path of the program's main file. */
  readonly script: string
}

/** Names that hosts and npm give to such copies. */
const COPIES = /[/\\](openclaw-(plugin|model-catalog)-[^/\\]*|plugin-captures|_npx)[/\\]/

/** @throws AgentProblem if the program runs from a copy that will be deleted */
export function refuseTemporary({ node, script }: Program): void {
  const temporary = [tmpdir(), real(tmpdir())]
  const isTemporary = (path: string): boolean =>
    COPIES.test(path) || temporary.some((folder) => path.startsWith(folder + sep))
  const found = [script, real(script), node].find(isTemporary)
  if (found === undefined) return
  throw new AgentProblem(
    "temporary-program",
    `${found} is in a temporary copy, which will be deleted`,
    "Install holdfast (README, Install) and run this command with the installed `holdfast`",
  )
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/**
 * The places that are set in this environment, as absolute paths: what is started elsewhere would look at the usual
 * ones. Never a secret.
 */
export function placesIn(
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const set = names.flatMap((name): [string, string][] => {
    const value = environment[name]
    if (value === undefined || value === "") return []
    // the XDG standard ignores a relative path
    return name.startsWith("XDG_") && !isAbsolute(value) ? [] : [[name, resolve(value)]]
  })
  return Object.fromEntries(set)
}

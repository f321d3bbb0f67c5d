/**
 * What a reading verb met and could not read: it goes on with the rest, and its answer may lack something.
 * The command line then ends with exit code 13. spec/log.md.
 */
import { isEngineError, type EngineError } from "../base/errors.ts"
import { warnOnce } from "./refresh-trust.ts"
import type { Repository } from "./repository.ts"

/** Alarms are kept elsewhere: they end the verb with their own exit code. */
export function noteUnread(
  repository: Pick<Repository, "unread" | "warnings">,
  problems: readonly EngineError[],
): void {
  for (const problem of problems) {
    if (problem.kind === "untrusted") continue
    if (repository.unread.every(({ message }) => message !== problem.message)) repository.unread.push(problem)
    warnOnce(repository, problem.message)
  }
}

/** Runs; damage is noted and gives `otherwise`. */
export async function readOr<T, U>(
  repository: Pick<Repository, "unread" | "warnings">,
  otherwise: U,
  run: () => Promise<T>,
): Promise<T | U> {
  try {
    return await run()
  } catch (error) {
    if (!isEngineError(error) || error.kind !== "corrupt") throw error
    noteUnread(repository, [error])
    return otherwise
  }
}

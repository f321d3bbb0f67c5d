/** What every command gets: the words that were typed, where to print, and the environment. */
import type { Store } from "../../engine/index.ts"
import type { ExitCode } from "../output/exit-codes.ts"
import type { Output } from "../output/output.ts"
import type { Parsed } from "./parse.ts"

export interface Call extends Parsed {
  readonly output: Output
  readonly environment: NodeJS.ProcessEnv
  /** The user's. The program runs with 077: what it writes is for its owner alone. */
  readonly umask: number
  /** Those that were opened so far, to tell what they were asked. */
  readonly stores: Store[]
}

/** A verb's code: does the work, prints by the output, and returns the exit code. */
export type Command = (call: Call) => Promise<ExitCode>

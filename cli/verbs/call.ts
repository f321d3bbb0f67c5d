/** The input of every command: the typed words, the output and the environment. */
import type { Store } from "../../engine/index.ts"
import type { ExitCode } from "../output/exit-codes.ts"
import type { Output } from "../output/output.ts"
import type { Parsed } from "./parse.ts"

export interface Call extends Parsed {
  readonly output: Output
  readonly environment: NodeJS.ProcessEnv
  /** The user's umask. The program runs with 077, so only the owner can read what it writes. */
  readonly umask: number
  /** The stores opened so far, to report their requests. */
  readonly stores: Store[]
}

/** The code of a verb: does the work, prints through the output, and returns the exit code. */
export type Command = (call: Call) => Promise<ExitCode>

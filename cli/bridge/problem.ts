/**
 * A failure of the bridge, as the tools, the log and the command line report it. The message never contains a secret.
 */
export class AgentProblem extends Error {
  /** Kebab-case, stable: scripts compare it. */
  readonly code: string
  /** What to do, usually a command. */
  readonly hint: string | undefined

  constructor(code: string, message: string, hint?: string) {
    super(message)
    this.name = "AgentProblem"
    this.code = code
    this.hint = hint
  }
}

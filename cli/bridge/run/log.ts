/** stub */
import type { RunContext } from "./context.ts"
export function logRun(_context: RunContext, _triggers: readonly string[], _run: object): void {}

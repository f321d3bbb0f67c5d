/** stub */
import type { RunContext } from "./backup-once.ts"
export function logRun(_context: RunContext, _triggers: readonly string[], _run: object): void {}

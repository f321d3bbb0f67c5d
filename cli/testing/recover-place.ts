/** An agent of a test that backs up and restores, and pictures of its workspace. Tests only. */
import assert from "node:assert/strict"
import { differences, pictureOf, showDifferences, type Picture } from "../../fixtures/picture.ts"
import { restoreAgent, type RestoreCall, type RestoreHow } from "../bridge/recover/restore.ts"
import type { RestoreInput, SyncRestore } from "../bridge/results.ts"
import { backupOnce } from "../bridge/run/backup-once.ts"
import type { RunContext } from "../bridge/run/context.ts"
import { TOOL_SCHEMAS } from "../bridge/schemas.ts"
import type { AgentPlace } from "./agent-place.ts"

export interface Restoring {
  readonly call?: RestoreCall
  readonly how?: RestoreHow
  readonly context?: Partial<RunContext>
}

/** @returns the id of the newest snapshot */
export async function saved({ setup }: AgentPlace, changes: Partial<RunContext> = {}): Promise<string> {
  const { snapshot } = await backupOnce({ setup, by: "cli", ...changes }, { triggers: ["manual"] })
  return snapshot ?? assert.fail("no snapshot")
}

/** Restores, and checks the result against its schema. */
export async function restored(
  { setup }: AgentPlace,
  input: RestoreInput,
  { call = { mayWrite: true }, how, context }: Restoring = {},
): Promise<SyncRestore> {
  const result = await restoreAgent({ setup, by: "cli", ...context }, input, call, how)
  return TOOL_SCHEMAS.sync_restore.output.parse(result) as unknown as SyncRestore
}

/** Plans, and confirms the plan. */
export async function confirmed(
  place: AgentPlace,
  input: RestoreInput,
  restoring: Restoring = {},
): Promise<SyncRestore> {
  const { planId } = await restored(place, input, restoring)
  return await restored(place, { ...input, confirm: true, planId }, restoring)
}

/** Without the log, which every run writes. */
export function picture({ workspace }: Pick<AgentPlace, "workspace">): Picture {
  return new Map([...pictureOf(workspace)].filter(([path]) => !path.startsWith("memory/sync-log")))
}

export function assertEqual(found: Picture, expected: Picture, what = "the workspace"): void {
  const differing = differences(expected, found)
  if (differing.length > 0) assert.fail(`${what}: ${showDifferences(differing)}`)
}

/** For `assert.rejects`. */
export const problem =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof Error && "code" in error && error.code === code

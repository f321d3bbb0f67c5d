/**
 * The schemas of the tools' arguments and results, for MCP, OpenClaw and the checks of arguments. The types, and what
 * each field means, are in results.ts; the compiler holds the two together.
 */
import * as z from "zod"
import { AGENT_STATES } from "./results.ts"
import type {
  DiffInput,
  HistoryInput,
  NowInput,
  ReadInput,
  RestoreInput,
  StatusInput,
  SyncDiff,
  SyncHistory,
  SyncNow,
  SyncRead,
  SyncRestore,
  SyncStatus,
  ToolName,
  Warning,
} from "./results.ts"

const time = z.iso.datetime()

const count = z.int().nonnegative()

const warningShape = z.strictObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
}) satisfies z.ZodType<Warning>

const flagShape = z.enum(["suspected-wipe", "pre-restore"]).nullable()

const statusInput = z.strictObject({
  verbose: z.boolean().optional().describe("also ask the store, which takes longer"),
}) satisfies z.ZodType<StatusInput>

const statusOutput = z.strictObject({
  v: z.literal(1),
  state: z.enum(AGENT_STATES),
  problem: warningShape.optional(),
  lastBackup: z
    .strictObject({
      snapshot: z.string(),
      time,
      trigger: z.string(),
      ageSeconds: count,
      filesChanged: count,
      bytesUploaded: count,
    })
    .nullable(),
  lastAttempt: z
    .strictObject({ time, trigger: z.string(), outcome: z.string(), problem: warningShape.optional() })
    .nullable(),
  nextRun: time.nullable(),
  timer: z.strictObject({
    holder: z.enum(["plugin", "mcp", "daemon", "cron", "none"]),
    pid: z.int().optional(),
    intervalMinutes: z.int(),
  }),
  dirty: z.strictObject({ files: count, since: time.nullable() }).nullable(),
  repository: z
    .strictObject({
      kind: z.enum(["folder", "s3"]),
      displayName: z.string(),
      id: z.string().nullable(),
      encrypted: z.literal(true),
      snapshots: count,
      storedBytes: count.nullable(),
      logicalBytes: count.nullable(),
    })
    .nullable(),
  retention: z.strictObject({ days: z.int().positive(), prunedBy: z.string(), note: z.string() }).nullable(),
  lastVerify: z.strictObject({ time, outcome: z.string() }).nullable(),
  recent: z.array(
    z.strictObject({
      timestamp: time,
      snapshot: z.string(),
      trigger: z.string(),
      filesChanged: count,
      flag: flagShape,
    }),
  ),
  warnings: z.array(warningShape),
  profile: z.string().nullable(),
  agentId: z.string().nullable(),
  workspaceId: z.string().nullable(),
  workspace: z.string(),
}) satisfies z.ZodType<SyncStatus>

const nowInput = z.strictObject({
  reason: z.string().max(200).optional().describe("manual, wrap_up, before_risky_change, or your own words"),
  wait: z.boolean().optional().describe("false: start the backup and return at once"),
  label: z.string().max(200).optional().describe("a note that is stored with the snapshot"),
}) satisfies z.ZodType<NowInput>

const nowOutput = z.strictObject({
  v: z.literal(1),
  outcome: z.enum(["created", "unchanged", "joined", "queued"]),
  snapshot: z.string().nullable(),
  time,
  parent: z.string().nullable(),
  flag: flagShape,
  files: z.strictObject({ new: count, changed: count, removed: count, unchanged: count }),
  bytes: z.strictObject({ scanned: count, new: count, uploaded: count }),
  durationMs: count,
  warnings: z.array(warningShape),
}) satisfies z.ZodType<SyncNow>

const restoreInput = z.strictObject({
  timestamp: z
    .string()
    .min(1)
    .max(100)
    .describe(
      '"latest", "undo" (of the last restore), an ISO 8601 time with a zone, or a snapshot id; sync_status lists them',
    ),
  paths: z
    .array(z.string().min(1).max(4096))
    .max(1000)
    .optional()
    .describe("only these files or folders of the workspace"),
  mode: z.enum(["auto", "preview", "staged", "in_place"]).optional(),
  confirm: z.boolean().optional().describe("true, with planId: the user has seen the plan and agreed"),
  planId: z.string().max(100).optional(),
}) satisfies z.ZodType<RestoreInput>

const pathList = z.strictObject({
  count,
  paths: z.array(z.string()),
})

const restoreOutput = z.strictObject({
  v: z.literal(1),
  outcome: z.enum(["restored", "staged", "needs_confirmation", "preview", "unchanged"]),
  snapshot: z.string(),
  timestamp: time,
  flag: flagShape,
  planId: z.string().optional(),
  command: z.string().optional(),
  create: pathList,
  overwrite: pathList,
  extraLocal: pathList,
  remove: pathList.optional(),
  bytes: count,
  stagedAt: z.string().optional(),
  steps: z.array(z.string()),
  undo: z.strictObject({ timestamp: time, snapshot: z.string() }).nullable(),
  warnings: z.array(warningShape),
}) satisfies z.ZodType<SyncRestore>

const historyInput = z.strictObject({
  limit: z.int().min(1).max(200).optional(),
  path: z.string().max(4096).optional(),
}) satisfies z.ZodType<HistoryInput>

const historyOutput = z.strictObject({
  v: z.literal(1),
  snapshots: z.array(
    z.strictObject({
      timestamp: time,
      snapshot: z.string(),
      trigger: z.string(),
      host: z.string(),
      filesChanged: count,
      bytesAdded: count,
      flag: flagShape,
    }),
  ),
}) satisfies z.ZodType<SyncHistory>

const diffInput = z.strictObject({
  from: z.string().max(100),
  to: z.string().max(100).optional().describe("default: the workspace as it is now"),
  path: z.string().max(4096).optional(),
}) satisfies z.ZodType<DiffInput>

const diffOutput = z.strictObject({
  v: z.literal(1),
  from: z.string(),
  to: z.string(),
  added: pathList,
  changed: pathList,
  removed: pathList,
  text: z.string().optional(),
}) satisfies z.ZodType<SyncDiff>

const readInput = z.strictObject({
  timestamp: z.string().max(100),
  path: z.string().max(4096),
}) satisfies z.ZodType<ReadInput>

const readOutput = z.strictObject({
  v: z.literal(1),
  timestamp: time,
  snapshot: z.string(),
  path: z.string(),
  bytes: count,
  text: z.string(),
}) satisfies z.ZodType<SyncRead>

export interface ToolSchemas {
  readonly input: z.ZodObject
  readonly output: z.ZodObject
}

export const TOOL_SCHEMAS: Readonly<Record<ToolName, ToolSchemas>> = {
  sync_status: { input: statusInput, output: statusOutput },
  sync_now: { input: nowInput, output: nowOutput },
  sync_restore: { input: restoreInput, output: restoreOutput },
  sync_history: { input: historyInput, output: historyOutput },
  sync_diff: { input: diffInput, output: diffOutput },
  sync_read: { input: readInput, output: readOutput },
}

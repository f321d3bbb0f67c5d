/**
 * The schema of `session-sync-config.json`. Loaded only if the file is not the one that was approved: zod takes longer
 * to load than all else that opens an agent.
 */
import * as z from "zod"
import {
  INTERVAL_MINUTES_MAX,
  INTERVAL_MINUTES_MIN,
  PROFILE_NAMES,
  PROVIDERS,
  relativeFileOf,
  type Config,
} from "./config.ts"

/** Within one line, and short enough to be shown. */
// eslint-disable-next-line no-control-regex
const line = z.string().regex(/^[^\x00-\x1f\x7f]{1,1024}$/, "expected one line of text")

const reference = z.union([
  line.refine((text) => relativeFileOf(text) === undefined, "file: needs an absolute path, or ~/PATH"),
  z.strictObject({ source: line, provider: line.optional(), id: line }),
])

const HAS_PARENT = /(^|[\\/])\.\.([\\/]|$)/

/** A pattern can't name something outside of the workspace, nor turn another one off. */
const pattern = line
  .refine((text) => !/^[!#]/.test(text), "must not begin with ! or #")
  .refine((text) => !HAS_PARENT.test(text), "must not contain ..")
  .refine((text) => !/^(~|[A-Za-z]:)/.test(text), "expected a path inside the workspace")

const includePattern = pattern.refine(
  (text) => !/^[\\/]/.test(text),
  "expected a path relative to the workspace",
)

const command = z.string().regex(/^[a-z0-9_-]{1,32}$/, "expected the name of a command, without a slash")

const schema = z.object({
  version: z.literal(1).optional(),
  profile: z.enum(PROFILE_NAMES).optional(),
  agent_id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "expected letters, digits, _ and -")
    .optional(),
  workspace_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/, "expected 16 hex digits")
    .optional(),
  provider: z.enum(PROVIDERS).optional(),
  repository: line.optional(),
  endpoint: line.optional(),
  bucket: line.optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, "expected the name of a region")
    .optional(),
  path_prefix: line
    .refine((text) => !HAS_PARENT.test(text), "must not contain ..")
    .or(z.literal(""))
    .optional(),
  key_id: reference.optional(),
  secret_key: reference.optional(),
  credentials: reference.optional(),
  encryption_key: reference.optional(),
  interval_minutes: z.int().min(INTERVAL_MINUTES_MIN).max(INTERVAL_MINUTES_MAX).optional(),
  retention_days: z.int().min(1).max(36_500).optional(),
  include: z.array(includePattern).max(1000).optional(),
  exclude: z.array(pattern).max(1000).optional(),
  without_auth: z.boolean().optional(),
  secrets_scan: z.enum(["warn", "block", "off"]).optional(),
  triggers: z
    .strictObject({
      commands: z.array(command).max(20).optional(),
      session_end: z.boolean().optional(),
      before_reset: z.boolean().optional(),
      compaction: z.boolean().optional(),
    })
    .optional(),
  extra_tools: z.boolean().optional(),
}) satisfies z.ZodType<Config>

export interface SchemaProblem {
  /** JSON pointer (RFC 6901). */
  readonly pointer: string
  /** Never contains the value. */
  readonly message: string
}

export function checkConfig(
  value: unknown,
): { readonly config: Config } | { readonly problem: SchemaProblem } {
  const result = schema.safeParse(value)
  if (result.success) return { config: result.data }
  const issue = result.error.issues[0]
  const pointer = (issue?.path ?? [])
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("")
  const message = (issue?.message ?? "is not valid").replace(/^Invalid input: /, "")
  return { problem: { pointer, message } }
}

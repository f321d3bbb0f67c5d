/**
 * The text of a `session-sync-config.json`: a new one, and edits of one in place, which leave the user's comments and
 * order as they are. Written through a temporary file and a rename.
 */
import { randomBytes } from "node:crypto"
import { closeSync, fchmodSync, fsyncSync, lstatSync, openSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { errnoOf, errnoText } from "../../../engine/base/errno.ts"
import { writeAll } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import { CONFIG_NAME, DEFAULTS, type Config, type ConfigKey } from "./config.ts"

export function newConfigText(config: Config): string {
  const { interval_minutes, retention_days } = DEFAULTS
  const fields = { version: 1, ...config, interval_minutes, retention_days, ...given(config) }
  const lines = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`  ${JSON.stringify(key)}: ${JSON.stringify(value)}`],
  )
  return [
    "{",
    '  // Backups of this folder by holdfast. Secrets are references, such as "file:/path".',
    "  // Most changes wait until you run: holdfast agent trust",
    `${lines.join(",\n")}`,
    "}",
    "",
  ].join("\n")
}

function given({ interval_minutes, retention_days }: Config): Config {
  return {
    ...(interval_minutes === undefined ? {} : { interval_minutes }),
    ...(retention_days === undefined ? {} : { retention_days }),
  }
}

export interface Edit {
  readonly key: ConfigKey
  /** The file's own name of the key, if it has it. */
  readonly name: string
  /** Undefined removes the field. */
  readonly value: string | undefined
}

/** A new field goes before the first one: behind the last one it would take that one's comment. */
export async function editedText(text: string, edits: readonly Edit[]): Promise<string> {
  const { applyEdits, modify, parseTree } = await import("jsonc-parser")
  const eol = text.includes("\r\n") ? "\r\n" : "\n"
  const tabSize = /^( +)"/m.exec(text)?.[1]?.length ?? 2
  const formattingOptions = { insertSpaces: !/^\t+"/m.test(text), tabSize, eol }
  return edits.toReversed().reduce((before, { name, value }) => {
    const fields = parseTree(before, [], { allowTrailingComma: true })?.children ?? []
    const isThere = fields.some(({ children }) => children?.[0]?.value === name)
    const [first] = fields
    if (first === undefined || isThere)
      return applyEdits(before, modify(before, [name], value, { formattingOptions }))
    if (value === undefined) return before
    const field = `${JSON.stringify(name)}: ${JSON.stringify(value)},`
    const indent = /(?:^|\n)([ \t]*)$/.exec(before.slice(0, first.offset))?.[1]
    const space = indent === undefined ? " " : `${eol}${indent}`
    return `${before.slice(0, first.offset)}${field}${space}${before.slice(first.offset)}`
  }, text)
}

/** The file's mode is kept. A link is refused: its target may be a file of somebody else. */
export function writeConfigFile(workspace: string, text: string): void {
  const path = join(workspace, CONFIG_NAME)
  const before = lstatSync(path, { throwIfNoEntry: false })
  if (before !== undefined && !before.isFile())
    throw new AgentProblem(
      "config-unreadable",
      `${path} is a link or not a file`,
      "replace it by a plain file",
    )
  const temporary = join(dirname(path), `.${CONFIG_NAME}.${randomBytes(8).toString("hex")}.tmp`)
  try {
    const handle = openSync(temporary, "wx", 0o600)
    try {
      if (before !== undefined) fchmodSync(handle, before.mode & 0o777)
      writeAll(handle, Buffer.from(text))
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new AgentProblem("config-unwritable", `${path} cannot be written: ${errnoText(errnoOf(error))}`)
  }
}

/**
 * Reads a `session-sync-config.json`: JSON with `//` comments and trailing commas. An agent can write the file, so
 * nothing of it is believed before approval.ts; no message repeats a value of it.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import type { ParseError } from "jsonc-parser"
import { errnoOf, errnoText } from "../../../engine/base/errno.ts"
import { showText } from "../../../engine/base/show.ts"
import { nearest } from "../../verbs/suggest.ts"
import type { Warning } from "../results.ts"
import {
  CONFIG_KEYS,
  CONFIG_NAME,
  SECRET_KEYS,
  type Config,
  type ConfigKey,
  type Reference,
  type SecretKey,
} from "./config.ts"

const FILE_BYTES_MAX = 256 * 1024

export interface ParsedConfig {
  readonly config: Config
  /** Keys that mean nothing, each with a suggestion if there is one. */
  readonly unknown: readonly Warning[]
  /** Fields whose value is not a reference: it may be the secret itself. */
  readonly literals: readonly SecretKey[]
  /** The file's own name of each key: "intervalMinutes" is accepted too. */
  readonly names: ReadonlyMap<ConfigKey, string>
}

/** Undefined if the file doesn't exist. */
export function readConfigBytes(path: string): Buffer | Warning | undefined {
  let handle: number | undefined
  try {
    // a pipe must not block
    handle = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(handle)
    if (!stat.isFile()) return problem("config-unreadable", "is not a file")
    if (stat.size > FILE_BYTES_MAX) return problem("config-unreadable", "is too large")
    return readFileSync(handle)
  } catch (error) {
    const code = errnoOf(error)
    if (code === "ENOENT" || code === "ENOTDIR") return undefined
    return problem("config-unreadable", errnoText(code))
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

/** A warning that says what is wrong, or the values. */
export async function parseConfig(bytes: Uint8Array): Promise<ParsedConfig | Warning> {
  const { parse } = await import("jsonc-parser")
  const errors: ParseError[] = []
  const text = Buffer.from(bytes)
    .toString("utf8")
    .replace(/^\ufeff/, "")
  let value: unknown
  try {
    value = parse(text, errors, { allowTrailingComma: true })
  } catch (error) {
    // the parser calls itself for each level
    if (error instanceof RangeError) return problem("config-invalid", "is nested too deeply")
    throw error
  }
  const first = errors[0]
  if (first !== undefined) {
    const row = text.slice(0, first.offset).split("\n").length
    return problem("config-invalid", `line ${row}: is not JSON`)
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return problem("config-invalid", "expected an object { … }")
  const sorted = sortKeys(value as Readonly<Record<string, unknown>>)
  if ("code" in sorted) return sorted
  const { checkConfig } = await import("./config-schema.ts")
  const checked = checkConfig(sorted.known)
  if ("problem" in checked)
    return problem("config-invalid", `${checked.problem.pointer}: ${checked.problem.message}`)
  const { config } = checked
  const literals = SECRET_KEYS.filter((key) => config[key] !== undefined && !isReference(config[key]))
  return { config, unknown: sorted.unknown, literals, names: sorted.names }
}

interface Sorted {
  readonly known: Readonly<Record<string, unknown>>
  readonly unknown: readonly Warning[]
  readonly names: ReadonlyMap<ConfigKey, string>
}

function sortKeys(value: Readonly<Record<string, unknown>>): Sorted | Warning {
  const known: Record<string, unknown> = {}
  const unknown: Warning[] = []
  const names = new Map<ConfigKey, string>()
  for (const [name, field] of Object.entries(value)) {
    const key = keyOf(name)
    if (key === undefined) {
      if (name !== "$schema") unknown.push(unknownKey(name))
    } else if (names.has(key)) return problem("config-invalid", `/${name}: is there twice`)
    else {
      names.set(key, name)
      known[key] = key === "triggers" ? snakeKeys(field) : field
    }
  }
  return { known, unknown, names }
}

/** camelCase is accepted as well. */
function keyOf(name: string): ConfigKey | undefined {
  const snake = snakeCase(name)
  return CONFIG_KEYS.find((key) => key === snake)
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function snakeKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [snakeCase(name), field]))
}

function unknownKey(name: string): Warning {
  const shown = showText(name).slice(0, 80)
  const near = nearest(snakeCase(name), CONFIG_KEYS)
  return {
    code: "unknown-key",
    message: `${CONFIG_NAME}: "${shown}" is not a setting and has no effect`,
    hint: near === undefined ? undefined : `did you mean "${near}"?`,
  }
}

const REFERENCE = /^((env|file|keychain|command|profile):.+|\$\{[A-Z][A-Z0-9_]{0,127}\})$/s

function isReference(value: Reference | undefined): boolean {
  return typeof value !== "string" || REFERENCE.test(value)
}

/** Why a file that was parsed can't be used as it is. */
export function unusable({ config, literals }: ParsedConfig, workspaceWord: string): Warning | undefined {
  const literal = literals[0]
  if (literal !== undefined)
    return {
      code: "literal-secret",
      message: `${CONFIG_NAME}: /${literal}: contains a secret instead of a reference`,
      hint: `run: holdfast agent import --workspace ${workspaceWord}`,
    }
  const command = SECRET_KEYS.find((key) => {
    const value = config[key]
    return typeof value === "string" && value.startsWith("command:")
  })
  if (command === undefined) return undefined
  return {
    code: "command-reference",
    message: `${CONFIG_NAME}: /${command}: command: is not allowed in this file, because the agent can write it`,
    hint: "use file:PATH, env:NAME or keychain:NAME",
  }
}

function problem(code: string, what: string): Warning {
  return { code, message: `${CONFIG_NAME}: ${what}`, hint: undefined }
}

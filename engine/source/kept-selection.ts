/**
 * What a snapshot's manifest keeps of how its entries were chosen, as text, so that a later comparison
 * with the disk leaves out the same. A hint: without it the usual ignore files count. spec/files.md.
 */
import { statSync } from "node:fs"
import { fsPath } from "../base/paths.ts"
import type { RawPath } from "../base/ids.ts"
import { IGNORE_FILE, type SelectionRequest } from "./select.ts"

export type KeptSelection = Omit<SelectionRequest, "own" | "named" | "origin" | "textOf">

/** A byte of a path may take two in UTF-8, and an option has room for 65,535. */
const TEXT_LENGTH_MAX = 32_767
/** Stands for what was too long. */
const TOO_LONG = "too long"

/** Undefined when there is nothing unusual to keep. Files of patterns must have been read. */
export function keptSelection(selection: KeptSelection): string | undefined {
  const kept = Object.fromEntries(Object.entries(selection).filter(([, value]) => isSet(value)))
  const text = JSON.stringify(kept)
  return text === USUAL ? undefined : bounded(text)
}

/** A list of paths as an option's text; undefined when it is empty. */
export function keptPaths(paths: readonly RawPath[]): string | undefined {
  return paths.length === 0 ? undefined : bounded(JSON.stringify(paths))
}

function bounded(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? TOO_LONG : text
}

/** Undefined when nobody knows any more which they were. */
export function readPaths(text: string | undefined): RawPath[] | undefined {
  if (text === undefined) return []
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value)
      ? value.filter((item): item is RawPath => typeof item === "string")
      : undefined
  } catch {
    return undefined
  }
}

/** Whether the text tells all of it: neither too long, nor with names of files that may say something else now. */
export function isWholeSelection(text: string | undefined): boolean {
  if (text === undefined) return true
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !("excludeFiles" in value)
  } catch {
    return false
  }
}

const USUAL = JSON.stringify({ ignoreFiles: [IGNORE_FILE] })

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
}

/** Fields that are not what they should be are passed over: the text is signed, but may be of another version. */
export function readSelection(text: string | undefined): KeptSelection {
  const fields = new Map(Object.entries(parse(text ?? USUAL)))
  const list = (name: string): RawPath[] => {
    const value: unknown = fields.get(name)
    return Array.isArray(value) ? value.filter((item): item is RawPath => typeof item === "string") : []
  }
  const largest = fields.get("excludeLargerThan")
  return {
    excludes: list("excludes"),
    patterns: list("patterns"),
    iexcludes: list("iexcludes"),
    excludeFiles: list("excludeFiles").filter(isRegular),
    regularFilesOnly: true,
    ignoreFiles: list("ignoreFiles"),
    excludeIfPresent: list("excludeIfPresent"),
    excludeCaches: fields.get("excludeCaches") === true,
    oneFileSystem: fields.get("oneFileSystem") === true,
    ...(typeof largest === "number" ? { excludeLargerThan: largest } : {}),
  }
}

/** The author of a snapshot may name any path of this machine. */
function isRegular(file: string): boolean {
  return statSync(fsPath(file), { throwIfNoEntry: false })?.isFile() === true
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? value : {}
  } catch {
    return {}
  }
}

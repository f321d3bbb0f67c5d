/**
 * The text in a snapshot's manifest that says how its entries were selected, so that a later comparison with
 * the disk leaves out the same. It is a hint: without it the usual ignore files apply. spec/files.md.
 */
import { statSync } from "node:fs"
import { fsPath } from "../base/paths.ts"
import type { RawPath } from "../base/ids.ts"
import { bounded } from "./kept-paths.ts"
import { IGNORE_FILE, type SelectionRequest } from "./select.ts"

export type KeptSelection = Omit<SelectionRequest, "own" | "named" | "origin" | "textOf">

/** @returns undefined for the usual selection. Files of patterns must have been read before. */
export function keptSelection(selection: KeptSelection): string | undefined {
  const kept = Object.fromEntries(Object.entries(selection).filter(([, value]) => isSet(value)))
  const text = JSON.stringify(kept)
  return text === USUAL ? undefined : bounded(text)
}

/** Whether the text is complete: not too long, and without names of files that may have changed since. */
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

/** Ignores malformed fields: the text is signed, but may come from another version. */
export function readSelection(text: string | undefined): KeptSelection {
  const fields = new Map(Object.entries(parse(text ?? USUAL)))
  const list = (name: string): RawPath[] => {
    const value: unknown = fields.get(name)
    return Array.isArray(value) ? value.filter((item): item is RawPath => typeof item === "string") : []
  }
  const largest = fields.get("excludeLargerThan")
  return {
    includes: list("includes"),
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

/** Lists of paths as texts in a snapshot's manifest, which have a limit. spec/files.md. */
import type { RawPath } from "../base/ids.ts"

/** A byte of a path may take two in UTF-8, and an option has at most 65,535. */
const TEXT_LENGTH_MAX = 32_767
/** Replaces a text that was too long. */
const TOO_LONG = "too long"

export function bounded(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? TOO_LONG : text
}

/** @returns a list of paths as an option's text; undefined if it is empty */
export function keptPaths(paths: readonly RawPath[]): string | undefined {
  return paths.length === 0 ? undefined : bounded(JSON.stringify(paths))
}

/** @returns undefined if the list was too long or can't be read */
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

/**
 * gitignore patterns (gitignore(5)) over raw paths. Patterns are text and paths are bytes. In both, valid
 * UTF-8 is decoded and every other byte becomes one lone surrogate, so that different names stay different.
 * The time per pattern grows with the product of its length and the path's. spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { parseComponents, type Components, type Glob } from "./glob.ts"

/** Patterns that apply below one folder; the last matching one decides. */
export interface PatternSet {
  /**
   * Applies the patterns to this entry, regardless of the folders above it. "keep" comes from a `!` pattern;
   * undefined means no match.
   */
  verdict(path: RawPath, isFolder: boolean): "leave" | "keep" | undefined
  /** Whether something in this folder, at any depth, may match: a literal beginning of a pattern decides. */
  mayMatchBelow(folder: RawPath): boolean
}

interface Pattern {
  readonly keeps: boolean
  readonly foldersOnly: boolean
  /** Of a pattern without a slash: matches names at any depth. */
  readonly name: Glob | undefined
  readonly components: readonly (Glob | "folders")[]
}

/**
 * Parses gitignore patterns.
 * @param folder the folder that the patterns are relative to
 * @param patterns lines of gitignore, as raw bytes
 */
export function patternSet(folder: RawPath, patterns: RawPath, ignoreCase = false): PatternSet {
  const skipped = folder === "" ? 0 : patternText(folder).length + 1
  const lines = patternText(patterns)
    .replace(/^\ufeff/, "")
    .split("\n")
  const strongestFirst = lines.flatMap((line) => parsePattern(line, ignoreCase) ?? []).reverse()
  return {
    verdict: (path, isFolder) => {
      const text = patternText(path).slice(skipped)
      const name = text.slice(text.lastIndexOf("/") + 1)
      for (const pattern of strongestFirst) {
        if (pattern.foldersOnly && !isFolder) continue
        const isMatch =
          pattern.name === undefined ? matchesPath(pattern.components, text, name) : pattern.name(name)
        if (isMatch) return pattern.keeps ? "keep" : "leave"
      }
      return undefined
    },
    mayMatchBelow: (path) => {
      const names = path === "" ? [] : patternText(path).slice(skipped).split("/")
      return strongestFirst.some((pattern) => !pattern.keeps && mayMatchIn(pattern, names))
    },
  }
}

/** Whether a pattern without `!` may match an entry below the folder with these names. */
function mayMatchIn({ name, components }: Pattern, folder: readonly string[]): boolean {
  if (name !== undefined) return true
  for (const [depth, component] of components.entries()) {
    if (component === "folders" || depth === folder.length) return true
    if (!component(folder[depth] as string)) return false // above the folder's depth
  }
  return false
}

/** @returns undefined for blank lines, comments and patterns that match nothing */
function parsePattern(line: string, ignoreCase: boolean): Pattern | undefined {
  let text = withoutEnd(line)
  if (text.startsWith("#")) return undefined
  const keeps = text.startsWith("!")
  if (keeps) text = text.slice(1)
  const foldersOnly = text.endsWith("/")
  if (foldersOnly) text = text.slice(0, -1)
  if (text === "") return undefined
  const isAnchored = text.includes("/")
  const parsed: Components = parseComponents(text.startsWith("/") ? text.slice(1) : text, ignoreCase)
  if (parsed === undefined) return undefined
  const only = parsed[0]
  if (!isAnchored && only !== undefined)
    return { keeps, foldersOnly, name: only === "folders" ? () => true : only, components: [] }
  const last = parsed[1]
  if (parsed.length === 2 && only === "folders" && typeof last === "function")
    return { keeps, foldersOnly, name: last, components: [] }
  return { keeps, foldersOnly, name: undefined, components: parsed }
}

/** Trailing spaces count only after a backslash. */
function withoutEnd(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line
  let end = text.length
  while (end > 0 && text[end - 1] === " ") end--
  const backslashes = /\\*$/.exec(text.slice(0, end))?.[0].length ?? 0
  return backslashes % 2 === 1 && end < text.length ? text.slice(0, end + 1) : text.slice(0, end)
}

/** Matches components from left to right. After a mismatch only the last `**` takes one more folder. */
function matchesPath(components: Pattern["components"], path: string, name: string): boolean {
  const last = components.at(-1)
  if (typeof last === "function" && !last(name)) return false // decides most cases cheaply
  let component = 0
  let at = 0
  let folders = -1
  let taken = 0
  while (at <= path.length) {
    const wanted = components[component]
    if (wanted === "folders") {
      if (component === components.length - 1) return true // `**` at the end matches everything below
      folders = component++
      taken = at
      continue
    }
    const slash = path.indexOf("/", at)
    const end = slash < 0 ? path.length : slash
    if (wanted?.(path.slice(at, end)) === true) {
      component++
      at = end + 1
    } else if (folders >= 0) {
      const next = path.indexOf("/", taken)
      if (next < 0) return false
      taken = next + 1
      at = taken
      component = folders + 1
    } else return false
  }
  return component === components.length
}

const STRAY_OR_SEQUENCE = new RegExp(
  [
    "[\\xc2-\\xdf][\\x80-\\xbf]",
    "\\xe0[\\xa0-\\xbf][\\x80-\\xbf]",
    "[\\xe1-\\xec\\xee\\xef][\\x80-\\xbf]{2}",
    "\\xed[\\x80-\\x9f][\\x80-\\xbf]",
    "\\xf0[\\x90-\\xbf][\\x80-\\xbf]{2}",
    "[\\xf1-\\xf3][\\x80-\\xbf]{3}",
    "\\xf4[\\x80-\\x8f][\\x80-\\xbf]{2}",
    "[\\x80-\\xff]",
  ].join("|"),
  "g",
)

/** One-to-one: different raw strings give different texts. */
export function patternText(raw: string): string {
  if (!/[\x80-\xff]/.test(raw)) return raw
  return raw.replaceAll(STRAY_OR_SEQUENCE, (bytes) =>
    bytes.length === 1
      ? String.fromCharCode(0xdc00 + bytes.charCodeAt(0))
      : Buffer.from(bytes, "latin1").toString("utf8"),
  )
}

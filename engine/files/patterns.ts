/**
 * gitignore patterns over raw paths. The `ignore` package works on text, paths are bytes: valid UTF-8
 * becomes the text it is, every other byte one lone surrogate, in patterns and paths alike, so that
 * both meet again and no two names become one. spec/files.md.
 */
import ignore, { type Ignore } from "ignore"
import type { RawPath } from "../base/ids.ts"

/** Patterns that hold below one folder; the most recent matching one decides. */
export interface PatternSet {
  /** "keep" is the answer of a `!` pattern, undefined that of no match. */
  verdict(path: RawPath, isFolder: boolean): "leave" | "keep" | undefined
  /** The same patterns below a folder that they leave out, but a stronger set keeps. */
  reopened(folder: RawPath): PatternSet
}

// the package remembers every path that it was asked about, and a walk asks about each only once
const REMEMBERED_MAX = 20_000

/**
 * @param folder the folder that the patterns are relative to
 * @param patterns lines of gitignore, as raw bytes
 */
export function patternSet(folder: RawPath, patterns: RawPath, ignoreCase = false): PatternSet {
  return over(folder, ignore({ ignoreCase }).add(patternText(patterns)), ignoreCase)
}

function over(folder: RawPath, patterns: Ignore, ignoreCase: boolean): PatternSet {
  const skipped = folder === "" ? 0 : patternText(folder).length + 1
  const rebuilt = (): Ignore => ignore({ ignoreCase }).add(patterns)
  let matcher = patterns
  let asked = 0
  return {
    verdict: (path, isFolder) => {
      if (asked++ >= REMEMBERED_MAX) {
        matcher = rebuilt()
        asked = 1
      }
      const text = patternText(path).slice(skipped)
      const { ignored, unignored } = matcher.test(isFolder ? `${text}/` : text)
      return ignored ? "leave" : unignored ? "keep" : undefined
    },
    reopened: (inner) => {
      const text = patternText(inner).slice(skipped)
      return over(folder, rebuilt().add(`!/${escapePattern(text)}/`), ignoreCase)
    },
  }
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\*?[\]!# ]/g, String.raw`\$&`)
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

/** One-to-one: two different raw strings never give the same text. */
export function patternText(raw: string): string {
  if (!/[\x80-\xff]/.test(raw)) return raw
  return raw.replaceAll(STRAY_OR_SEQUENCE, (bytes) =>
    bytes.length === 1
      ? String.fromCharCode(0xdc00 + bytes.charCodeAt(0))
      : Buffer.from(bytes, "latin1").toString("utf8"),
  )
}

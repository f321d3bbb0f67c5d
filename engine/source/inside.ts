/**
 * Converts paths and patterns as people write them to those inside a snapshot: absolute ones below a source,
 * those with `./`, `..` or a final slash, and names as `ls` prints them. Every verb uses it. spec/files.md.
 */
import type { RawPath } from "../base/ids.ts"
import { rawPathFromText } from "../base/paths.ts"
import { readPaths } from "./kept-paths.ts"
import { patternSet } from "./patterns.ts"

/** The origin of a snapshot. */
export interface Origin {
  /** Absolute raw paths of the folder at the snapshot's root: as named, and with links resolved. */
  readonly bases: readonly string[]
  /** Absolute raw paths that were backed up, as named. */
  readonly paths: readonly RawPath[]
  /**
   * With paths that were saved under other names: their paths in the snapshot. An absolute path or pattern that
   * begins with one of these names is one of the snapshot, whatever the folders of this machine are called.
   */
  readonly named?: readonly RawPath[]
}

/** The origin as a snapshot's manifest records it. */
export interface RecordedOrigin {
  readonly paths: readonly RawPath[]
  readonly options: Readonly<Record<string, string>>
}

export function originOf({ paths, options }: RecordedOrigin): Origin {
  const { base, renamed } = options
  const named = renamed === undefined ? undefined : readPaths(options["named"])
  return { bases: base === undefined ? [] : [base], paths, ...(named === undefined ? {} : { named }) }
}

/** Whether the first of these names is a path that was saved under another name. */
function beginsWithNamed({ named = [] }: Origin, [first]: readonly string[]): boolean {
  return first !== undefined && named.some((path) => path === first)
}

/**
 * Returns the paths inside the snapshot that `typed` may mean, the likeliest first; almost always one. A name
 * may contain a backslash and hex digits itself, or be what `ls` prints for other bytes.
 */
export function pathsInside(origin: Origin, typed: RawPath): RawPath[] {
  const inside = (path: RawPath): RawPath => {
    const names = namesOf(path)
    if (!path.startsWith("/") || beginsWithNamed(origin, names)) return names.join("/") as RawPath
    const depth =
      origin.bases.map((base) => namesOf(base)).find((base) => startsWith(names, base))?.length ?? 0
    return names.slice(depth).join("/") as RawPath
  }
  return [...new Set([inside(typed), inside(unescaped(typed))])]
}

/**
 * Returns the gitignore patterns that `typed` means, relative to the snapshot's root.
 * @param asPrinted also matches the literal name if it has brackets or backslashes, as `ls` prints it. Not
 * for what a backup leaves out.
 */
export function patternsInside(origin: Origin, typed: RawPath, asPrinted: boolean): RawPath[] {
  const sign = typed.startsWith("!") ? "!" : ""
  const text = typed.slice(sign.length) as RawPath
  const decoded = unescaped(text)
  // a pattern is one line, so a line break becomes `?`
  const forms: string[] = decoded === text ? [text] : [text, decoded.replace(/[\r\n]/g, "?")]
  if (asPrinted) forms.push(text.replace(/[\\[]/g, String.raw`\$&`))
  const inside = forms.map((form) => relativePattern(form)).map((form) => belowBase(origin, form) ?? form)
  return [...new Set(inside)].map((pattern) => `${sign}${pattern}` as RawPath)
}

/** Whether an absolute pattern can match something below one of the sources. True for a relative one. */
export function concernsSource(origin: Origin, pattern: RawPath): boolean {
  const text = pattern.startsWith("!") ? pattern.slice(1) : pattern
  if (!text.startsWith("/")) return true
  const { bases, paths } = origin
  if (beginsWithNamed(origin, text.slice(1).split("/"))) return true
  const [only] = paths
  const isOne = paths.length === 1 && only !== undefined && bases.includes(only)
  return [...paths, ...(isOne ? bases : [])].some((path) => below(path, text) !== undefined)
}

/** `./a` is anchored as `/a` is. */
function relativePattern(pattern: string): string {
  const clean = pattern.replace(/\/(\.?\/)+/g, "/")
  if (clean === "." || clean === "./") return "/*"
  return clean.startsWith("./") ? clean.slice(1) : clean
}

function belowBase(origin: Origin, pattern: string): string | undefined {
  if (!pattern.startsWith("/") || beginsWithNamed(origin, pattern.slice(1).split("/"))) return undefined
  for (const base of origin.bases) {
    const found = below(base, pattern)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Returns the rest of an absolute pattern after its components for `folder`. The folder itself means
 * everything in it.
 */
function below(folder: string, pattern: string): string | undefined {
  const components = pattern.slice(1).split("/")
  const names = namesOf(folder)
  for (const [depth, name] of names.entries()) {
    const component = components[depth] ?? ""
    if (component === "**") return `/${components.slice(depth).join("/")}`
    if (component === "" || !matchesName(component, name)) return undefined
  }
  const rest = components.slice(names.length).join("/")
  return rest === "" ? "/*" : `/${rest}`
}

function matchesName(component: string, name: RawPath): boolean {
  if (component === name) return true
  return (
    /[\\*?[]/.test(component) &&
    patternSet("" as RawPath, component as RawPath).verdict(name, true) === "leave"
  )
}

function startsWith(names: readonly string[], start: readonly string[]): boolean {
  return start.every((name, i) => names[i] === name)
}

/** `..` removes the name before it. At the start it stays, and names nothing. */
function namesOf(path: string): RawPath[] {
  const names: RawPath[] = []
  for (const name of path.split("/") as RawPath[]) {
    const last = names.at(-1)
    if (name === ".." && last !== undefined && last !== "..") names.pop()
    else if (name !== "" && name !== ".") names.push(name)
  }
  return names
}

/** Returns the bytes of a printed path. Decodes only escapes of bytes that are never printed literally. */
function unescaped(path: RawPath): RawPath {
  if (!path.includes("\\")) return path
  return path.replace(
    /\\(?:x([01][0-9a-f]|7f|[89a-f][0-9a-f])|u([0-9a-f]{4})|u\{([0-9a-f]{5,6})\})/g,
    (all, byte: string | undefined, short: string | undefined, long: string | undefined) => {
      if (byte !== undefined) return String.fromCharCode(Number.parseInt(byte, 16))
      const code = Number.parseInt(short ?? long ?? "", 16)
      return code <= 0x10ffff ? rawPathFromText(String.fromCodePoint(code)) : all
    },
  ) as RawPath
}

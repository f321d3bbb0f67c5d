/**
 * Matches one component of a gitignore pattern with one name, as git's wildmatch.c does (gitignore(5)). The
 * time grows with the product of both lengths: after a mismatch only the last `*` takes one more character.
 *
 *     component = ( "?" | "*" | class | "\" character | character ) …
 *     class     = "[" [ "!" | "^" ] ( character | from "-" to | "[:" name ":]" ) … "]"
 *
 * Characters are code points of `patternText`. spec/files.md.
 */

/** Returns whether a name matches. */
export type Glob = (name: string) => boolean

type Step = number | "any" | "star" | ((character: number) => boolean)

/** Undefined for a pattern that git considers broken, such as an open `[`. It matches nothing. */
export type Components = readonly (Glob | "folders")[] | undefined

/** @returns the components between the slashes; "folders" is `**` or more stars, for any number of folders */
export function parseComponents(pattern: string, ignoreCase: boolean): Components {
  const components: (Glob | "folders")[] = []
  let steps: Step[] = []
  let start = 0
  const end = (at: number): void => {
    components.push(/^\*{2,}\\?$/.test(pattern.slice(start, at)) ? "folders" : globOf(steps, ignoreCase))
    steps = []
    start = at + 1
  }
  for (let at = 0; at < pattern.length;) {
    const character = pattern.codePointAt(at) as number
    const next = at + (character > 0xffff ? 2 : 1)
    switch (pattern.charAt(at)) {
      case "/":
        end(at)
        at = next
        break
      case "?":
        steps.push("any")
        at = next
        break
      case "*":
        if (steps.at(-1) !== "star") steps.push("star")
        at = next
        break
      case "[": {
        const parsed = parseClass(pattern, next, ignoreCase)
        if (parsed === undefined) return undefined
        steps.push(parsed.matches)
        at = parsed.end
        break
      }
      case "\\": {
        const escaped = pattern.codePointAt(next)
        if (escaped === undefined) return undefined
        if (escaped === 0x2f) {
          at = next // an escaped slash is a slash
          break
        }
        steps.push(escaped)
        at = next + (escaped > 0xffff ? 2 : 1)
        break
      }
      default:
        steps.push(character)
        at = next
    }
  }
  end(pattern.length)
  return components
}

function globOf(steps: readonly Step[], ignoreCase: boolean): Glob {
  const isLiteral = (from: number, to: number): boolean =>
    steps.slice(from, to).every((step) => typeof step === "number")
  const text = (from: number, to?: number): string =>
    String.fromCodePoint(...(steps.slice(from, to) as number[]))
  const last = steps.length - 1
  if (!ignoreCase && isLiteral(0, steps.length)) {
    const literal = text(0)
    return (name) => name === literal
  }
  if (steps.length === 1 && steps[0] === "star") return () => true
  // half a surrogate pair would match within another character
  if (
    !ignoreCase &&
    steps[0] === "star" &&
    isLiteral(1, steps.length) &&
    !isLowSurrogate(steps[1] as number)
  ) {
    const suffix = text(1)
    return (name) => name.endsWith(suffix)
  }
  if (!ignoreCase && steps[last] === "star" && isLiteral(0, last)) {
    const prefix = text(0, last)
    return (name) => name.startsWith(prefix)
  }
  const folded = ignoreCase ? steps.map((step) => (typeof step === "number" ? lowerCase(step) : step)) : steps
  return (name) => matches(folded, name, ignoreCase)
}

function isLowSurrogate(character: number): boolean {
  return character >= 0xdc00 && character <= 0xdfff
}

function lowerCase(character: number): number {
  return String.fromCodePoint(character).toLowerCase().codePointAt(0) as number // of one character
}

function matches(steps: readonly Step[], name: string, ignoreCase: boolean): boolean {
  let step = 0
  let at = 0
  /** The last star, and where the text after its match begins. */
  let star = -1
  let taken = 0
  while (at < name.length) {
    const wanted = steps[step]
    if (wanted === "star") {
      star = step++
      taken = at
      continue
    }
    const character = name.codePointAt(at) as number // within the name
    if (wanted !== undefined && fits(wanted, character, ignoreCase)) {
      step++
      at += character > 0xffff ? 2 : 1
    } else if (star >= 0) {
      taken += (name.codePointAt(taken) as number) > 0xffff ? 2 : 1
      at = taken
      step = star + 1
    } else return false
  }
  while (steps[step] === "star") step++
  return step === steps.length
}

function fits(wanted: Exclude<Step, "star">, character: number, ignoreCase: boolean): boolean {
  if (wanted === "any") return true
  if (typeof wanted === "function") return wanted(character)
  return wanted === (ignoreCase ? lowerCase(character) : character)
}

type Test = (character: number) => boolean

const ASCII_CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  // eslint-disable-next-line no-control-regex
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t-\r]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** @param start after the bracket */
function parseClass(
  pattern: string,
  start: number,
  ignoreCase: boolean,
): { matches: Test; end: number } | undefined {
  const tests: Test[] = []
  let at = start
  const isNegated = pattern[at] === "!" || pattern[at] === "^"
  if (isNegated) at++
  const first = at
  const character = (): number | undefined => {
    if (pattern[at] === "\\") at++
    const found = pattern.codePointAt(at)
    if (found !== undefined) at += found > 0xffff ? 2 : 1
    return found
  }
  while (pattern[at] !== "]" || at === first) {
    const named = /^\[:([^\]:]*):\]/.exec(pattern.slice(at, at + 16))
    if (named !== null) {
      const known = ASCII_CLASSES[named[1] as string]
      if (known === undefined) return undefined
      const isCased = ignoreCase && (named[1] === "upper" || named[1] === "lower")
      const tested = isCased ? /[A-Za-z]/ : known
      tests.push((each) => tested.test(String.fromCodePoint(each)))
      at += named[0].length
      continue
    }
    const from = character()
    if (from === undefined) return undefined
    let to: number | undefined = from
    if (pattern[at] === "-" && pattern[at + 1] !== "]" && at + 1 < pattern.length) {
      at++
      to = character()
      if (to === undefined) return undefined
    }
    const last = to
    tests.push((each) => from <= each && each <= last)
  }
  const isIn = (each: number): boolean => tests.some((test) => test(each))
  const either: Test = ignoreCase
    ? (each) => isIn(each) || isIn(lowerCase(each)) || isIn(upperCase(each))
    : isIn
  return { matches: isNegated ? (each) => !either(each) : either, end: at + 1 }
}

function upperCase(character: number): number {
  return String.fromCodePoint(character).toUpperCase().codePointAt(0) as number // of one character
}

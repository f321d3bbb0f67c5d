/** The difference of two short texts, line by line, for a person. */

const CONTEXT_LINES = 1

/** "-" is only in the first, "+" only in the second; equal lines at both ends are left out but for one. */
export function differenceOf(first: string, second: string): string[] {
  const a = first.split("\n")
  const b = second.split("\n")
  let same = 0
  while (same < Math.min(a.length, b.length) && a[same] === b[same]) same++
  let sameEnd = 0
  while (sameEnd < Math.min(a.length, b.length) - same && a.at(-1 - sameEnd) === b.at(-1 - sameEnd)) sameEnd++
  const context = (from: number, to: number): string[] => a.slice(from, to).map((line) => `  ${line}`)
  return [
    ...context(Math.max(0, same - CONTEXT_LINES), same),
    ...a.slice(same, a.length - sameEnd).map((line) => `- ${line}`),
    ...b.slice(same, b.length - sameEnd).map((line) => `+ ${line}`),
    ...context(a.length - sameEnd, a.length - sameEnd + CONTEXT_LINES),
  ]
}

/**
 * Text in columns, measured as terminals do: a Chinese character takes two cells, a combining mark takes none. The
 * library takes 13 ms to load, so it is loaded for the first text that is not ASCII.
 */
import { createRequire } from "node:module"
import { showText } from "../../engine/base/show.ts"

let stringWidth: ((text: string) => number) | undefined

function loadStringWidth(): (text: string) => number {
  const loaded = createRequire(import.meta.url)("string-width") as typeof import("string-width")
  return loaded.default
}

/** The width of a text in terminal cells. */
export function textWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  stringWidth ??= loadStringWidth()
  return stringWidth(text)
}

export function padRight(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)))
}

export function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - textWidth(text))) + text
}

/** As much of the text as fits into `width` cells. */
export function cutToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let cut = ""
  let used = 0
  for (const character of text) {
    used += textWidth(character)
    if (used > width) break
    cut += character
  }
  return cut
}

/** Rows under a header, columns two spaces apart. Columns named in `right` hold numbers. Cells may be stored text. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const lines = (header.length === 0 ? rows : [header, ...rows]).map((cells) => cells.map(showText))
  const widths: number[] = []
  for (const line of lines) {
    line.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, textWidth(cell))))
  }
  return lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return right.includes(column) ? padLeft(cell, width) : padRight(cell, width)
      })
      .join("  ")
      .trimEnd(),
  )
}

/**
 * The nearest word to a mistyped one: by edits (insert, delete, replace, swap of neighbours), at
 * most a third of its length. Used for verbs, flags and the words of other backup tools.
 */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestEdits = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const word of known) {
    const edits = editDistance(typed, word)
    if (edits < bestEdits) [best, bestEdits] = [word, edits]
  }
  return best ?? known.find((word) => typed.length >= 3 && word.startsWith(typed))
}

/** Damerau-Levenshtein distance, in its optimal string alignment form. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1)
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? 0
}

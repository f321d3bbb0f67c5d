/**
 * The nearest word to a mistyped one: by edits (insert, delete, replace, swap of neighbours), one for
 * every four letters and at least one; or the word that it is the start of. The dashes of a flag don't
 * count as letters. Used for verbs and flags.
 */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const letters = bare(typed)
  let best: string | undefined
  let bestEdits = Math.max(1, Math.floor(letters.length / 4)) + 1
  for (const word of known) {
    const edits = editDistance(letters, bare(word))
    // "xy" is one edit from "x", but too little of the word is left
    if (edits < bestEdits && edits < letters.length) [best, bestEdits] = [word, edits]
  }
  return best ?? known.find((word) => letters.length >= 3 && bare(word).startsWith(letters))
}

function bare(word: string): string {
  return word.replace(/^--/, "")
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

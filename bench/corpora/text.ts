/**
 * Prose-like and log-like text from a seed. Words follow a Zipf distribution and are partly in fixed phrases, so a
 * general compressor does about as well as on real notes (four to five times smaller with zstd).
 */
import { seededRandom, type SeededRandom } from "./random.ts"

export interface TextMaker {
  /** Paragraphs of sentences, at least `length` bytes, ASCII. */
  prose(length: number): string
  /** A markdown page with headings, lists and paragraphs, about `length` bytes. */
  markdown(length: number): string
  /** One line of JSON as in an agent's journal, with its line feed. */
  journalLine(sequence: number): string
  /** A sentence with its full stop. */
  sentence(): string
}

const syllables =
  "ba be bi bo ca ce co da de di do el en er fa fi fo ga ge go ha he hi in is ja ka ke la le li lo ma me mi mo na ne no or pa pe po ra re ri ro sa se si so ta te ti to un va ve vi za".split(
    " ",
  )

interface Language {
  readonly words: readonly string[]
  readonly phrases: readonly string[]
}

let known: Language | undefined

/** One vocabulary for all corpora: later text must look like earlier text to a compressor. */
function language(): Language {
  if (known !== undefined) return known
  const random = seededRandom("holdfast bench language 1")
  const words = Array.from({ length: 3_000 }, () =>
    Array.from({ length: random.between(1, 4) }, () => random.pick(syllables)).join(""),
  )
  const phrases = Array.from({ length: 4_000 }, () =>
    Array.from({ length: random.between(3, 9) }, () => often(words, random.unit() ** 3)).join(" "),
  )
  known = { words, phrases }
  return known
}

/** The element at a place in [0, 1); a power of a uniform number is close enough to a Zipf distribution. */
function often(list: readonly string[], place: number): string {
  return list[Math.floor(place * list.length)] ?? "la"
}

export function textMaker(random: SeededRandom): TextMaker {
  const { words, phrases } = language()
  const word = (): string => often(words, random.unit() ** 3)
  const phrase = (): string => often(phrases, random.unit() ** 2)

  function sentence(): string {
    const parts = Array.from({ length: random.between(2, 5) }, () =>
      random.unit() < 0.7 ? phrase() : word(),
    )
    const joined = parts.join(" ")
    return joined.charAt(0).toUpperCase() + joined.slice(1) + "."
  }
  function paragraph(): string {
    return Array.from({ length: random.between(3, 7) }, sentence).join(" ")
  }
  function grow(length: number, piece: () => string): string {
    const parts: string[] = []
    let size = 0
    while (size < length) {
      const next = piece()
      parts.push(next)
      size += next.length
    }
    return parts.join("")
  }
  return {
    sentence,
    prose: (length) => grow(length, () => `${paragraph()}\n\n`),
    markdown(length) {
      const block = (): string => {
        const kind = random.below(5)
        if (kind === 0) return `## ${phrase()}\n\n`
        if (kind === 1) return Array.from({ length: 4 }, () => `- ${sentence()}\n`).join("") + "\n"
        return `${paragraph()}\n\n`
      }
      return `# ${phrase()}\n\n${grow(Math.max(0, length - 40), block)}`
    },
    journalLine(sequence) {
      const line = {
        n: sequence,
        role: random.pick(["user", "assistant", "tool"]),
        id: random.bytes(8).toString("hex"),
        text: Array.from({ length: random.between(1, 6) }, sentence).join(" "),
      }
      return `${JSON.stringify(line)}\n`
    },
  }
}

/**
 * Recovery words: 24 words of the English BIP 39 list encode 32 random bytes and a checksum. Accepts
 * words as people type them: any case, any white space, the numbers of a printed sheet. The list is
 * loaded at first use. spec/keys.md.
 *
 * Must never repeat a word in an error: the words are secret.
 */
import type { Bytes } from "../base/bytes.ts"
import { assert, EngineError } from "../base/errors.ts"

const RECOVERY_WORDS = 24
export const RECOVERY_BYTES = 32

export async function wordsOf(entropy: Uint8Array): Promise<string> {
  assert(entropy.length === RECOVERY_BYTES, "24 words stand for 32 bytes")
  const { bip39, wordlist } = await load()
  return bip39.entropyToMnemonic(entropy, wordlist)
}

/**
 * Returns the 32 bytes.
 * @throws invalid "recovery-words"; the error gives a wrong word's position, not the word
 */
export async function entropyOf(text: string): Promise<Bytes> {
  const { bip39, wordlist } = await load()
  const words = splitWords(text)
  if (words.length !== RECOVERY_WORDS) {
    throw refusal(`found ${words.length} words, expected ${RECOVERY_WORDS}`)
  }
  const unknown = words.flatMap((word, i) => (wordlist.includes(word) ? [] : [i + 1]))
  if (unknown.length > 0) {
    const which = unknown.length === 1 ? `word ${unknown[0]} is` : `words ${unknown.join(", ")} are`
    throw refusal(`${which} not in the recovery word list. Check the spelling`)
  }
  try {
    return new Uint8Array(bip39.mnemonicToEntropy(words.join(" "), wordlist))
  } catch {
    throw refusal("the checksum is wrong: a word is wrong, or two words are swapped")
  }
}

/** @returns the number of words in a text, and how many of them are recovery words */
export async function wordCounter(): Promise<
  (text: string) => { readonly words: number; readonly known: number }
> {
  const { wordlist } = await load()
  return (text) => {
    const words = splitWords(text)
    return { words: words.length, known: words.filter((word) => wordlist.includes(word)).length }
  }
}

function splitWords(text: string): string[] {
  const words = text
    .normalize("NFKC")
    .toLowerCase()
    .split(/[\s,;]+/)
  // "7.", "7)" and "7:" are the numbers of a printed sheet, with or without a space after them.
  return words.map((word) => word.replace(/^[0-9]{1,2}[.):]?/, "")).filter((word) => word !== "")
}

function refusal(found: string): EngineError {
  return new EngineError("invalid", "recovery-words", `invalid recovery words: ${found}`)
}

async function load(): Promise<{ bip39: typeof import("@scure/bip39"); wordlist: string[] }> {
  const [bip39, english] = await Promise.all([
    import("@scure/bip39"),
    import("@scure/bip39/wordlists/english.js"),
  ])
  return { bip39, wordlist: english.wordlist }
}

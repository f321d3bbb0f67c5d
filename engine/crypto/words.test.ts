import assert from "node:assert/strict"
import { describe, test } from "node:test"

import fc from "fast-check"

import { isEngineError } from "../base/errors.ts"
import { entropyOf, wordsOf } from "./words.ts"

const zeros = `${"abandon ".repeat(23)}art`

async function refused(text: string, message: RegExp): Promise<void> {
  await assert.rejects(entropyOf(text), (error) => {
    assert.ok(isEngineError(error, "recovery-words"), String(error))
    assert.equal(error.kind, "invalid")
    assert.match(error.message, message)
    for (const word of text.split(/\s+/)) {
      if (word.length > 5) assert.ok(!error.message.includes(word), "an error repeats a secret word")
    }
    return true
  })
}

describe("wordsOf()", () => {
  test("returns the vectors of BIP 39", async () => {
    assert.equal(await wordsOf(new Uint8Array(32)), zeros)
    assert.equal(await wordsOf(new Uint8Array(32).fill(0xff)), `${"zoo ".repeat(23)}vote`)
    const middle = `${"letter advice cage absurd amount doctor acoustic avoid ".repeat(2)}letter advice cage absurd amount doctor acoustic bless`
    assert.equal(await wordsOf(new Uint8Array(32).fill(0x80)), middle)
  })

  test("and entropyOf() are inverses for any 32 bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (entropy) => {
        assert.deepEqual(await entropyOf(await wordsOf(entropy)), new Uint8Array(entropy))
      }),
      { numRuns: 30 },
    )
  })
})

describe("entropyOf()", () => {
  const words = zeros.split(" ")
  const typed: [string, string][] = [
    ["upper case", zeros.toUpperCase()],
    ["extra blanks, tabs and line breaks", `\n  ${words.join(" \t\r\n ")} \n`],
    ["commas", words.join(", ")],
    ["the numbers of a sheet", words.map((word, i) => `${i + 1}. ${word}`).join("\n")],
    ["numbers that touch the words", words.map((word, i) => `${i + 1})${word}`).join(" ")],
    ["blanks that don't break", words.join("\u00a0")],
    ["full-width letters", words.join(" ").replaceAll("a", "\uff41")],
  ]
  for (const [name, text] of typed) {
    test(`reads words with ${name}`, async () => assert.deepEqual(await entropyOf(text), new Uint8Array(32)))
  }

  test("reports a wrong word by its position, and never the word", async () => {
    const one = words.with(6, "abandonn").join(" ")
    await refused(one, /word 7 is not in the recovery word list/)
    await refused(
      words.with(0, "horse-battery").with(23, "staple12").join(" "),
      /words 1, 24 are not in the recovery word list/,
    )
  })

  test("detects a swap or another word of the list by the checksum", async () => {
    await refused(words.with(3, "zebra").join(" "), /checksum is wrong/)
    await refused(["art", ...words.slice(0, 23)].join(" "), /checksum is wrong/)
  })

  test("reports the number of words if there aren't 24", async () => {
    await refused("", /found 0 words, expected 24/)
    await refused("abandon ability", /found 2 words/)
    await refused(`${zeros} ${zeros}`, /found 48 words/)
  })
})

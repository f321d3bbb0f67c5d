/** Generated data of any size, to measure whether the cost per file and per byte is constant. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { settle } from "./packages.ts"
import { seededRandom } from "./random.ts"
import { textMaker } from "./text.ts"
import { endToEnd, writePieces } from "./write-file.ts"

const filesInFolder = 250

/** `count` different files of 0.3 to 1.7 KB, 250 a folder. */
export function manyFiles(count: number): Corpus {
  return {
    name: `files-${count}`,
    about: `${count} generated files of about 1 KB`,
    revision: 1,
    states: ["first"],
    async build(folder) {
      const random = seededRandom(`many files ${count}`)
      const text = textMaker(random)
      for (let index = 0; index < count; index++) {
        const parent = join(
          folder,
          String(Math.floor(index / filesInFolder / 100)),
          String(Math.floor(index / filesInFolder) % 100),
        )
        if (index % filesInFolder === 0) mkdirSync(parent, { recursive: true })
        writeFileSync(join(parent, `${index}.txt`), text.prose(random.between(300, 1_000)))
      }
      settle(folder, 1_710_000_000)
    },
  }
}

/** Files of 100 MB, half of each random and half text. */
export function manyBytes(gigabytes: number): Corpus {
  const length = 100_000_000
  return {
    name: `bytes-${gigabytes}g`,
    about: `${gigabytes} GB in files of 100 MB, half random and half text`,
    revision: 1,
    states: ["first"],
    async build(folder) {
      for (let index = 0; index < gigabytes * 10; index++) {
        const random = seededRandom(`many bytes ${index}`)
        const text = textMaker(random)
        const next = (): Buffer =>
          random.unit() < 0.5 ? random.bytes(1_000_000) : Buffer.from(text.prose(1_000_000), "latin1")
        writePieces(join(folder, `${index}.bin`), length, 1_710_000_000, endToEnd(length, next))
      }
    },
  }
}

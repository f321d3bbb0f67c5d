/**
 * Three files of 200 MiB: random bytes, an archive of text in which the same documents recur at any offset, and an
 * image of a file system: files in scattered extents at block boundaries, with free areas of zeros between them.
 */
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { seededRandom, type SeededRandom } from "./random.ts"
import { textMaker } from "./text.ts"
import { endToEnd, writePieces, type Piece } from "./write-file.ts"

const mebibyte = 2 ** 20
const block = 4_096
const written = 1_720_000_000.25

export const largeFiles: Corpus = {
  name: "large-files",
  about: "200 MiB each of random bytes, text and a disk image",
  revision: 1,
  states: ["first"],
  async build(folder) {
    writeLargeFiles(folder, 200 * mebibyte, "large-files 1")
  },
}

export function writeLargeFiles(folder: string, length: number, seed: string): void {
  const noise = seededRandom(`${seed} noise`)
  const random = seededRandom(`${seed} text`)
  writePieces(
    join(folder, "random.bin"),
    length,
    written,
    endToEnd(length, () => noise.bytes(mebibyte)),
  )
  const documents = makeDocuments(random, length / 4)
  writePieces(
    join(folder, "archive.txt"),
    length,
    written,
    endToEnd(length, () => random.pick(documents)),
  )
  writePieces(join(folder, "disk.img"), length, written, imageExtents(random, documents, length))
}

/** Different documents of 8 to 96 KiB, `total` bytes together. */
function makeDocuments(random: SeededRandom, total: number): Buffer[] {
  const text = textMaker(random)
  const documents: Buffer[] = []
  let size = 0
  while (size < total) {
    const document = Buffer.from(text.markdown(random.between(8, 96) * 1_024), "latin1")
    documents.push(document)
    size += document.length
  }
  return documents
}

function* imageExtents(random: SeededRandom, documents: readonly Buffer[], length: number): Generator<Piece> {
  let offset = 0
  while (offset < length) {
    const fill = random.unit()
    const extent =
      fill < 0.2 ? Buffer.alloc(block * random.between(1, 64)) : padToBlock(random.pick(documents))
    const bytes = extent.subarray(0, length - offset)
    yield { offset, bytes }
    offset += bytes.length
  }
}

function padToBlock(document: Buffer): Buffer {
  const padded = Buffer.alloc(Math.ceil(document.length / block) * block)
  document.copy(padded)
  return padded
}

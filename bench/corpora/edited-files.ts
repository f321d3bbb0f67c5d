/** Large files in which little changes: bytes put in and taken out at any place, and holes. */
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { seededRandom } from "./random.ts"
import { endToEnd, writePieces } from "./write-file.ts"

const mebibyte = 2 ** 20
const written = 1_720_000_000.5

/** Eight edits a state, each an insertion or a deletion of 1 byte to 64 KiB, in 256 MiB that do not compress. */
export const shiftedEdits: Corpus = shifted("shifted-edits", 256 * mebibyte, 6)

export function shifted(name: string, length: number, states: number): Corpus {
  return {
    name,
    about: `${length / mebibyte} MiB that do not compress, eight insertions or deletions before each later run`,
    revision: 1,
    states: Array.from({ length: states }, (_, index) => (index === 0 ? "first" : "later")),
    async build(folder) {
      const random = seededRandom(name)
      writePieces(
        join(folder, "data.bin"),
        length,
        written,
        endToEnd(length, () => random.bytes(mebibyte)),
      )
    },
    async enter(index, { source, built }) {
      const path = join(source, "data.bin")
      if (index === 0) copyFileSync(join(built, "data.bin"), path)
      else writeFileSync(path, edit(readFileSync(path), `${name} ${index}`))
      utimesSync(path, written + index, written + index)
    },
  }
}

export function edit(data: Buffer, seed: string): Buffer {
  const random = seededRandom(seed)
  const places = Array.from({ length: 8 }, () => random.below(data.length)).toSorted((a, b) => a - b)
  const parts: Buffer[] = []
  let from = 0
  for (const place of places) {
    if (place < from) continue
    parts.push(data.subarray(from, place))
    const length = Math.ceil(65_536 ** random.unit())
    const insert = random.unit() < 0.5
    if (insert) parts.push(random.bytes(length))
    from = insert ? place : Math.min(place + length, data.length)
  }
  parts.push(data.subarray(from))
  return Buffer.concat(parts)
}

/** 1 GiB long, 64 MiB of it written in extents of 64 KiB to 1 MiB; the rest is holes. */
export const sparseFile: Corpus = sparse("sparse", 1_024 * mebibyte, 64 * mebibyte)

export function sparse(name: string, length: number, data: number): Corpus {
  return {
    name,
    about: `a file of ${length / mebibyte} MiB with ${data / mebibyte} MiB of data and holes between`,
    revision: 1,
    states: ["first"],
    async build(folder) {
      const random = seededRandom(name)
      const extents = function* (): Generator<{ offset: number; bytes: Buffer }> {
        for (let size = 0; size < data;) {
          const bytes = random.bytes(65_536 * random.between(1, 16))
          yield { offset: 4_096 * random.below((length - bytes.length) / 4_096), bytes }
          size += bytes.length
        }
      }
      writePieces(join(folder, "sparse.img"), length, written, extents())
    },
  }
}

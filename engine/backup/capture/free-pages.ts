/**
 * Overwrites the free pages of a closed SQLite database with zeros. They hold what was deleted earlier: `secure_delete`
 * clears only what is deleted while it is on. Source: sqlite.org/fileformat2.html, "The Freelist".
 */
import { closeSync, openSync, readSync } from "node:fs"
import { writeAll } from "../../base/write-all.ts"

const HEADER_BYTES = 100
const PAGE_SIZE_AT = 16
const FIRST_TRUNK_AT = 32
const FREE_COUNT_AT = 36
/** A trunk page begins with the number of the next one and the number of its leaves. */
const TRUNK_HEAD_BYTES = 8

export function zeroFreePages(file: string): void {
  const descriptor = openSync(file, "r+")
  try {
    const header = Buffer.alloc(HEADER_BYTES)
    if (readSync(descriptor, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return
    const size = header.readUInt16BE(PAGE_SIZE_AT)
    const pageBytes = size === 1 ? 65_536 : size
    const zeros = Buffer.alloc(pageBytes)
    const trunk = Buffer.alloc(pageBytes)
    let left = header.readUInt32BE(FREE_COUNT_AT)
    for (let page = header.readUInt32BE(FIRST_TRUNK_AT); page !== 0 && left > 0; left--) {
      const at = (page - 1) * pageBytes
      readSync(descriptor, trunk, 0, pageBytes, at)
      const leaves = Math.min(trunk.readUInt32BE(4), (pageBytes - TRUNK_HEAD_BYTES) / 4, left - 1)
      for (let leaf = 0; leaf < leaves; leaf++) {
        const number = trunk.readUInt32BE(TRUNK_HEAD_BYTES + 4 * leaf)
        writeAll(descriptor, zeros, (number - 1) * pageBytes)
      }
      const used = TRUNK_HEAD_BYTES + 4 * leaves
      writeAll(descriptor, zeros.subarray(used), at + used)
      left -= leaves
      page = trunk.readUInt32BE(0)
    }
  } finally {
    closeSync(descriptor)
  }
}

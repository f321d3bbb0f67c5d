/** `dump --archive zip`: files, folders and symbolic links; a zip archive has no other types. */
import { crc32 } from "node:zlib"
import type { Bytes } from "../base/bytes.ts"
import type { Entry } from "../format/listing-entry.ts"
import {
  LAST_BLOCK,
  storedBlocks,
  zipDescriptor,
  zipDirectoryEntry,
  zipEnd,
  zipHeader,
  type ZipMember,
} from "./zip-format.ts"

export interface ZipSource {
  readonly entries: AsyncIterable<Entry>
  /** As it stands in the archive; "" leaves an entry out. */
  readonly nameOf: (entry: Entry) => string
  readonly contentOf: (entry: Entry) => AsyncIterable<Uint8Array>
  /** False when nobody reads any more. */
  readonly write: (bytes: Uint8Array) => Promise<boolean>
}

/** The directory at the end is kept in memory: about 100 bytes and the name for each member. */
export async function dumpZip({ entries, nameOf, contentOf, write }: ZipSource): Promise<void> {
  const directory: Bytes[] = []
  let offset = 0
  const put = async (bytes: Uint8Array): Promise<boolean> => {
    offset += bytes.length
    return await write(bytes)
  }
  for await (const entry of entries) {
    const name = nameOf(entry)
    if (name === "" || !isZippable(entry)) continue
    const link = entry.type === "symlink" ? Buffer.from(entry.linkTarget ?? "", "latin1") : undefined
    const size = entry.type === "file" ? entry.size : (link?.length ?? 0)
    const member: ZipMember = { name, entry, size, offset }
    if (!(await put(zipHeader(member)))) return
    const start = offset
    const sizes = { crc: 0, size: 0 }
    for await (const bytes of link === undefined ? contentOf(entry) : [link]) {
      sizes.crc = crc32(bytes, sizes.crc)
      sizes.size += bytes.length
      for (const block of storedBlocks(bytes)) if (!(await put(block))) return
    }
    if (!(await put(LAST_BLOCK))) return
    const done = { ...sizes, packed: offset - start }
    if (!(await put(zipDescriptor(member, done)))) return
    directory.push(zipDirectoryEntry(member, done))
  }
  const start = offset
  for (const line of directory) if (!(await put(line))) return
  await put(zipEnd(directory.length, start, offset - start))
}

function isZippable(entry: Entry): entry is ZipMember["entry"] {
  return entry.type === "file" || entry.type === "directory" || entry.type === "symlink"
}

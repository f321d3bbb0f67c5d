import assert from "node:assert/strict"
import { test } from "node:test"
import { zipDescriptor, zipDirectoryEntry, zipEnd, zipHeader, type ZipMember } from "./dump-zip.ts"

test("zip records of large files, far offsets and many members use eight bytes for them", () => {
  const entry = { type: "file", mode: 0o644, mtimeNs: 0n, size: 5e9 } as unknown as ZipMember["entry"]
  const member: ZipMember = { name: "a", entry, size: 5e9, offset: 6e9 }
  const sizes = { crc: 7, packed: 5_000_100_000, size: 5e9 }
  const header = Buffer.from(zipHeader(member))
  assert.deepEqual(
    [header.readUInt16LE(4), header.readUInt32LE(18), header.readUInt16LE(31)],
    [45, 0xffffffff, 1],
  )
  const descriptor = Buffer.from(zipDescriptor(member, sizes))
  assert.deepEqual(
    [descriptor.readBigUInt64LE(8), descriptor.readBigUInt64LE(16)],
    [5_000_100_000n, 5_000_000_000n],
  )
  const line = Buffer.from(zipDirectoryEntry(member, sizes))
  const wide = [0, 8, 16].map((at) => line.readBigUInt64LE(46 + 1 + 4 + at))
  assert.deepEqual(wide, [5_000_000_000n, 5_000_100_000n, 6_000_000_000n])
  assert.equal(zipEnd(3, 100, 200).length, 22)
  assert.equal(zipEnd(70_000, 100, 200).length, 22 + 56 + 20)
  assert.equal(Buffer.from(zipEnd(3, 6e9, 200)).readBigUInt64LE(48), 6_000_000_000n)
})

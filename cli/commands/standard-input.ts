/**
 * Standard input as a stream for `backup --stdin`. Node's own `process.stdin` ends at once, without an error, if it is
 * a block device or a folder.
 */
import { createReadStream, fstatSync } from "node:fs"
import { UsageError } from "../output/exit-codes.ts"

export function standardInput(): AsyncIterable<Uint8Array> {
  const stat = fstatSync(0)
  if (stat.isDirectory())
    throw new UsageError("standard input is a folder. To save a folder, name it: holdfast backup FOLDER")
  const isRead = stat.isFile() || stat.isBlockDevice() || (stat.isCharacterDevice() && !process.stdin.isTTY)
  return isRead ? createReadStream("", { fd: 0, autoClose: false }) : process.stdin
}

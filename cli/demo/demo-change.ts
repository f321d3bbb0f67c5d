/** The changes of the demo to its copy of a real folder: a bit of everything that people do to files. */
import * as fs from "node:fs"
import { join } from "node:path"

/** A copy with links as links and file times as they were. */
export function copyTree(from: string, to: string): void {
  fs.cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
}

/** Returns a description of the changes. */
export function changeTree(root: string): string[] {
  const files = plainFiles(root)
  if (files.length < 20) throw new Error(`${root} has too few files for a demo`)
  const pick = (share: number): string => files[Math.floor(files.length * share)] ?? root
  const done: string[] = []

  for (let at = 0; at < 10; at++) fs.appendFileSync(pick(at / 10), `\nline ${at} that was not there\n`)
  done.push("10 files got a new line")

  const large = files.toSorted((a, b) => fs.statSync(b).size - fs.statSync(a).size)[0] ?? pick(0)
  changeOneByte(large)
  done.push(`one byte in the largest file (${fs.statSync(large).size} bytes)`)

  for (const share of [0.11, 0.21, 0.31]) fs.rmSync(pick(share))
  done.push("3 files removed")

  const moved = firstFolder(root)
  fs.renameSync(moved, `${moved}-renamed`)
  done.push("a package renamed")

  const added = join(root, "added by the demo")
  fs.mkdirSync(join(added, "an empty folder"), { recursive: true })
  fs.writeFileSync(join(added, "empty file"), "")
  fs.writeFileSync(join(added, "private"), "for the owner alone\n", { mode: 0o600 })
  fs.writeFileSync(Buffer.from(`${added}/not UTF-8: \xff\xfe`, "latin1"), "a name of raw bytes\n")
  fs.symlinkSync("private", join(added, "a link"))
  fs.symlinkSync("nowhere", join(added, "a broken link"))
  fs.linkSync(join(added, "private"), join(added, "a hard link"))
  writeSparse(join(added, "sparse, 64 MiB"))
  fs.chmodSync(join(added, "empty file"), 0o751)
  fs.utimesSync(join(added, "empty file"), 1, 123_456_789.123456)
  done.push("a folder added with links, a hole, odd names, modes and times")
  return done
}

function plainFiles(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

function firstFolder(root: string): string {
  const found = fs
    .readdirSync(root, { withFileTypes: true })
    .find((entry) => entry.isDirectory() && /^[a-z]/.test(entry.name))
  if (found === undefined) throw new Error(`${root} has no folder to rename`)
  return join(root, found.name)
}

function changeOneByte(path: string): void {
  const { mode, size } = fs.statSync(path)
  fs.chmodSync(path, mode | 0o200)
  const file = fs.openSync(path, "r+")
  const byte = Buffer.alloc(1)
  const middle = Math.floor(size / 2)
  fs.readSync(file, byte, 0, 1, middle)
  byte[0] = (byte[0] ?? 0) ^ 0xff
  fs.writeSync(file, byte, 0, 1, middle)
  fs.closeSync(file)
  fs.chmodSync(path, mode)
}

function writeSparse(path: string): void {
  const file = fs.openSync(path, "w")
  fs.ftruncateSync(file, 64 * 1024 * 1024)
  fs.writeSync(file, "in the middle", 32 * 1024 * 1024)
  fs.closeSync(file)
}

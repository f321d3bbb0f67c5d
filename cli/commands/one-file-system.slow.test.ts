/** `backup --one-file-system` across real mounts, and every way in which a path there can be named. */
import * as assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { test } from "node:test"
import { disk } from "../testing/disk.ts"
import { sandbox } from "../testing/run-cli.ts"

test("backup --one-file-system keeps other disks out, and everything that was named in", (context) => {
  const box = sandbox(context)
  const top = mkdtempSync(join(tmpdir(), "holdfast-mounts-"))
  mkdirSync(join(top, "disk"))
  disk(context, "4m", join(top, "disk"))
  context.after(() => rmSync(top, { recursive: true }))
  for (const name of ["here/f", "disk/f", "disk/a/g", "disk/a/b/h", "disk/c/i", "other/j"]) {
    mkdirSync(dirname(join(top, name)), { recursive: true })
    writeFileSync(join(top, name), name)
  }
  writeFileSync(box.path("list"), `${top}/here\n${top}/disk/a/g\n`)
  box.must("init")
  /** The files, or all, that a backup of these has. */
  const kept = (what: RegExp, ...words: string[]): string[] => {
    const typed = words.map((word) => word.replace("top", top))
    box.must("backup", "--one-file-system", "--series", "s", ...typed)
    assert.match(box.must("diff", "latest").out, /^0 added, 0 removed, 0 changed/, words.join(" "))
    const paths = box.must("ls", "latest").out.trim().split("\n")
    return paths.filter((path) => what.test(path)).map((path) => path.replace(`${basename(top)}/`, "top/"))
  }
  const files = (...words: string[]): string[] => kept(/(^|\/)[f-j]$/, ...words)
  assert.deepEqual(kept(/./, "top"), ["disk", "here", "here/f", "other", "other/j"])
  assert.deepEqual(files("top/disk"), ["a/b/h", "a/g", "c/i", "f"])
  assert.deepEqual(files("top/here", "top/disk"), ["disk/a/b/h", "disk/a/g", "disk/c/i", "disk/f", "here/f"])
  assert.deepEqual(files("top/here", "top/disk/a"), ["disk/a/b/h", "disk/a/g", "here/f"])
  assert.deepEqual(files("top", "top/disk/a/b"), ["top/disk/a/b/h", "top/here/f", "top/other/j"])
  assert.deepEqual(files("--files-from", box.path("list")), ["disk/a/g", "here/f"])
})

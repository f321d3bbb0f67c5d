/** Trees with paths longer than the system takes, and longer than a snapshot does. */
import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { deepFolder, makeDeep, readDeep, timed } from "../testing/deep-tree.ts"
import { sandbox } from "../testing/run-cli.ts"

const SECONDS_MAX = 20

test("2,100 nested folders are backed up, listed, checked, restored and compared in seconds", (context) => {
  const box = sandbox(context)
  const folder = deepFolder(context)
  const source = join(folder, "deep")
  const target = join(folder, "out")
  makeDeep(source, 2_100, "d")
  box.must("init")
  const run = (...words: string[]): string => {
    let out = ""
    const seconds = timed(() => ({ out } = box.must(...words)))
    assert.ok(seconds < SECONDS_MAX, `${words.join(" ")} took ${seconds} s`)
    return out
  }
  assert.match(run("backup", source), /3 new/)
  assert.match(run("backup", source), /nothing changed/)
  assert.equal(run("ls", "latest").split("\n").length, 1 + 2_100 + 3)
  run("check", "--read-data")
  run("restore", "latest", "--target", target)
  for (const level of [1_000, 2_000, 2_100])
    assert.equal(readDeep(target, level, "d"), `content of level ${level}`)
  assert.match(run("diff", "latest", "--with", target), /^0 added, 0 removed, 0 changed/m)
})

test("paths too long for a snapshot are reported for the folder that they are in, and all else is saved", (context) => {
  const box = sandbox(context)
  const folder = deepFolder(context)
  const name = "n".repeat(250)
  const source = join(folder, "deep")
  makeDeep(source, 132, name)
  box.must("init")
  for (const words of [
    ["backup", source],
    ["backup", source, "--force"],
  ]) {
    const { code, err } = box.run(...words)
    assert.equal(code, 3, err)
    assert.match(err, /: it contains paths of more than 32768 bytes, which can't be saved/)
    assert.doesNotMatch(err, /could not be read: it contains/)
  }
  assert.equal(box.must("ls", "latest").out.split("\n").length, 1 + 130)
  box.must("check", "--read-data")
  box.must("restore", "latest", "--target", join(folder, "out"))
})

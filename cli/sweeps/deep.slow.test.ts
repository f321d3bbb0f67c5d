/** A tree whose paths are nearly as long as a snapshot takes: time that grew with the cube of its depth would show here. */
import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { deepFolder, makeDeep, readDeep, timed } from "../testing/deep-tree.ts"
import { sandbox } from "../testing/run-cli.ts"

/** Of one letter each: the file of the last one has a path of 32,001 bytes. */
const DEPTH = 16_000

test("16,000 nested folders take every verb a few seconds and the file system's own time", (context) => {
  const box = sandbox(context)
  const folder = deepFolder(context)
  const source = join(folder, "deep")
  const target = join(folder, "out")
  // the file system takes its time for them, and takes it again at a restore
  const making = timed(() => makeDeep(source, DEPTH, "d"))
  box.must("init")
  const run = (secondsMax: number, ...words: string[]): string => {
    let out = ""
    const seconds = timed(() => ({ out } = box.must(...words)))
    context.diagnostic(`${words[0]}: ${seconds.toFixed(1)} s`)
    assert.ok(seconds < secondsMax, `${words.join(" ")} took ${seconds} s`)
    return out
  }
  assert.match(run(30, "backup", source), /16 new/)
  assert.match(run(20, "backup", source), /nothing changed/)
  assert.match(run(30, "backup", source, "--force", "--exclude", "**/x/*.log", "--exclude", "/a/b"), /16/)
  run(15, "ls", "latest")
  run(15, "check", "--read-data")
  run(20 + 3 * making, "restore", "latest", "--target", target)
  assert.equal(readDeep(target, DEPTH, "d"), `content of level ${DEPTH}`)
  assert.match(run(20, "diff", "latest", "--with", target), /^0 added, 0 removed, 0 changed/m)
  assert.match(run(20 + 3 * making, "restore", "latest", "--target", target), /16 files already/)
})

/** A block device on standard input. Needs the right to set up a loop device, and fails without it. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { seededRandom } from "../../fixtures/random.ts"
import { sandbox } from "../testing/run-cli.ts"

test("backup --stdin reads a block device and a character device to their end", (context) => {
  const box = sandbox(context)
  box.must("init")
  const image = box.path("image")
  writeFileSync(image, seededRandom("image").bytes(1024 * 1024))
  const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim()
  context.after(() => execFileSync("losetup", ["--detach", device]))
  const save = (path: string): void => {
    const fd = openSync(path, "r")
    const { code, err } = box.runWith(box.environment, ["backup", "--stdin", "--force-snapshot"], fd)
    closeSync(fd)
    assert.equal(code, 0, err)
    box.must("restore", "latest", "--target", box.path("out"))
  }
  save(device)
  assert.ok(readFileSync(box.path("out", "stdin")).equals(readFileSync(image)))
  save("/dev/null")
  assert.equal(readFileSync(box.path("out", "stdin")).length, 0)
})

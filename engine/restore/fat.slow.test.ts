/**
 * A restore to a mounted FAT volume, which has no owners, modes, attributes, links or special files, and times of two
 * seconds. Uses the kernel's driver, or the one for FUSE. Fails without the right to mount.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { makeFifo, setAttribute, setMtime } from "../../fixtures/native.ts"
import { backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"

const LARGE = Buffer.alloc(3 * 2 ** 20, "large")

function makeSource({ folder }: BackupPlace): string {
  const source = join(folder, "source")
  fs.mkdirSync(join(source, "folder", "in it"), { recursive: true })
  fs.writeFileSync(join(source, "folder", "in it", "a long name.and its end"), LARGE)
  fs.writeFileSync(join(source, "attributes"), "attributes")
  assert.ok(setAttribute(join(source, "attributes"), "user.one", new Uint8Array(10)))
  fs.writeFileSync(join(source, "mode"), "mode", { mode: 0o400 })
  fs.writeFileSync(join(source, "owned"), "owned")
  fs.chownSync(join(source, "owned"), 1234, 1234)
  fs.writeFileSync(join(source, "time"), "time")
  setMtime(join(source, "time"), 1_234_567_890_987_654_321n)
  fs.symlinkSync("time", join(source, "link"))
  fs.linkSync(join(source, "time"), join(source, "same"))
  makeFifo(join(source, "fifo"))
  return source
}

const IN_KERNEL = /^\tvfat$/m.test(fs.readFileSync("/proc/filesystems", "utf8"))

/** A target on a FAT volume, exFAT where the kernel has no FAT; unmounted when the test ends. */
function mounted(t: TestContext, { folder }: BackupPlace): string {
  const image = join(folder, "image")
  fs.writeFileSync(image, "")
  fs.truncateSync(image, 64 * 2 ** 20)
  execFileSync(IN_KERNEL ? "mkfs.vfat" : "mkfs.exfat", [image], { stdio: "pipe" })
  const device = execFileSync("losetup", ["--find", "--show", image], { encoding: "utf8" }).trim()
  const place = fs.mkdtempSync(join(tmpdir(), "holdfast-fat-"))
  const [program, ...words] = IN_KERNEL ? ["mount", "-t", "vfat"] : ["mount.exfat-fuse"]
  execFileSync(program as string, [...words, device, place], { stdio: "pipe" })
  t.after(() => {
    execFileSync("umount", [place])
    execFileSync("losetup", ["--detach", device])
    fs.rmdirSync(place)
  })
  return join(place, "target")
}

function assertRestored(target: string, source: string): void {
  const large = ["folder", "in it", "a long name.and its end"]
  assert.ok(fs.readFileSync(join(target, ...large)).equals(LARGE))
  for (const name of ["attributes", "mode", "owned"])
    assert.equal(fs.readFileSync(join(target, name), "utf8"), name)
  for (const name of ["time", "same"]) assert.equal(fs.readFileSync(join(target, name), "utf8"), "time")
  for (const path of [["time"], ["same"], ["attributes"], large]) {
    const off = fs.statSync(join(target, ...path)).mtimeMs - fs.statSync(join(source, ...path)).mtimeMs
    assert.ok(Math.abs(off) <= 2_000, `${path.join("/")} is off by ${off} ms`)
  }
  assert.deepEqual(fs.readdirSync(target), ["attributes", "folder", "mode", "owned", "same", "time"])
}

test("restore() to FAT restores all files, and reports per entry what isn't supported; the second run changes nothing", async (t) => {
  const place = await backupPlace(t, { local: true })
  const source = makeSource(place)
  const { at } = await save(place.repository, source)
  const target = mounted(t, place)
  for (const [restored, skipped] of [
    [6, 0],
    [0, 6],
  ]) {
    const result = await restoreTo(place.repository, at, target)
    const { errors, leftOut, filesRestored, filesSkipped } = result
    assert.deepEqual(
      errors.map(({ path }) => path),
      ["fifo", "link"],
    )
    assert.deepEqual([filesRestored, filesSkipped], [restored, skipped])
    assert.deepEqual([leftOut.attribute, leftOut.owner, leftOut.time], [1, 1, undefined])
    assert.ok((leftOut.mode ?? 0) > 0)
    assertRestored(target, source)
  }
})

/** Restores to mounted file systems that can't store all that was recorded. Fails without the right to mount. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { attributesOf, setAttribute, setMtime } from "../../fixtures/native.ts"
import { accessAcl } from "../testing/acl.ts"
import { backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"

function makeSource({ folder }: BackupPlace): string {
  const source = join(folder, "source")
  fs.mkdirSync(source)
  for (const name of ["acl", "attributes", "late"]) fs.writeFileSync(join(source, name), name)
  const acl = accessAcl("u::rw- u:1234:rw- g::r-- m::rw- o::---")
  assert.ok(setAttribute(join(source, "acl"), acl.name, acl.value))
  for (const name of ["user.one", "user.two"])
    setAttribute(join(source, "attributes"), name, new Uint8Array(1500))
  fs.chmodSync(join(source, "attributes"), 0o444)
  setMtime(join(source, "late"), 4_000_000_000n * 1_000_000_000n)
  return source
}

/** A target on a file system of its own; unmounted when the test ends. */
function mounted(t: TestContext, words: readonly string[]): string {
  const place = fs.mkdtempSync(join(tmpdir(), "holdfast-mounted-"))
  execFileSync("mount", [...words, place])
  t.after(() => {
    execFileSync("umount", ["--lazy", place])
    fs.rmdirSync(place)
  })
  return join(place, "target")
}

test("restore() to a file system without attributes restores all files, and grants nobody more than the ACL did", async (t) => {
  const place = await backupPlace(t)
  const { at } = await save(place.repository, makeSource(place))
  const target = mounted(t, ["-t", "ramfs", "holdfast-test"])
  for (const expected of [3, 0]) {
    const { errors, leftOut, filesRestored } = await restoreTo(place.repository, at, target)
    assert.deepEqual([errors, leftOut, filesRestored], [[], { acl: 1, attribute: 1 }, expected])
    assert.deepEqual(fs.readdirSync(target), ["acl", "attributes", "late"])
    assert.equal(fs.statSync(join(target, "acl")).mode & 0o777, 0o640)
  }
})

test("restore() to a small and old ext4 restores all files, and counts attributes and times that don't fit", async (t) => {
  const place = await backupPlace(t)
  const { at } = await save(place.repository, makeSource(place))
  const image = join(place.folder, "image")
  fs.writeFileSync(image, "")
  fs.truncateSync(image, 16 * 2 ** 20)
  execFileSync("mkfs.ext4", ["-q", "-F", "-I", "128", "-b", "1024", image])
  const target = mounted(t, ["-o", "loop", image])
  const { errors, leftOut } = await restoreTo(place.repository, at, target)
  assert.deepEqual([errors, leftOut], [[], { attribute: 1, time: 1 }])
  assert.equal(fs.readFileSync(join(target, "attributes"), "utf8"), "attributes")
})

test("backup() of more attributes than a snapshot allows keeps the file and reports it", async (t) => {
  const place = await backupPlace(t)
  const source = mounted(t, ["-t", "tmpfs", "holdfast-test"])
  fs.mkdirSync(source)
  for (const [name, count] of [
    ["most", 1_024],
    ["more", 1_025],
  ] as const) {
    fs.writeFileSync(join(source, name), name)
    for (let i = 0; i < count; i++)
      assert.ok(setAttribute(join(source, name), `user.${i}`, new Uint8Array(1)))
  }
  const { at, errors } = await save(place.repository, source)
  assert.deepEqual(errors, [{ path: "more", message: "it has more extended attributes than can be saved" }])
  const target = join(mounted(t, ["-t", "tmpfs", "holdfast-test"]), "again")
  assert.deepEqual((await restoreTo(place.repository, at, target)).errors, [])
  assert.deepEqual(
    ["most", "more"].map((name) => attributesOf(join(target, name)).length),
    [1_024, 0],
  )
  assert.equal(fs.readFileSync(join(target, "more"), "utf8"), "more")
})

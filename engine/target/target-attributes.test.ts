/**
 * Attributes, ACLs and capabilities in a target: what is restored, and what is left out without
 * losing the entry.
 */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { isRoot } from "../../fixtures/native.ts"
import type { Bytes } from "../base/bytes.ts"
import { accessAcl, defaultAcl, NET_BIND } from "../testing/acl.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { META, OVER, put, raw, targetFolder } from "../testing/target-fixture.ts"
import { openNative } from "../system/native.ts"
import { ACCESS_ACL } from "../system/in-folder.ts"
import { modeWithoutAcl } from "./permitted.ts"
import type { ExtendedAttribute } from "../system/stat.ts"
import type { Metadata, Target } from "./target.ts"

const folder = targetFolder()
const COMMENT: ExtendedAttribute = { name: raw("user.comment"), value: new Uint8Array([1, 2]) as Bytes }
const OTHER: ExtendedAttribute = { name: raw("user.other"), value: new Uint8Array([3]) as Bytes }
const SHARED = accessAcl("u::rw- u:1234:rw- g::r-- m::rw- o::---")
const INHERITED = defaultAcl("u::rwx u:1234:rwx g::rwx m::rwx o::rwx")

function attributesIn(target: Target, path: string): readonly ExtendedAttribute[] {
  return target.attributes(raw(path)).filter(({ name }) => name !== "security.selinux")
}

function setOutside(path: string, attribute: ExtendedAttribute): void {
  assert.equal(openNative()?.setAttribute(path, attribute), undefined)
}

test("a target sets attributes and ACLs with a read-only mode, on files and folders", () => {
  const target = folder.open()
  const xattrs = [SHARED, COMMENT, OTHER]
  const readOnly = accessAcl("u::r-- u:1234:r-- g::--- m::r-- o::---")
  assert.deepEqual(put(target, "f", "x", { mode: 0o444, xattrs: [COMMENT] }), [])
  assert.deepEqual(put(target, "acl", "x", { mode: 0o660, xattrs }), [])
  assert.deepEqual(put(target, "both", "x", { mode: 0o440, xattrs: [readOnly, COMMENT] }), [])
  target.ensureFolder(raw("d"), { replace: false })
  const inFolder = [accessAcl("u::r-x u:1234:rwx g::r-x m::rwx o::r-x"), INHERITED, COMMENT]
  assert.deepEqual(target.finishFolder(raw("d"), { ...META, mode: 0o575, xattrs: inFolder }), [])
  assert.deepEqual(attributesIn(target, "f"), [COMMENT])
  assert.deepEqual(attributesIn(target, "acl"), xattrs)
  assert.deepEqual(attributesIn(target, "both"), [readOnly, COMMENT])
  assert.deepEqual(attributesIn(target, "d"), inFolder)
  assert.deepEqual(
    ["f", "acl", "both", "d"].map((path) => folder.stat(path).mode),
    [0o444, 0o660, 0o440, 0o575],
  )
  for (const path of ["f", "acl", "both", "d"]) {
    if (path !== "d") folder.assertTime(target, path, META.mtimeNs)
    const { mode } = folder.stat(path)
    const metadata = { ...META, mode, xattrs: attributesIn(target, path) }
    assert.deepEqual(target.compareMetadata(raw(path), folder.stat(path), metadata), [])
  }
})

test("a target corrects attributes in place, also of a read-only file", () => {
  const target = folder.open()
  const steps: readonly Partial<Metadata>[] = [
    { mode: 0o444, xattrs: [COMMENT] },
    { mode: 0o444, xattrs: [OTHER] },
    { mode: 0o460, xattrs: [accessAcl("u::r-- u:1234:rw- g::r-- m::rw- o::---"), COMMENT, OTHER] },
    { mode: 0o440, xattrs: [] },
    { mode: 0o440, xattrs: [{ ...COMMENT, value: new Uint8Array(0) as Bytes }] },
  ]
  put(target, "f", "x")
  const { inode } = folder.stat("f")
  for (const step of steps) {
    const metadata = { ...META, ...step }
    assert.equal(target.compareMetadata(raw("f"), folder.stat("f"), metadata), undefined)
    assert.deepEqual(target.updateMetadata(raw("f"), metadata), { changed: true, leftOut: [] })
    assert.deepEqual(attributesIn(target, "f"), metadata.xattrs)
    assert.deepEqual([folder.stat("f").mode, folder.stat("f").inode], [metadata.mode, inode])
    assert.deepEqual(target.compareMetadata(raw("f"), folder.stat("f"), metadata), [])
  }
})

test("a default ACL of the target's folder adds nothing to restored entries", () => {
  for (const isStaged of [false, true]) {
    fs.rmSync(folder.root, { recursive: true, force: true })
    fs.mkdirSync(folder.root)
    setOutside(folder.root, INHERITED)
    if (!isStaged) fs.mkdirSync(join(folder.root, "stands"))
    const named = folder.open()
    const staging = named.stage()
    assert.equal(staging !== undefined, isStaged)
    const target = folder.open({ staging })
    for (const path of ["made", "made/in"]) target.ensureFolder(raw(path), { replace: false })
    if (!isStaged) target.ensureFolder(raw("stands"), { replace: false })
    const folders = isStaged ? ["made/in/", "made/", ""] : ["made/in/", "made/", "stands/", ""]
    for (const each of folders) {
      put(target, `${each}f`, "x", { mode: 0o664 })
      put(target, `${each}g`, "x", { mode: 0o660, xattrs: [SHARED] })
      target.placeFifo(raw(`${each}p`), { ...META, mode: 0o660 }, OVER)
    }
    for (const path of ["made/in", "made"]) target.finishFolder(raw(path), { ...META, mode: 0o775 })
    if (staging !== undefined) assert.deepEqual(named.publish(staging), [])
    for (const each of folders) {
      assert.deepEqual(attributesIn(named, `${each}f`), [], `${each}f`)
      assert.deepEqual(attributesIn(named, `${each}p`), [], `${each}p`)
      assert.deepEqual(attributesIn(named, `${each}g`), [SHARED], `${each}g`)
      assert.deepEqual([folder.stat(`${each}f`).mode, folder.stat(`${each}p`).mode], [0o664, 0o660])
    }
    for (const path of ["made/in", "made"]) assert.deepEqual(attributesIn(named, path), [], path)
    assert.equal(folder.stat("made").mode, 0o775)
  }
})

test("a target that can't set an ACL grants nobody more than the ACL did, and reports it", () => {
  const target = folder.open({ native: false })
  const wanted = { ...META, mode: 0o660, mtimeNs: 1_000_000_000n, xattrs: [SHARED, COMMENT] }
  assert.deepEqual(put(target, "f", "x", wanted), ["attribute", "acl"])
  assert.equal(folder.stat("f").mode, 0o640)
  target.ensureFolder(raw("d"), { replace: false })
  const acl = accessAcl("u::rwx u:1234:rwx g::r-x m::rwx o::---")
  assert.deepEqual(target.finishFolder(raw("d"), { ...META, mode: 0o770, xattrs: [acl] }), ["acl"])
  assert.equal(folder.stat("d").mode, 0o750)
  // again: nothing changes, and it is still reported
  const { ctimeNs } = folder.stat("f")
  assert.deepEqual(target.updateMetadata(raw("f"), wanted), { changed: false, leftOut: ["attribute", "acl"] })
  assert.equal(folder.stat("f").ctimeNs, ctimeNs)
})

test("modeWithoutAcl() grants the group and others no right that an entry of the ACL withholds", () => {
  const cases: readonly (readonly [number, string, number])[] = [
    [0o660, "u::rw- u:7:rw- g::r-- m::rw- o::---", 0o640],
    [0o775, "u::rwx u:7:rwx g::r-x m::rwx o::r-x", 0o755],
    [0o644, "u::rw- u:7:--- g::r-- m::r-- o::r--", 0o600], // user 7 may be in the group, or one of the others
    [0o644, "u::rw- g::r-- g:7:--- m::r-- o::r--", 0o640], // group 7 was shut out, and would be "others"
    [0o604, "u::rw- u:7:rw- g::rw- m::--- o::r--", 0o600],
    [0o2775, "u::rwx g::rwx m::rwx o::r-x", 0o2775],
  ]
  for (const [mode, acl, expected] of cases)
    assert.equal(modeWithoutAcl(mode, accessAcl(acl).value).toString(8), expected.toString(8), acl)
  for (const length of [0, 3, 4, 7, 11]) {
    const cut = accessAcl("u::rwx g::rwx o::rwx").value.subarray(0, length)
    assert.equal(modeWithoutAcl(0o777, cut) & 0o070, 0, "what is no ACL gives the group nothing")
  }
})

test("a target restores capabilities as root, and skips them if it may not set them", () => {
  const xattrs = [NET_BIND]
  const setuid = { mode: 0o4755, xattrs }
  assert.deepEqual(put(folder.open(), "f", "x", setuid), isRoot ? [] : ["capability"])
  assert.deepEqual(put(folder.open({ setuid: false }), "g", "x", setuid), ["capability", "setuid"])
  assert.deepEqual(put(folder.open({ owners: false }), "h", "x", setuid), ["capability", "setuid"])
  const target = folder.open()
  assert.deepEqual(attributesIn(target, "f"), isRoot ? xattrs : [])
  for (const path of ["g", "h"]) assert.deepEqual(attributesIn(target, path), [])
  if (!isRoot) return
  // a change of owner clears them, so they are set again
  const others = { ...META, ...setuid, uid: 1234, gid: 4321 }
  assert.deepEqual(target.updateMetadata(raw("f"), others), { changed: true, leftOut: [] })
  assert.deepEqual([attributesIn(target, "f"), folder.stat("f").mode], [xattrs, 0o4755])
  // right attributes stay, and those that the snapshot doesn't have are removed, even without --setuid
  const plain = folder.open({ setuid: false })
  assert.deepEqual(plain.compareMetadata(raw("f"), folder.stat("f"), others), [])
  const { xattrs: none, mode } = { ...META, mode: 0o755 }
  assert.equal(plain.updateMetadata(raw("f"), { ...others, mode, xattrs: none })?.changed, true)
  assert.deepEqual([attributesIn(target, "f"), folder.stat("f").mode], [[], 0o755])
})

test("a target sets trusted.* only if opened for system attributes", () => {
  const trusted: ExtendedAttribute = { name: raw("trusted.x"), value: new Uint8Array([7]) as Bytes }
  const xattrs = [trusted, COMMENT]
  assert.deepEqual(put(folder.open(), "f", "x", { xattrs }), [])
  const willing = folder.open({ systemAttributes: true })
  assert.deepEqual(put(willing, "g", "x", { xattrs }), isRoot ? [] : ["attribute"])
  assert.deepEqual(attributesIn(willing, "f"), [COMMENT])
  assert.deepEqual(attributesIn(willing, "g"), isRoot ? xattrs : [COMMENT])
})

test("an attribute too large for the file system loses no file", () => {
  const large: ExtendedAttribute = { name: raw("user.large"), value: new Uint8Array(65_536) as Bytes }
  const many = Array.from({ length: 40 }, (_, i): ExtendedAttribute => {
    return { name: raw(`user.${i}`), value: new Uint8Array(60_000) as Bytes }
  })
  const target = folder.open()
  put(target, "f", "content", { mode: 0o400, xattrs: [large, ...many] })
  assert.equal(folder.text("f"), "content")
  assert.equal(folder.stat("f").mode, 0o400)
})

test("a malformed ACL loses no file and grants the group nothing", () => {
  const bad: ExtendedAttribute = { name: ACCESS_ACL, value: new Uint8Array([2, 0, 0, 0, 1]) as Bytes }
  assert.deepEqual(put(folder.open(), "f", "x", { mode: 0o664, xattrs: [bad] }), ["acl"])
  assert.equal(folder.stat("f").mode, 0o604)
})

alsoAsOrdinaryUser(import.meta.url)

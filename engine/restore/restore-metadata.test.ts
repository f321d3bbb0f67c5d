/** Metadata through a whole backup and restore: what is restored, counted as left out, or not touched. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import {
  attributesOf,
  isRoot,
  makeFifo,
  makeNullDevice,
  setAttribute,
  setMtime,
} from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import {
  findSnapshot,
  restore,
  type RestoreEvent,
  type RestoreRequest,
  type RestoreResult,
} from "../index.ts"
import { accessAcl, defaultAcl, NET_BIND } from "../testing/acl.ts"
import { assertPicture, backupPlace, restoreTo, save } from "../testing/backup-place.ts"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"

interface Place {
  readonly source: string
  readonly target: string
  readonly run: (changes?: Partial<RestoreRequest>) => Promise<RestoreResult>
  readonly watch: (changes?: Partial<RestoreRequest>) => Promise<RestoreEvent[]>
}

async function placeOf(t: TestContext, make: (source: string) => void): Promise<Place> {
  const { folder, repository } = await backupPlace(t)
  const [source, target] = [join(folder, "source"), join(folder, "target")]
  fs.mkdirSync(source)
  make(source)
  const { at, errors } = await save(repository, source)
  assert.deepEqual(errors, [])
  return {
    source,
    target,
    run: (changes) => restoreTo(repository, at, target, changes),
    async watch(changes) {
      const events: RestoreEvent[] = []
      const { snapshot } = await findSnapshot(repository, at)
      await restore(repository, { snapshot, target, ...changes }, (event) => void events.push(event))
      return events
    },
  }
}

const ACL = accessAcl("u::rw- u:1234:rw- g::r-- m::rw- o::---")

/** A read-only file with an attribute, one with an ACL, a setuid program, one with capabilities, a folder with a default ACL. */
function makeSpecial(source: string): void {
  for (const name of ["read-only", "acl", "setuid", "capability", "folder/inside"]) {
    fs.mkdirSync(join(source, name, ".."), { recursive: true })
    fs.writeFileSync(join(source, name), name)
  }
  setAttribute(join(source, "read-only"), "user.comment", new Uint8Array([1]))
  fs.chmodSync(join(source, "read-only"), 0o444)
  assert.ok(setAttribute(join(source, "acl"), ACL.name, ACL.value))
  fs.chmodSync(join(source, "setuid"), 0o6755)
  if (isRoot) setAttribute(join(source, "capability"), NET_BIND.name, NET_BIND.value)
  const inherited = defaultAcl("u::rwx u:1234:rwx g::rwx m::rwx o::rwx")
  assert.ok(setAttribute(join(source, "folder"), inherited.name, inherited.value))
}

test("restore() restores ACLs, capabilities, setuid bits and a read-only file's attributes, and repeated changes nothing", async (t) => {
  const { source, target, run } = await placeOf(t, makeSpecial)
  for (let round = 0; round < 2; round++) {
    const { errors, leftOut, filesRestored } = await run()
    assert.deepEqual([errors, leftOut], [[], {}])
    assert.equal(filesRestored, round === 0 ? 5 : 0)
    assertPicture(target, pictureOf(source))
  }
})

test("restore() without setuid, owners or privileges counts and lists what it leaves out", async (t) => {
  const { target, run, watch } = await placeOf(t, (source) => {
    makeSpecial(source)
    for (let i = 0; i < 150; i++)
      fs.writeFileSync(join(source, `more-${i}`), Buffer.alloc(120_000, i), { mode: 0o755 })
    for (let i = 0; i < 150; i++) fs.chmodSync(join(source, `more-${i}`), 0o4755) // enough for worker threads
  })
  for (const request of [{ setuid: false }, { owners: false }, { privileges: false }] as const) {
    fs.rmSync(target, { recursive: true, force: true })
    const expected = isRoot ? { setuid: 151, capability: 1 } : { setuid: 151 }
    assert.deepEqual((await run(request)).leftOut, expected, JSON.stringify(request))
    assert.equal(fs.statSync(join(target, "setuid")).mode & 0o7777, 0o755)
    assert.deepEqual(attributesOf(join(target, "capability")), [])
    const again = await run(request)
    assert.deepEqual([again.leftOut, again.filesRestored], [expected, 0], "and says so when it is run again")
  }
  const events = await watch({ setuid: false, verbose: true })
  const listed = events.flatMap((event) =>
    event.type === "left-out" ? [`${event.path} ${event.what.join()}`] : [],
  )
  assert.ok(listed.includes("setuid setuid") && listed.includes("more-7 setuid"), listed.slice(0, 9).join())
  assert.equal(listed.length, isRoot ? 152 : 151)
})

test("restore() without setuid keeps the setuid bit of a right file, even when it sets a time", async (t) => {
  const { target, run } = await placeOf(t, makeSpecial)
  await run()
  const program = join(target, "setuid")
  setMtime(join(target, "acl"), 1n)
  for (const request of [{ setuid: false }, { owners: false }]) {
    const { ctimeNs } = fs.statSync(program, { bigint: true })
    assert.deepEqual((await run(request)).errors, [])
    assert.equal(fs.statSync(program, { bigint: true }).ctimeNs, ctimeNs)
    setMtime(program, 5n)
    await run(request)
    assert.equal(fs.statSync(program).mode & 0o7777, 0o6755)
  }
})

test("restore() without privileges creates no device, even if special files are requested", async (t) => {
  const { target, watch } = await placeOf(t, (source) => {
    if (isRoot) makeNullDevice(join(source, "null"))
    makeFifo(join(source, "fifo"))
  })
  const events = await watch({ special: true, privileges: false })
  assert.deepEqual(fs.readdirSync(target), ["fifo"])
  assert.equal(
    events.some((event) => event.type === "notice" && event.message.includes("null")),
    isRoot,
  )
  await watch({ special: true })
  assert.deepEqual(fs.readdirSync(target), isRoot ? ["fifo", "null"] : ["fifo"])
})

alsoAsOrdinaryUser(import.meta.url)

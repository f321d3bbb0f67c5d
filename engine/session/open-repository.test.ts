import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { test } from "node:test"
import type { TestContext } from "node:test"
import { isEngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { encodeCanonical } from "../format/msgpack.ts"
import { openRepositoryHome } from "../home/home.ts"
import { openRepository } from "./open-repository.ts"
import { createRepository } from "./create-repository.ts"
import { localStore } from "../store/folder/local-store.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { faultAt, faultyStore, StoreCrash } from "../testing/faulty-store.ts"
import { publishEmpty, sharedPlace } from "../testing/shared-place.ts"
import { look } from "./look.ts"

const REPOSITORY = "repository" as ObjectName

function code(wanted: string, kind?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isEngineError(error), String(error))
    assert.equal(error.code, wanted)
    if (kind !== undefined) assert.equal(error.kind, kind)
    return true
  }
}

function folder(t: TestContext): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-place-"))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

test("createRepository() leaves a repository that its home opens without requests and without a secret", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  assert.deepEqual(
    place.names("").map((name) => name.replace(/[0-9a-f]{64}/, "…")),
    ["keys/…", "keys/…", "log/trust/0000000001-…", "repository"],
  )
  repository.close()
  const again = await place.open(home, { secret: undefined })
  assert.equal(again.id, repository.id)
  assert.equal(again.session.device?.id, repository.session.device?.id)
  assert.equal(again.session.enrolled, false)
  assert.deepEqual(again.session.keys, repository.session.keys)
  const { put, get, list } = again.requests()
  assert.deepEqual([put, get, list], [0, 0, 0])
})

test("createRepository() returns words that open the repository on an empty home, and nothing else does", async (t) => {
  const place = sharedPlace(t)
  const { repository, recoveryWords } = await place.create()
  assert.equal(recoveryWords.split(" ").length, 24)
  await publishEmpty(repository)
  const secret = { kind: "recovery" as const, words: recoveryWords.toUpperCase() }
  const reader = await place.open(place.home(), { secret, write: false })
  assert.deepEqual(reader.session.keys, repository.session.keys)
  assert.equal(reader.session.device, undefined)
  assert.equal((await look(reader)).snapshots().length, 1)
  const wrong = { kind: "key" as const, bytes: new Uint8Array(32) }
  await assert.rejects(place.open(place.home(), { secret: wrong }), code("wrong-key", "denied"))
  await assert.rejects(place.open(place.home(), { secret: undefined }), code("no-secret", "denied"))
})

test("createRepository() accepts a passphrase, also in another Unicode form", async (t) => {
  const place = sharedPlace(t)
  const kdf = { memoryKiB: 64 * 1024, passes: 2, lanes: 1 }
  const secrets = [{ kind: "passphrase" as const, text: "Zürich \u00e9" }]
  const { repository } = await createRepository({ store: place.store(), home: place.home(), secrets, kdf })
  repository.close()
  const open = async (text: string): Promise<unknown> =>
    await place.open(place.home(), { secret: { kind: "passphrase", text }, write: false })
  await open("Zürich e\u0301")
  await assert.rejects(open("zürich é"), code("wrong-key"))
})

test("openRepository() on an empty home makes four requests, and its first look a GET per entry", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  for (let i = 0; i < 3; i++) await publishEmpty(repository)
  const reader = await place.open(place.home(), { write: false })
  const opening = reader.requests()
  // The record, the trust entry, the keyslot; and log/.
  assert.deepEqual([opening.get, opening.list, opening.put], [3, 1, 0])
  await look(reader)
  const first = reader.requests()
  assert.deepEqual([first.get, first.list], [3 + 3, 1])
  await look(reader)
  assert.deepEqual([reader.requests().get, reader.requests().list], [6, 2])
})

test("openRepository() enrols a device on its first write with one more PUT and LIST", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const home = place.home()
  const second = await place.open(home)
  assert.equal(second.session.enrolled, true)
  assert.notEqual(second.session.device?.id, repository.session.device?.id)
  assert.deepEqual([second.requests().put, second.requests().list], [1, 2])
  assert.deepEqual([...second.session.trust.labels.values()].toSorted(), ["another", "first"])
  second.close()
  const again = await place.open(home, { secret: undefined })
  assert.equal(again.session.enrolled, false)
  assert.equal(again.requests().get, 0)
  const files = openRepositoryHome(home, repository.id)
  assert.equal(fs.statSync(files.devicePath).mode & 0o777, 0o600)
  assert.equal(fs.statSync(files.pinsPath).mode & 0o777, 0o600)
  assert.equal(fs.statSync(files.identityFolder).mode & 0o777, 0o700)
})

test("openRepository() rebuilds what it needs if the state database is missing", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  await publishEmpty(repository)
  repository.close()
  fs.rmSync(repository.home.statePath)
  const again = await place.open(home, { secret: undefined })
  assert.equal(again.requests().get, 2)
  assert.equal((await look(again)).snapshots().length, 1)
})

test("openRepository() distinguishes a location that is now empty or has another repository from an unknown one", async (t) => {
  const place = sharedPlace(t)
  await assert.rejects(place.open(place.home()), code("no-repository", "not-found"))

  const { repository, home } = await place.create()
  const reader = place.home()
  const first = await place.open(reader, { write: false })
  first.close()
  repository.close()
  const saved = [...place.objects]
  place.objects.clear()
  await assert.rejects(place.open(reader, { write: false }), code("repository-gone", "untrusted"))
  const device = await place.open(home)
  await assert.rejects(look(device), code("repository-gone", "untrusted"))
  device.close()

  await place.create()
  await assert.rejects(place.open(reader, { write: false }), code("repository-swapped", "untrusted"))
  const other = await place.open(home)
  await assert.rejects(look(other), code("repository-swapped", "untrusted"))
  other.close()

  place.objects.clear()
  for (const [name, bytes] of saved) place.objects.set(name, bytes)
  await look(await place.open(home))
})

test("openRepository() refuses a newer format, a damaged record and a keyslot of another repository", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const record = place.objects.get(REPOSITORY) as Uint8Array<ArrayBuffer>
  const newer = new Uint8Array([...record.subarray(0, 4), ...encodeCanonical({ format: 1, anything: true })])
  place.objects.set(REPOSITORY, newer)
  await assert.rejects(place.open(place.home()), code("format-too-new", "invalid"))
  for (let at = 0; at < record.length; at++) {
    const damaged = record.slice()
    damaged[at] = (damaged[at] as number) ^ 1
    place.objects.set(REPOSITORY, damaged)
    await assert.rejects(place.open(place.home(), { write: false }), (error) => isEngineError(error))
  }
  place.objects.set(REPOSITORY, record)

  // Objects of another incomplete repository with the same key don't matter.
  const other = sharedPlace(t, "other")
  await createRepository({ store: other.store(), home: other.home(), secrets: [place.secret] })
  for (const [name, bytes] of other.objects) if (name !== REPOSITORY) place.objects.set(name, bytes)
  const opened = await place.open(place.home(), { write: false })
  assert.equal(opened.id, repository.id)
  await look(opened)
})

test("createRepository() refuses a place with a repository, other files, or another tool's repository", async (t) => {
  const place = sharedPlace(t)
  await place.create()
  await assert.rejects(place.create(), code("repository-exists", "conflict"))
  place.objects.delete(REPOSITORY)
  place.objects.set(`packs/aa/${"a".repeat(64)}` as ObjectName, new Uint8Array(1))
  await assert.rejects(place.create(), code("repository-incomplete", "conflict"))

  const hex = "a".repeat(64)
  const foreign: [string, string, string | Uint8Array][] = [
    ["restic or rustic", "config", new Uint8Array([7, 1, 2])],
    ["borg", "config", "[repository]\nversion = 1\n"],
    ["kopia", "kopia.repository.f", "{}"],
  ]
  for (const [tool, file, content] of foreign) {
    const root = folder(t)
    fs.writeFileSync(path.join(root, file), content)
    if (tool.startsWith("restic")) {
      fs.mkdirSync(path.join(root, "keys"))
      fs.writeFileSync(path.join(root, "keys", hex), "{}")
    }
    const home = place.home()
    const store = localStore(root)
    const creating = createRepository({ store, home, secrets: [place.secret] })
    await assert.rejects(creating, code("foreign-repository", "conflict"), tool)
    await assert.rejects(openRepository({ store, home, secret: place.secret }), (error) => {
      assert.ok(isEngineError(error, "no-repository"))
      return error.detail["foreign"] === tool
    })
  }
  const root = folder(t)
  fs.writeFileSync(path.join(root, "Thesis.odt"), "text")
  const creating = createRepository({ store: localStore(root), home: place.home(), secrets: [place.secret] })
  await assert.rejects(
    creating,
    (error) => code("store-not-empty")(error) && String(error).includes("Thesis.odt"),
  )
})

test("createRepository() works in a missing folder, and beside a file manager's files", async (t) => {
  const place = sharedPlace(t)
  const root = folder(t)
  fs.writeFileSync(path.join(root, ".DS_Store"), "")
  for (const where of [root, path.join(folder(t), "new", "place")]) {
    const store = localStore(where)
    const { repository } = await createRepository({ store, home: place.home(), secrets: [place.secret] })
    repository.close()
    const reader = await openRepository({ store, home: place.home(), secret: place.secret })
    reader.close()
  }
})

test("createRepository() killed at any call leaves nothing or a whole repository, and works when repeated", async (t) => {
  const counted = sharedPlace(t, "counted")
  const counting = faultyStore(memoryStore(counted.objects), () => undefined)
  await createRepository({ store: counting, home: counted.home(), secrets: [counted.secret] })
  assert.ok(counting.calls.length >= 6)
  for (let k = 0; k < counting.calls.length; k++) {
    const place = sharedPlace(t, `crash ${k}`)
    // A get has no effect, and one of a missing object would fail before the crash.
    const when = counting.calls[k]?.method === "get" ? "crash-before" : "crash-after"
    const store = faultyStore(memoryStore(place.objects), faultAt(k, when))
    const creating = createRepository({ store, home: place.home(), secrets: [place.secret] })
    await assert.rejects(creating, StoreCrash)
    if (!place.objects.has(REPOSITORY)) await place.create()
    else await assert.rejects(place.create(), code("repository-exists"))
    await publishEmpty(await place.open(place.home()))
    const reader = await place.open(place.home(), { write: false })
    assert.equal((await look(reader)).snapshots().length, 1)
    // No leftover of the first attempt remains: two keyslots, and no other first trust entry.
    assert.equal(place.names("keys/").length, 2)
    assert.equal(place.names("log/trust/0000000001").length, 1)
  }
})

test("createRepository() by two machines at once leaves one repository, and the other reports it", async (t) => {
  const place = sharedPlace(t)
  const make = (): Promise<unknown> => place.create()
  const results = await Promise.allSettled([make(), make()])
  const refused = results.filter((each) => each.status === "rejected")
  assert.equal(refused.length, 1)
  assert.ok(code("init-lost", "conflict")(refused[0]?.reason))
  await look(await place.open(place.home()))
})

test("createRepository() on a repository reports it, however many snapshots it has", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  for (let count = 1; count <= 20; count++) {
    await publishEmpty(repository)
    await assert.rejects(place.create(), code("repository-exists", "conflict"), `${count} snapshots`)
  }
})

test("openRepository() recognises a moved repository by its id, as the same device", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  repository.close()
  const moved = { ...place.store(), location: "elsewhere" }
  const again = await place.open(home, { store: moved, secret: undefined })
  assert.equal(again.session.device?.id, repository.session.device?.id)
  assert.equal(digestOf(place.objects.get(REPOSITORY) as Uint8Array), again.digest)
})

test("createRepository() and openRepository() close the home's databases if its identity can't be stored", async (t) => {
  const { repository } = await sharedPlace(t, "the same").create()
  const place = sharedPlace(t, "the same") // creates a repository with the same id
  const homes = [place.home(), place.home()] as const
  // a folder replaces the file: from the start, or while the device enrols
  const [first, second] = homes.map((home) => openRepositoryHome(home, repository.id).devicePath)
  assert.ok(first !== undefined && second !== undefined)
  fs.mkdirSync(first)
  await assert.rejects(place.create(homes[0]), code("home-unwritable", "denied"))
  const store = place.store()
  const put: typeof store.put = async (...object) => {
    fs.mkdirSync(second)
    await store.put(...object)
  }
  await assert.rejects(place.open(homes[1], { store: { ...store, put } }), code("home-unwritable", "denied"))
  await assert.rejects(place.open(homes[1]), code("home-unreadable", "denied"))
  for (const home of homes) {
    const { statePath } = openRepositoryHome(home, repository.id)
    assert.ok(fs.existsSync(statePath), "the same id")
    assert.ok(!fs.existsSync(`${statePath}-wal`), "SQLite removes its log with the last handle")
  }
})

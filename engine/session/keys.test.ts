import assert from "node:assert/strict"
import { test } from "node:test"
import { isEngineError } from "../base/errors.ts"
import { createRepository } from "./create-repository.ts"
import { publishEmpty, sharedPlace } from "../testing/shared-place.ts"
import { addKey, changePassphrase, listDevices, listKeys, removeKey } from "./keys.ts"
import { look } from "./look.ts"
import type { Secret } from "../trust/unlock.ts"

const KDF = { memoryKiB: 64 * 1024, passes: 2, lanes: 1 }

function code(wanted: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isEngineError(error), String(error))
    assert.equal(error.code, wanted)
    return true
  }
}

test("listKeys() and listDevices() list the members of the trust state", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const keys = await listKeys(repository)
  const shown = keys.map(({ kind, role }) => `${kind} ${role}`)
  assert.deepEqual(shown.toSorted(), ["key full", "recovery full"])
  const [device] = await listDevices(repository)
  const { id } = repository.session.device ?? {}
  assert.deepEqual(device, {
    id,
    label: "first",
    role: "full",
    status: "active",
    continues: null,
    current: true,
  })
})

test("addKey() adds a new secret, and new recovery words, authorised by a secret", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const secret: Secret = { kind: "key", bytes: place.random.bytes(32) }
  const wrong: Secret = { kind: "key", bytes: place.random.bytes(32) }
  const before = [...place.objects.keys()]
  await assert.rejects(addKey(repository, { authority: wrong, secret }), code("wrong-key"))
  assert.deepEqual([...place.objects.keys()], before, "a wrong authority writes nothing")
  const added = await addKey(repository, { authority: place.secret, secret, label: "the agent's" })
  const words = await addKey(repository, { authority: secret, recovery: true })
  assert.equal(added.recoveryWords, "")
  const infos = await listKeys(repository)
  assert.deepEqual(infos.find(({ id }) => id === added.id)?.label, "the agent's")
  for (const each of [secret, { kind: "recovery" as const, words: words.recoveryWords }]) {
    const reader = await place.open(place.home(), { secret: each, write: false })
    assert.deepEqual(reader.session.keys, repository.session.keys)
  }
})

test("removeKey() excludes a secret from the new epoch, even if its keyslot is put back", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const secret: Secret = { kind: "key", bytes: place.random.bytes(32) }
  const { id } = await addKey(repository, { authority: place.secret, secret })
  const slot = [...place.objects].find(([name]) => name.endsWith(id))
  assert.ok(slot)
  const old = await place.open(place.home(), { secret, write: false })
  await removeKey(repository, { authority: place.secret, id })
  assert.equal(place.objects.has(slot[0]), false)
  assert.equal(repository.session.keys.epoch, 2)
  await assert.rejects(place.open(place.home(), { secret }), code("wrong-key"))
  place.objects.set(...slot)
  await assert.rejects(place.open(place.home(), { secret }), code("wrong-key"))
  await publishEmpty(repository)
  await look(old) // what was listed when it was opened
  const view = await look(old)
  assert.deepEqual([view.snapshots().length, view.problems.map((each) => each.code)], [0, ["unknown-epoch"]])
})

test("removeKey() keeps the last secret", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const [first, second] = await listKeys(repository)
  assert.ok(first && second)
  const recovery = first.kind === "recovery" ? first : second
  await removeKey(repository, { authority: place.secret, id: recovery.id })
  const [last] = await listKeys(repository)
  assert.ok(last)
  await assert.rejects(
    removeKey(repository, { authority: place.secret, id: last.id }),
    code("last-full-slot"),
  )
  await assert.rejects(
    removeKey(repository, { authority: place.secret, id: recovery.id }),
    code("no-such-slot"),
  )
  await look(await place.open(place.home()))
})

test("changePassphrase() replaces the given passphrase, and an older run continues", async (t) => {
  const place = sharedPlace(t)
  const old: Secret = { kind: "passphrase", text: "old" }
  const secrets = [old, place.secret]
  const made = await createRepository({ store: place.store(), home: place.home(), secrets, kdf: KDF })
  const { repository } = made
  const other = await place.open(place.home())
  const secret: Secret = { kind: "passphrase", text: "new" }
  await changePassphrase(repository, { authority: old, secret, kdf: KDF })
  await assert.rejects(place.open(place.home(), { secret: old, write: false }), code("wrong-key"))
  const reader = await place.open(place.home(), { secret, write: false })
  await publishEmpty(repository)
  for (const each of [reader, other]) {
    await look(each) // what was listed when it was opened
    assert.equal((await look(each)).snapshots().length, 1)
  }
  await changePassphrase(repository, { authority: place.secret, secret: old, kdf: KDF })
  await place.open(place.home(), { secret: old, write: false })
  await assert.rejects(
    changePassphrase(repository, { authority: old, secret: place.secret }),
    code("not-a-passphrase"),
  )
})

test("changePassphrase() requires a choice if there are several", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const secret: Secret = { kind: "passphrase", text: "new" }
  const change = changePassphrase(repository, { authority: place.secret, secret, kdf: KDF })
  await assert.rejects(change, code("which-passphrase"))
})

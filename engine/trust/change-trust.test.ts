import assert from "node:assert/strict"
import { test } from "node:test"
import { setImmediate } from "node:timers/promises"
import * as fc from "fast-check"
import { isEngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import { addDevice, endDevice } from "../crypto/trust-change.ts"
import { trustName } from "../format/names.ts"
import { encodeRepository } from "../format/repository-record.ts"
import { memoryStore } from "../testing/memory-store.ts"
import type { Store } from "../store/store.ts"
import { faultAt, faultyStore } from "../testing/faulty-store.ts"
import { seededRandom } from "../testing/seeded-random.ts"
import { publishEmpty, sharedPlace, type SharedPlace } from "../testing/shared-place.ts"
import { smallDevice, smallTrust } from "../testing/small-trust.ts"
import { changeTrust } from "./change-trust.ts"
import { addKey, listDevices, removeKey } from "../session/keys.ts"
import { look, lookToWrite } from "../session/look.ts"
import { listLog } from "../log/log-names.ts"
import { memoryObjects, newestTrust, type TrustSource } from "./trust-log.ts"
import { unlock } from "./unlock.ts"
import { trustSource } from "../session/accepted-trust.ts"

/** A client whose calls take random turns, before their effect and after it. */
function jumbled(random: Random, store: Store): Store {
  const pause = async (): Promise<void> => {
    const [turns = 0] = random.bytes(1)
    for (let i = 0; i < turns % 6; i++) await setImmediate()
  }
  const slowly = async <T>(call: () => Promise<T>): Promise<T> => {
    await pause()
    const result = await call()
    await pause()
    return result
  }
  return {
    ...store,
    put: (name, bytes) => slowly(() => store.put(name, bytes)),
    get: (name, range) => slowly(() => store.get(name, range)),
    async *list(prefix) {
      await pause()
      const all = []
      for await (const object of store.list(prefix)) all.push(object)
      await pause()
      yield* all
    },
  }
}

async function devicesNow(place: SharedPlace): Promise<string[]> {
  const reader = await place.open(place.home(), { write: false })
  return (await listDevices(reader)).map(({ id }) => id)
}

test("changeTrust() of many concurrent devices loses none of them, whatever the order of their calls", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.integer({ min: 2, max: 5 }), async (seed, count) => {
      const { repository, root, key, first, random } = await smallTrust(seed)
      const store = memoryStore()
      await store.put(trustName(1, first.digest), first.bytes)
      const source = (): TrustSource => ({
        store: jumbled(random, store),
        objects: memoryObjects(),
        repository,
        root: root.public,
      })
      const enrol = async (): Promise<string> => {
        const own = source()
        const names = await listLog(own.store)
        const from = (await newestTrust(own, names.trust))?.trust
        assert.ok(from)
        const { member } = smallDevice(random, key)
        const change = { source: own, members: [key.pair], random, names, from }
        await changeTrust(change, (draft) => addDevice(draft, member, "", random))
        return member.id
      }
      const enrolled = await Promise.all(Array.from({ length: count }, enrol))
      const newest = await newestTrust(source(), (await listLog(store)).trust)
      assert.deepEqual(
        newest?.trust.state.devices.map(({ id }) => id),
        enrolled.toSorted(),
      )
    }),
    { numRuns: 20 },
  )
})

test("changeTrust() merges a removed key with a device that enrols at the same time", async (t) => {
  for (const seed of ["a", "b"]) {
    const place = sharedPlace(t, seed)
    const { repository } = await place.create()
    const random = seededRandom(`order ${seed}`)
    const key = { kind: "key" as const, bytes: random.bytes(32) }
    const { id } = await addKey(repository, { authority: place.secret, secret: key })
    const other = await place.open(place.home(), { store: jumbled(random, place.store()) })
    await Promise.all([
      removeKey(other, { id, authority: place.secret }),
      place.open(place.home(), { store: jumbled(random, place.store()), label: "third" }),
    ])
    assert.equal((await devicesNow(place)).length, 3)
    await assert.rejects(place.open(place.home(), { secret: key }), (error) =>
      isEngineError(error, "wrong-key"),
    )
    // Everybody has the new epoch.
    await lookToWrite(other)
    await publishEmpty(other)
    const view = await look(repository)
    assert.equal(view.snapshots().length, 1)
    assert.equal(repository.session.keys.epoch, 2)
  }
})

test("look() accepts a device whose enrolment was briefly lost, and lookToWrite() restores it", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const before = new Set(place.objects.keys())
  const lost = await place.open(place.home())
  await publishEmpty(lost)
  const theirs = [...place.objects].filter(([name]) => !before.has(name))
  // Another device enrolled from the same state, had to retry, and died before it merged.
  for (const [name] of theirs) place.objects.delete(name)
  const dying = faultyStore(memoryStore(place.objects), faultAt(0, "crash-after", "put"))
  await assert.rejects(place.open(place.home(), { store: dying }))
  for (const [name, bytes] of theirs) place.objects.set(name, bytes)
  const dead = place.names("log/trust/0000000002")
  assert.equal(dead.length, 2)

  assert.equal((await look(repository)).snapshots().length, 1)
  await lookToWrite(lost)
  await publishEmpty(lost)
  const known = await devicesNow(place)
  assert.ok(known.includes(lost.session.device?.id ?? ""))
})

test("changeTrust() killed at any call leaves a state that opens, and the change can be repeated", async (t) => {
  // Calls are sequential: a crash before one is a crash after the one before.
  for (let k = 0; k < 6; k++) {
    const place = sharedPlace(t, `crash ${k}`)
    await place.create()
    const store = faultyStore(memoryStore(place.objects), faultAt(k, "crash-after"))
    const home = place.home()
    await assert.rejects(place.open(home, { store }))
    const again = await place.open(home)
    assert.equal(again.session.enrolled, true)
    await lookToWrite(again)
    await publishEmpty(again)
    assert.ok((await devicesNow(place)).includes(again.session.device?.id ?? ""))
  }
})

test("changeTrust() works despite entries that the root has not signed", async (t) => {
  const place = sharedPlace(t)
  await place.create()
  const junk = new Uint8Array(100)
  place.objects.set(`log/trust/0000000007-${"0".repeat(64)}` as ObjectName, junk)
  const device = await place.open(place.home())
  assert.equal(device.session.trust.number, 2)
})

test("lookToWrite() of a revoked device is refused, and it still reads older data", async (t) => {
  const place = sharedPlace(t)
  const { repository: first } = await place.create()
  const other = await place.open(place.home())
  await lookToWrite(other)
  await publishEmpty(other)
  const slots = first.session.trust.state.slots
  const slot = await unlock(first.store, { record: encodeRepository(first.record), slots }, place.secret)
  await look(first)
  const names = await listLog(first.store)
  const from = first.session.trust
  const change = { source: trustSource(first), members: [slot.pair], random: first.random, names, from }
  const id = other.session.device?.id
  assert.ok(id)
  await changeTrust(change, (draft) => endDevice(draft, id, "revoked", first.random))
  await assert.rejects(lookToWrite(other), (error) => isEngineError(error, "device-ended"))
  assert.equal((await look(other)).snapshots().length, 1)
  await look(first)
  await publishEmpty(first)
  const problems = (await look(other)).problems.map(({ code }) => code)
  assert.deepEqual(problems, ["unknown-epoch"])
})

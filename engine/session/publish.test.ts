import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { isEngineError } from "../base/errors.ts"
import type { ObjectName } from "../base/ids.ts"
import { entryName, parseName } from "../format/names.ts"
import type { Home } from "../home/home.ts"
import { readPins } from "../home/pins.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { faultAt, faultyStore } from "../testing/faulty-store.ts"
import { emptyDraft, publishEmpty, sharedPlace, type SharedPlace } from "../testing/shared-place.ts"
import { localView, look, lookToWrite } from "./look.ts"
import { publish } from "./publish.ts"
import type { Repository } from "./repository.ts"
import { readSignedEntry } from "../log/signed-file.ts"

/** Copies a home as `cp -a` or a backup would. */
function copyHome(place: SharedPlace, home: Home): Home {
  const copy = place.home()
  fs.cpSync(home.identityRoot, copy.identityRoot, { recursive: true })
  return copy
}

/** Asserts that no device has signed two entries for one number. */
function requireNoForks(place: SharedPlace): void {
  const slots = place.names("log/").map((name) => name.slice(0, -65))
  const own = slots.filter((slot) => !slot.startsWith("log/trust/"))
  assert.equal(new Set(own).size, own.length, own.join("\n"))
}

test("publish() makes one PUT and one LIST, and links its entries", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  await lookToWrite(repository)
  const before = repository.requests()
  const first = await publishEmpty(repository)
  const after = repository.requests()
  assert.deepEqual([after.put - before.put, after.list - before.list, after.get - before.get], [1, 1, 0])
  const second = await publishEmpty(repository)
  assert.deepEqual([first.sequence, second.sequence], [1, 2])
  const entry = repository.log.entry(second.digest)
  assert.equal(entry?.previous, first.digest)
  assert.equal(second.view.newest("notes")?.digest, second.digest)
  assert.deepEqual(readPins(repository.home).heads, [
    { device: repository.session.device?.id, sequence: 2, digest: second.digest },
  ])
})

test("publish() records what it has seen of the other chains", async (t) => {
  const place = sharedPlace(t)
  const { repository: a } = await place.create()
  const first = await publishEmpty(a)
  const b = await place.open(place.home())
  const { digest } = await publishEmpty(b)
  assert.deepEqual(b.log.entry(digest)?.heads, [])
  await look(b)
  const next = await publishEmpty(b)
  assert.deepEqual(b.log.entry(next.digest)?.heads, [
    { device: a.session.device?.id, sequence: 1, digest: first.digest },
  ])
  assert.equal(b.log.entry(next.digest)?.trust.number, 2)
})

test("publish() stores what it signs before it sends it", async (t) => {
  const place = sharedPlace(t)
  const { repository: creator, home } = await place.create()
  creator.close()
  let checked = 0
  const store = place.store((inner) => ({
    ...inner,
    async put(name, bytes) {
      const parsed = parseName(name)
      if (parsed?.type === "entry") {
        const { device, sequence, digest } = parsed
        assert.deepEqual(readSignedEntry(creator.home), { device, sequence, digest, bytes })
        checked++
      }
      await inner.put(name, bytes)
    },
  }))
  const repository = await place.open(home, { store })
  await publishEmpty(repository)
  assert.equal(checked, 1)
})

test("publish() killed at any call never signs two contents for one number, and loses nothing committed", async (t) => {
  for (const fault of ["crash-after", "lost-reply"] as const) {
    for (let k = 0; k < 5; k++) {
      const place = sharedPlace(t, `${fault} ${k}`)
      const { repository: creator, home } = await place.create()
      await publishEmpty(creator)
      creator.close()
      const store = faultyStore(memoryStore(place.objects), faultAt(k, fault))
      const killed = await place.open(home, { store })
      let committed = 1
      try {
        await lookToWrite(killed)
        await publishEmpty(killed)
        committed++
        await publishEmpty(killed)
        committed++
      } catch (error) {
        assert.ok(error instanceof Error)
      }
      killed.close()
      const again = await place.open(home)
      await lookToWrite(again)
      const { view } = await publishEmpty(again)
      assert.ok(view.snapshots().length > committed)
      requireNoForks(place)
      assert.equal(again.session.device?.id, killed.session.device?.id)
      const reader = await place.open(place.home(), { write: false })
      assert.equal((await look(reader)).snapshots().length, view.snapshots().length)
    }
  }
})

test("lookToWrite() sends an entry that was signed and never sent, byte for byte", async (t) => {
  const place = sharedPlace(t)
  const { repository: creator, home } = await place.create()
  await publishEmpty(creator)
  creator.close()
  const store = faultyStore(memoryStore(place.objects), faultAt(0, "crash-before", "put"))
  const killed = await place.open(home, { store })
  await assert.rejects(publishEmpty(killed))
  killed.close()
  const kept = readSignedEntry(killed.home)
  assert.equal(kept?.sequence, 2)
  const again = await place.open(home)
  const view = await lookToWrite(again)
  assert.equal(view.snapshots().length, 2)
  assert.deepEqual(place.objects.get(entryName(kept.device, 2, kept.digest)), kept.bytes)
})

test("lookToWrite() continues as a new device if a signed entry is damaged or missing and may be in the store", async (t) => {
  const damages: Readonly<Record<string, (file: string) => void>> = {
    "bytes damaged": (file) =>
      fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace(/\n.{8}/, "\nAAAAAAAA")),
    "name damaged": (file) => fs.writeFileSync(file, "log/"),
    gone: (file) => fs.rmSync(file),
  }
  for (const [damage, make] of Object.entries(damages)) {
    for (const isSent of [true, false]) {
      const place = sharedPlace(t, `${damage}, ${isSent ? "sent" : "never sent"}`)
      const { repository: creator, home } = await place.create()
      await publishEmpty(creator)
      creator.close()
      const faults = isSent ? faultAt(0, "lost-reply", "put") : faultAt(0, "crash-before", "put")
      const killed = await place.open(home, { store: faultyStore(memoryStore(place.objects), faults) })
      await assert.rejects(publishEmpty(killed))
      killed.close()
      make(path.join(killed.home.identityFolder, "signed-entry"))
      const again = await place.open(home)
      await lookToWrite(again)
      const isKnown = isSent && damage === "bytes damaged" // by its name only
      assert.equal(again.session.device?.id === creator.session.device?.id, isKnown, `${damage}, ${isSent}`)
      await publishEmpty(again)
      assert.equal(localView(again).snapshots().length, isSent ? 3 : 2)
      requireNoForks(place)
    }
  }
})

test("lookToWrite() gives a cloned home a new device, which continues the old one", async (t) => {
  const place = sharedPlace(t)
  const { repository: creator, home } = await place.create()
  await publishEmpty(creator)
  creator.close()
  const copy = copyHome(place, home)
  const original = await place.open(home)
  await lookToWrite(original)
  await publishEmpty(original)

  const cloned = await place.open(copy)
  await lookToWrite(cloned)
  assert.notEqual(cloned.session.device?.id, original.session.device?.id)
  assert.match(cloned.session.warnings.join(), /this home was copied or restored from a backup/)
  const member = cloned.session.trust.state.devices.find(({ id }) => id === cloned.session.device?.id)
  assert.equal(member?.continues, original.session.device?.id)
  await publishEmpty(cloned)
  await lookToWrite(original)
  const { view } = await publishEmpty(original)
  assert.equal(view.snapshots().length, 4)
  cloned.close()
  const again = await place.open(copy, { secret: undefined })
  assert.equal((await lookToWrite(again)).snapshots().length, 4)
  requireNoForks(place)
})

test("lookToWrite() of a cloned home without a secret reports that it needs one", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  const copy = copyHome(place, home)
  await publishEmpty(repository)
  const cloned = await place.open(copy, { secret: undefined })
  await assert.rejects(lookToWrite(cloned), (error) => {
    assert.ok(isEngineError(error, "enrol-anew"))
    return error.kind === "denied" && error.message.includes("passphrase, key or recovery words")
  })
  assert.equal((await look(cloned)).snapshots().length, 1)
})

test("lookToWrite() of two copies that wrote concurrently gives both new ids, and others see the fork", async (t) => {
  const place = sharedPlace(t)
  const { repository: creator, home } = await place.create()
  await publishEmpty(creator)
  creator.close()
  const copies = [await place.open(home), await place.open(copyHome(place, home))]
  const witness = await place.open(place.home())
  await look(witness)
  for (const copy of copies) await lookToWrite(copy)
  for (const copy of copies) await publishEmpty(copy)
  await assert.rejects(look(witness), (error) => isEngineError(error, "chain-forked"))
  for (const copy of copies) {
    await lookToWrite(copy)
    assert.notEqual(copy.session.device?.id, creator.session.device?.id)
    await publishEmpty(copy)
  }
  const view = await look(witness, { tolerant: true })
  assert.equal(view.snapshots().length, 5)
})

test("publish() ends if this device's last entry can't be read, however often it is sent", async (t) => {
  const place = sharedPlace(t)
  const { repository: a, home } = await place.create()
  const { digest } = await publishEmpty(a)
  a.close()
  fs.rmSync(a.home.statePath) // so that the entry is read again
  const store = place.store((inner) => ({
    ...inner,
    async get(name, ...rest) {
      const bytes = await inner.get(name, ...rest)
      return name.endsWith(digest) ? bytes.map((byte) => byte ^ 1) : bytes
    },
  }))
  const b = await place.open(home, { store })
  await lookToWrite(b)
  await assert.rejects(publishEmpty(b), (error) => isEngineError(error) && error.kind === "corrupt")
})

test("publish() by two runs of one device takes turns", async (t) => {
  const place = sharedPlace(t)
  const { repository: creator, home } = await place.create()
  creator.close()
  const runs = [await place.open(home), await place.open(home)]
  const work = runs.map(async (run, i) => {
    await lookToWrite(run)
    for (let n = 0; n < 4; n++) await publishEmpty(run, `series ${i}`)
  })
  await Promise.all(work)
  requireNoForks(place)
  const reader = await place.open(place.home(), { write: false })
  assert.equal((await look(reader)).snapshots().length, 8)
  assert.equal(reader.log.heads()[0]?.sequence, 8)
})

test("publish() repeats the chain's live segments, and a partial entry isn't a snapshot", async (t) => {
  const place = sharedPlace(t)
  const { repository } = await place.create()
  const segments = ["a", "b"].map((letter) => letter.repeat(64)) as Repository["digest"][]
  await publish(repository, {
    type: "partial",
    timeNs: 1n,
    packs: [],
    newSegments: segments.slice(0, 1),
    series: "notes",
  })
  const { digest } = await publish(repository, { ...emptyDraft(), newSegments: segments.slice(1) })
  assert.deepEqual(repository.log.entry(digest)?.segments, segments)
  assert.equal(localView(repository).snapshots().length, 1)
  assert.equal(localView(repository).heads[0]?.sequence, 2)
})

test("publish() refuses a home that isn't a device", async (t) => {
  const place = sharedPlace(t)
  await place.create()
  const reader = await place.open(place.home(), { write: false })
  await assert.rejects(publishEmpty(reader), (error) => isEngineError(error, "not-enrolled"))
  assert.equal(place.names("log/").filter((name: ObjectName) => !name.startsWith("log/trust")).length, 0)
})

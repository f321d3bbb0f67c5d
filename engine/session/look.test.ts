import assert from "node:assert/strict"
import * as fs from "node:fs"
import { test } from "node:test"
import { encodeEntryBody } from "../format/entry-body.ts"
import { EngineError, isEngineError } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { DeviceId, ObjectName } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { signEntry } from "../crypto/signed-entry.ts"
import type { Entry } from "../format/entry.ts"
import { entryName, parseName, trustName } from "../format/names.ts"
import { readPins } from "../home/pins.ts"
import type { Store } from "../store/store.ts"
import { emptyDraft, publishEmpty, sharedPlace, type SharedPlace } from "../testing/shared-place.ts"
import { localView, look, lookToWrite } from "./look.ts"
import type { Repository } from "./repository.ts"

/** Returns the alarm that ends a look. */
async function alarmOf(repository: Repository): Promise<EngineError> {
  try {
    await look(repository)
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error))
    assert.equal(error.kind, "untrusted")
    return error
  }
  throw new Error("no alarm")
}

function chain(place: SharedPlace, { session: { device } }: Repository): ObjectName[] {
  return place.names(`log/${device?.id}/`)
}

interface Two {
  readonly place: SharedPlace
  readonly a: Repository
  readonly b: Repository
  /** Its entries, oldest first. */
  readonly chainOfA: () => ObjectName[]
}

test("look() fetches the other device's snapshots, and localView() has them without a request", async (t) => {
  const { a, b } = await twoDevices(sharedPlace(t))
  const view = await look(b)
  assert.deepEqual(
    view.heads.map(({ device, sequence }) => `${device} ${sequence}`),
    [`${a.session.device?.id} 2`, `${b.session.device?.id} 1`].toSorted(),
  )
  const before = b.requests()
  const local = localView(b)
  assert.equal(local.newest("notes")?.digest, view.newest("notes")?.digest)
  assert.equal(local.newest("other"), undefined)
  assert.equal(local.snapshots().length, 3)
  assert.deepEqual(local.series(), ["notes", "photos"])
  assert.equal(local.snapshots({ series: "photos" })[0]?.device, b.session.device?.id)
  assert.ok(local.lookedNs > 0n)
  assert.deepEqual(b.requests(), before)
})

test("look() on an unchanged repository makes one LIST, and one more GET per new foreign entry", async (t) => {
  const { a, b } = await twoDevices(sharedPlace(t))
  await look(b)
  const before = b.requests()
  await look(b)
  assert.deepEqual([b.requests().list - before.list, b.requests().get - before.get], [1, 0])
  await publishEmpty(a)
  await look(b)
  assert.deepEqual([b.requests().list - before.list, b.requests().get - before.get], [2, 1])
})

test("look() without news pins its time at most once an hour", async (t) => {
  const { b } = await twoDevices(sharedPlace(t))
  const hour = 3600n * 1_000_000_000n
  const startNs = b.clock.now() + hour
  const lookAfter = async (ns: bigint): Promise<bigint[]> => {
    Object.assign(b, { clock: { now: () => startNs + ns } })
    const { lookedNs } = await look(b)
    return [lookedNs - startNs, (readPins(b.home).lastLookNs ?? 0n) - startNs]
  }
  assert.deepEqual(await lookAfter(0n), [0n, 0n])
  assert.deepEqual(await lookAfter(hour - 1n), [hour - 1n, 0n])
  assert.deepEqual(await lookAfter(hour), [hour, hour])
})

test("look() reports a chain that ends too early, and who has seen more", async (t) => {
  const { place, a, b, chainOfA } = await twoDevices(sharedPlace(t))
  await look(b)
  const newest = chainOfA().at(-1) as ObjectName
  place.objects.delete(newest)
  const alarm = await alarmOf(b)
  assert.equal(alarm.code, "chain-rolled-back")
  assert.equal(alarm.detail["object"], newest)
  assert.match(
    alarm.message,
    /this device has seen it, but the chain of device [0-9a-f]{8} \(first\) ends at entry 1/,
  )
  // Its own device misses it too. A tolerant look reports both, and the rest is readable.
  assert.equal((await alarmOf(a)).code, "chain-rolled-back")
  const view = await look(b, { tolerant: true })
  assert.deepEqual(
    view.problems.map(({ code }) => code),
    ["chain-rolled-back"],
  )
})

test("look() reports what only another device's manifest lists, on a home that has seen nothing", async (t) => {
  const { place, b, chainOfA } = await twoDevices(sharedPlace(t))
  await publishEmpty(b)
  place.objects.delete(chainOfA().at(-1) as ObjectName)
  const reader = await place.open(place.home(), { write: false })
  const alarm = await alarmOf(reader)
  assert.equal(alarm.code, "chain-rolled-back")
  assert.match(
    alarm.message,
    new RegExp(`device ${b.session.device?.id.slice(0, 8)} \\(another\\) has seen it`),
  )
  for (const name of chainOfA()) place.objects.delete(name)
  assert.equal((await alarmOf(reader)).code, "chain-rolled-back")
})

test("look() reports an entry removed from the middle of a chain", async (t) => {
  const { place, b, chainOfA } = await twoDevices(sharedPlace(t))
  await look(b)
  const first = chainOfA()[0] as ObjectName
  place.objects.delete(first)
  const alarm = await alarmOf(b)
  assert.equal(alarm.code, "entry-missing")
  assert.ok(first.startsWith(String(alarm.detail["object"])))
  const reader = await place.open(place.home(), { write: false })
  assert.equal((await alarmOf(reader)).code, "entry-missing")
})

test("look() reports a store that was rolled back as a whole, including trust", async (t) => {
  const place = sharedPlace(t)
  const { repository: a } = await place.create()
  const old = [...place.objects]
  const b = await place.open(place.home())
  await publishEmpty(b)
  place.objects.clear()
  for (const [name, bytes] of old) place.objects.set(name, bytes)
  const alarm = await alarmOf(b)
  assert.equal(alarm.code, "trust-rolled-back")
  await look(a) // has seen none of it
})

test("look() reports two entries that one device signed for one place", async (t) => {
  const { place, a, b } = await twoDevices(sharedPlace(t))
  await look(b)
  const head = localView(a).heads.find((each) => each.device === a.session.device?.id)
  for (const user of ["one", "two"]) {
    place.objects.set(...forge(a, { sequence: 3, previous: head?.digest ?? null, user }))
  }
  const alarm = await alarmOf(b)
  assert.equal(alarm.code, "chain-forked")
  assert.match(alarm.message, /log\/[0-9a-f]{32}\/0000000003-/)
})

test("look() accepts no entry of a stranger or forger, in another place, or after another chain", async (t) => {
  const { place, a, b } = await twoDevices(sharedPlace(t))
  await look(b)
  const previous = localView(a).heads.find((each) => each.device === a.session.device?.id)?.digest ?? null
  const stranger = "f".repeat(32) as DeviceId
  const cases: [string, [ObjectName, Bytes]][] = [
    ["unenrolled-writer", forge(a, { device: stranger })],
    ["entry-signature", forge(a, { sequence: 3, previous }, b)],
    ["entry-signature", renamed(forge(a, { sequence: 4, previous }), 3)],
    ["chain-broken", forge(a, { sequence: 3, previous: digestOf(new Uint8Array(1)) })],
  ]
  for (const [code, [name, bytes]] of cases) {
    place.objects.set(name, bytes)
    const alarm = await alarmOf(b)
    assert.equal(alarm.code, code)
    assert.match(alarm.message, /^log\//)
    place.objects.delete(name)
    await look(b)
  }
})

test("look() skips a damaged entry, reports it, and reads the others", async (t) => {
  const { place, chainOfA } = await twoDevices(sharedPlace(t))
  const first = chainOfA()[0] as ObjectName
  const bytes = place.objects.get(first) as Bytes
  for (const at of [0, 4, 80, bytes.length - 1]) {
    const damaged = bytes.slice()
    damaged[at] = (damaged[at] as number) ^ 4
    place.objects.set(first, damaged)
    const reader = await place.open(place.home(), { write: false })
    const view = await look(reader)
    assert.deepEqual(
      view.problems.map(({ code, detail }) => [code, detail["object"]]),
      [["digest", first]],
    )
    assert.equal(view.snapshots().length, 2)
    assert.equal(reader.session.warnings.length, 1)
  }
})

test("look() raises an alarm only after a fresh LIST", async (t) => {
  const { place, a } = await twoDevices(sharedPlace(t))
  await publishEmpty(a)
  // The first listing predates the newest entries, as if it ran while they were put.
  const stale = new Set(chain(place, a).slice(-2))
  let lists = 0
  const lagging = (store: Store): Store => ({
    ...store,
    async *list(prefix) {
      const isFirst = lists++ === 0
      for await (const object of store.list(prefix)) if (!isFirst || !stale.has(object.name)) yield object
    },
  })
  const home = place.home()
  const seen = await place.open(home)
  await look(seen)
  seen.close()
  const again = await place.open(home, { store: place.store(lagging) })
  await look(again)
  assert.equal(lists, 2)
})

test("look() ignores a trust entry that the root has not signed, and accepts a newer signed one", async (t) => {
  const { place, a, b } = await twoDevices(sharedPlace(t))
  const junk = new Uint8Array(300).fill(7)
  place.objects.set(trustName(9, digestOf(junk)), junk)
  await look(a)
  assert.equal(a.session.warnings.length, 1)
  assert.match(a.session.warnings[0] ?? "", /not signed by this repository's root key; ignored/)
  assert.deepEqual(a.session.trust.number, 2)
  assert.equal(a.session.trust.digest, b.session.trust.digest)
  const c = await place.open(place.home())
  assert.equal(c.session.trust.number, 3)
  await look(a)
  assert.equal(a.session.trust.number, 3)
})

test("look() survives the loss of pins, caches or both at any time", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  await publishEmpty(repository)
  repository.close()
  for (const lost of [["pinsPath"], ["statePath"], ["pinsPath", "statePath"]] as const) {
    for (const file of lost) fs.rmSync(repository.home[file])
    const again = await place.open(home, { secret: undefined })
    assert.equal((await look(again)).snapshots().length, 1)
    assert.equal(readPins(again.home).heads.length, 1)
    again.close()
  }
})

test("lookToWrite() refuses a home that isn't a device", async (t) => {
  const place = sharedPlace(t)
  await place.create()
  const reader = await place.open(place.home(), { write: false })
  await assert.rejects(lookToWrite(reader), (error) => isEngineError(error, "not-enrolled"))
})

/** A has two snapshots of "notes", then B one of "photos". */
async function twoDevices(place: SharedPlace): Promise<Two> {
  const { repository: a } = await place.create()
  await publishEmpty(a)
  await publishEmpty(a)
  const b = await place.open(place.home())
  await lookToWrite(b)
  await publishEmpty(b, "photos")
  return { place, a, b, chainOfA: () => chain(place, a) }
}

/** Returns an entry as `author` would sign it, or signed with the key of `signer`. */
function forge(
  author: Repository,
  changes: { device?: DeviceId; sequence?: number; previous?: Entry["previous"]; user?: string },
  signer: Repository = author,
): [ObjectName, Bytes] {
  const { newSegments: segments, ...draft } = emptyDraft("notes", { user: changes.user ?? "somebody" })
  const device = changes.device ?? (author.session.device?.id as DeviceId)
  const entry: Entry = {
    ...draft,
    version: 0,
    repository: author.id,
    device,
    sequence: changes.sequence ?? 1,
    previous: changes.previous ?? null,
    heads: [],
    gcSeen: null,
    trust: author.session.trust,
    program: "forger",
    segments,
    rest: [],
    newest: [],
    parent: null,
  }
  const sealing = author.session.keys.sealing.at(-1)
  const signing = signer.session.device?.signing
  assert.ok(sealing && signing)
  const place = { repository: author.id, device, sequence: entry.sequence }
  const salt = author.random.bytes(24)
  const { bytes, digest } = signEntry(place, encodeEntryBody(entry), { sealing, signing, salt })
  return [entryName(device, entry.sequence, digest), bytes]
}

/** The same bytes under another number. */
function renamed([name, bytes]: [ObjectName, Bytes], sequence: number): [ObjectName, Bytes] {
  const parsed = parseName(name)
  assert.ok(parsed?.type === "entry")
  return [entryName(parsed.device, sequence, parsed.digest), bytes]
}

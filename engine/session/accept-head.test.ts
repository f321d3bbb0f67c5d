import assert from "node:assert/strict"
import { test } from "node:test"
import { acceptHead, type AcceptEvent } from "./accept-head.ts"
import { isEngineError } from "../base/errors.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Home } from "../home/home.ts"
import type { OpenRequest } from "./open-repository.ts"
import { publishEmpty, sharedPlace, type SharedPlace } from "../testing/shared-place.ts"
import { look, lookToWrite } from "./look.ts"
import type { Repository } from "./repository.ts"

interface Accepting {
  readonly repository: Repository
  readonly codes: string[]
  readonly objects: string[]
  /** Ids of snapshots. */
  readonly lost: string[]
}

async function accept(
  place: SharedPlace,
  home: Home,
  request: Partial<OpenRequest> = {},
): Promise<Accepting> {
  const events: AcceptEvent[] = []
  const { secret, random } = place
  const whole = { store: place.store(), home, secret, write: true, random, ...request }
  const repository = await acceptHead(whole, (event) => events.push(event))
  const alarms = events.flatMap((event) => (event.type === "accepted" ? [event.alarm] : []))
  return {
    repository,
    codes: alarms.map(({ code }) => code),
    objects: alarms.map(({ detail }) => String(detail["object"])),
    lost: events.flatMap((event) => (event.type === "lost" ? [event.snapshot.digest] : [])),
  }
}

function putBack(place: SharedPlace, old: ReadonlyMap<ObjectName, Bytes>): void {
  place.objects.clear()
  for (const [name, bytes] of old) place.objects.set(name, bytes)
}

function chain(place: SharedPlace, { session: { device } }: Repository): ObjectName[] {
  return place.names(`log/${device?.id}/`)
}

async function alarms(repository: Repository): Promise<boolean> {
  try {
    await look(repository)
    return false
  } catch (error) {
    assert.ok(isEngineError(error) && error.kind === "untrusted", String(error))
    return true
  }
}

for (const entries of [1, 3]) {
  test(`acceptHead() accepts a store rolled back by ${entries}, and never sends or signs the lost entries again`, async (t) => {
    const place = sharedPlace(t)
    const { repository, home } = await place.create()
    await lookToWrite(repository)
    const kept = await publishEmpty(repository)
    const old = new Map(place.objects)
    const gone: string[] = []
    for (let i = 0; i < entries; i++) gone.push((await publishEmpty(repository)).digest)
    const before = chain(place, repository)
    putBack(place, old)
    assert.ok(await alarms(repository))
    repository.close()

    const { repository: after, ...told } = await accept(place, home)
    t.after(() => after.close())
    assert.deepEqual(told, { codes: ["chain-rolled-back"], objects: before.slice(-1), lost: gone })
    assert.notEqual(after.session.device?.id, repository.session.device?.id, "it goes on as a new device")
    assert.match(after.session.warnings.join(), /older than this device's last write/)
    assert.deepEqual(chain(place, repository), before.slice(0, -entries), "nothing is sent again")
    const { view } = await publishEmpty(after)
    assert.equal(view.snapshots().length, 2)
    assert.ok(view.has(kept.digest))
    // later entries are missed as before
    place.objects.delete(chain(place, after)[0] as ObjectName)
    assert.ok(await alarms(after))
  })
}

test("acceptHead() reports and changes nothing if nothing is missing", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  await lookToWrite(repository)
  await publishEmpty(repository)
  const { repository: after, ...told } = await accept(place, home, { secret: undefined })
  t.after(() => after.close())
  assert.deepEqual(told, { codes: [], objects: [], lost: [] })
  assert.equal(after.session.device?.id, repository.session.device?.id)
  assert.deepEqual(after.session.pins, {
    ...repository.session.pins,
    lastLookNs: after.session.pins.lastLookNs,
  })
})

test("acceptHead() without a secret moves the pins, and reports that writing needs one", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  await lookToWrite(repository)
  const old = new Map(place.objects)
  await publishEmpty(repository)
  putBack(place, old)
  await assert.rejects(accept(place, home, { secret: undefined }), { code: "enrol-anew" })
  const reader = await accept(place, home, { secret: undefined, write: false })
  t.after(() => reader.repository.close())
  assert.deepEqual(reader.codes, [], "it was accepted before")
  assert.equal((await look(reader.repository)).snapshots().length, 0)
})

test("acceptHead() accepts as lost what another device's entries list, but nothing else", async (t) => {
  const place = sharedPlace(t)
  const { repository: a } = await place.create()
  await lookToWrite(a)
  await publishEmpty(a)
  await publishEmpty(a)
  const bHome = place.home()
  const b = await place.open(bHome)
  await look(b)
  await publishEmpty(b)
  const [first, second] = chain(place, a)
  place.objects.delete(first as ObjectName)
  place.objects.delete(second as ObjectName)
  const readerHome = place.home()
  assert.ok(await alarms(await place.open(readerHome, { write: false })), "b claims it")

  for (const home of [bHome, readerHome]) {
    const { repository, codes } = await accept(place, home, { write: home === bHome })
    t.after(() => repository.close())
    assert.ok(codes.length > 0)
    assert.ok(!(await alarms(repository)))
    assert.equal((await look(repository)).snapshots().length, 1)
  }
  const again = await place.open(bHome)
  await lookToWrite(again)
  await publishEmpty(again)
  const [, newest] = chain(place, again)
  const bytes = place.objects.get(newest as ObjectName) as Bytes
  place.objects.delete(newest as ObjectName)
  assert.ok(await alarms(again), "its own loss is missed")
  place.objects.set(newest as ObjectName, bytes)
  assert.ok(!(await alarms(again)))
})

test("acceptHead() makes a log with a gap writable again", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  await lookToWrite(repository)
  for (let i = 0; i < 3; i++) await publishEmpty(repository)
  const [, middle] = chain(place, repository)
  place.objects.delete(middle as ObjectName)
  assert.ok(await alarms(repository))
  const { repository: after, codes, objects } = await accept(place, home)
  t.after(() => after.close())
  assert.deepEqual(codes, ["entry-missing"])
  assert.ok(middle?.startsWith(objects[0] ?? "nothing"))
  assert.equal((await publishEmpty(after)).view.snapshots().length, 3)
})

test("acceptHead() of a store older than this device's enrolment enrols it again", async (t) => {
  const place = sharedPlace(t)
  const { repository: a } = await place.create()
  await lookToWrite(a)
  await publishEmpty(a)
  const old = new Map(place.objects)
  const home = place.home()
  const b = await place.open(home)
  await lookToWrite(b)
  await publishEmpty(b)
  b.close()
  putBack(place, old)
  const { repository, codes } = await accept(place, home)
  t.after(() => repository.close())
  assert.deepEqual(codes, ["trust-rolled-back", "chain-rolled-back"])
  assert.equal((await publishEmpty(repository)).view.snapshots().length, 2)
  assert.equal(repository.session.enrolled, true)
})

test("acceptHead() never accepts another repository, or none, in place of the known one", async (t) => {
  const place = sharedPlace(t)
  const { repository, home } = await place.create()
  await lookToWrite(repository)
  await publishEmpty(repository)
  const other = sharedPlace(t, "another place")
  await other.create()
  for (const [objects, code] of [
    [other.objects, "repository-swapped"],
    [new Map(), "repository-gone"],
  ] as const) {
    putBack(place, objects)
    await assert.rejects(accept(place, home), { code })
  }
})

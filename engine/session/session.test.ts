/** What changes during a run changes in one place, and is shared by all who hold the repository. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { EngineError } from "../base/errors.ts"
import { readPins } from "../home/pins.ts"
import { listLog } from "../log/log-names.ts"
import { sharedPlace } from "../testing/shared-place.ts"
import { look } from "./look.ts"
import { movePins, noteAlarm, noteUnread, rememberList, takeList, warn, warnOnce } from "./session.ts"

test("renewed() continues with the same session over a new state database", async (t) => {
  const { repository } = await sharedPlace(t).create()
  const renewed = repository.renewed()
  t.after(() => renewed.close())
  assert.equal(renewed.session, repository.session)
  assert.notEqual(renewed.log, repository.log)
  await look(renewed)
  assert.notEqual(repository.session.pins.lastLookNs, null)
})

test("warnOnce(), noteAlarm() and noteUnread() keep a message once, and an alarm is not unread", async (t) => {
  const { repository } = await sharedPlace(t).create()
  const damage = new EngineError("corrupt", "a", "damaged")
  const alarm = new EngineError("untrusted", "b", "gone")
  for (let i = 0; i < 2; i++) {
    warnOnce(repository, "twice")
    noteUnread(repository, [damage, alarm])
    noteAlarm(repository, alarm)
  }
  warn(repository, "twice")
  const { warnings, unread, alarms } = repository.session
  assert.deepEqual(warnings, ["twice", "damaged", "twice"])
  assert.deepEqual([unread, alarms], [[damage], [alarm]])
})

test("takeList() gives a remembered list once", async (t) => {
  const { repository } = await sharedPlace(t).create()
  const listed = { names: await listLog(repository.store), atNs: 1n }
  rememberList(repository, listed)
  assert.deepEqual([takeList(repository), takeList(repository)], [listed, undefined])
})

test("movePins() writes the home, unless the pins are for this run alone", async (t) => {
  const { repository } = await sharedPlace(t).create()
  movePins(repository, (pins) => ({ ...pins, lastLookNs: 5n }))
  movePins(repository, (pins) => ({ ...pins, lastLookNs: 7n }), false)
  assert.equal(repository.session.pins.lastLookNs, 7n)
  assert.equal(readPins(repository.home).lastLookNs, 5n)
})

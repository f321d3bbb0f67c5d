/** When an armed session is backed up, with the two copies of the module that a host has, and their successors. */
import assert from "node:assert/strict"
import { beforeEach, mock, test } from "node:test"
import { openArmed, type Armed } from "./plugin/armed.ts"

const PLACE = { agentId: "main", workspace: "/workspace" }
const KEY = "agent:main:main"
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

let fired: string[] = []

function copy(name: string, seesTurns: boolean): Armed {
  return openArmed(seesTurns, () => void fired.push(name))
}

beforeEach((context) => {
  fired = []
  mock.timers.enable({ apis: ["setTimeout", "Date"] })
  if ("after" in context) context.after(() => mock.timers.reset())
  copy("none", true).drain()
})

test("a session armed by one copy is backed up once when the other hears of the turn's end", () => {
  const [a, b] = [copy("a", true), copy("b", true)]
  a.arm(KEY, PLACE, "run")
  mock.timers.tick(5 * MINUTE_MS)
  b.over(KEY, "run")
  assert.ok(a.has(KEY), "it is armed until the backup begins")
  mock.timers.tick(2 * SECOND_MS)
  assert.equal(fired.length, 1)
  assert.equal(a.has(KEY), false)
  mock.timers.tick(20 * MINUTE_MS)
  assert.equal(fired.length, 1)
})

test("the end of another turn does not count", () => {
  const a = copy("a", true)
  a.arm(KEY, PLACE, "mine")
  a.over(KEY, "another")
  mock.timers.tick(MINUTE_MS)
  assert.deepEqual(fired, [])
  mock.timers.tick(10 * MINUTE_MS)
  assert.deepEqual(fired, ["a"], "a turn whose end is never reported is backed up after ten minutes")
})

test("without conversation access it waits for 20 seconds without a tool call, and while one runs", () => {
  const a = copy("a", false)
  a.arm(KEY, PLACE, undefined)
  mock.timers.tick(15 * SECOND_MS)
  a.toolBegins(KEY, "call")
  mock.timers.tick(5 * MINUTE_MS)
  assert.deepEqual(fired, [])
  a.toolEnds(KEY, "call")
  mock.timers.tick(15 * SECOND_MS)
  assert.deepEqual(fired, [])
  mock.timers.tick(30 * SECOND_MS)
  assert.deepEqual(fired, ["a"])
})

test("after a hot reload the next copy goes on with an armed session, and the old one does nothing", () => {
  const old = copy("old", false)
  old.arm(KEY, PLACE, undefined)
  old.release()
  mock.timers.tick(MINUTE_MS)
  assert.deepEqual(fired, [])
  copy("new", true).takeOver()
  copy("new", true).over(KEY, undefined)
  mock.timers.tick(2 * SECOND_MS)
  assert.deepEqual(fired, ["new"])
})

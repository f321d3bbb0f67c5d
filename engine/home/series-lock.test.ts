import * as assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { isEngineError } from "../base/errors.ts"
import { temporaryRepositoryHome } from "../testing/temporary-home.ts"
import { lockChain, lockSeries } from "./series-lock.ts"

const CHILD = path.join(import.meta.dirname, "../testing/home-child.ts")

test("lockSeries() refuses a second run, names the holder, and is free after the holder was killed", async (t) => {
  const home = temporaryRepositoryHome(t)
  const root = path.resolve(home.identityFolder, "../..")
  const child = spawn(process.execPath, [CHILD, "hold-series", root], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await once(child.stdout, "data")
  assert.throws(
    () => lockSeries(home, "notes"),
    (error) => {
      assert.ok(isEngineError(error, "busy"))
      assert.equal(error.kind, "conflict")
      const start = `another backup of series notes is running on this device (process ${child.pid}, since 20`
      assert.ok(error.message.startsWith(start), error.message)
      return true
    },
  )
  lockSeries(home, "other").release()
  const gone = once(child, "exit")
  child.kill("SIGKILL")
  await gone
  lockSeries(home, "notes").release()
})

test("lockSeries() refuses a second run in the same process, until it is released", (t) => {
  const home = temporaryRepositoryHome(t)
  const lock = lockSeries(home, "notes")
  assert.throws(() => lockSeries(home, "notes"), { code: "busy" })
  assert.throws(() => lockSeries(home, "notes"), { code: "busy" })
  lock.release()
  lock.release()
  const again = lockSeries(home, "notes")
  assert.throws(() => lockSeries(home, "notes"), { code: "busy" })
  again.release()
})

test("lockSeries() works without the holder's note", (t) => {
  const home = temporaryRepositoryHome(t)
  const lock = lockSeries(home, "notes")
  for (const name of fs.readdirSync(home.locksFolder)) {
    if (name.endsWith(".holder")) fs.writeFileSync(path.join(home.locksFolder, name), "\u001b[31m")
  }
  assert.throws(() => lockSeries(home, "notes"), {
    message: "another backup of series notes is running on this device",
  })
  lock.release()
})

test("lockChain() waits for the other run's commit, but not forever", async (t) => {
  const home = temporaryRepositoryHome(t)
  const lock = await lockChain(home, 1000)
  await assert.rejects(lockChain(home, 60), { kind: "conflict", code: "busy" })
  const waiting = lockChain(home, 5000)
  setTimeout(() => lock.release(), 60)
  const next = await waiting
  next.release()
})

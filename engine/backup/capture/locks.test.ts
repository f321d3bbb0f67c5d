/**
 * A process loses all its locks on a file when it closes that file once. A program that backs itself up, as a host
 * with a plugin does, has its databases open: without its locks, the next program that opens one believes to be alone,
 * shortens the memory that the host has mapped (SIGBUS), and removes the log when it leaves.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, statSync } from "node:fs"
import { test } from "node:test"
import { keep, made } from "../../testing/capture-place.ts"
import { addRows, openMadeDatabase } from "../../testing/live-database.ts"

/** What this process has locked of the database; nothing on a system without this list. */
function locksOf(file: string): string[] {
  if (!existsSync("/proc/locks")) return []
  const inodes = [file, `${file}-shm`].map((path) => `:${statSync(path).ino} `)
  const lines = readFileSync("/proc/locks", "utf8").split("\n")
  return lines
    .filter((line) => line.includes(` ${process.pid} `) && inodes.some((inode) => line.includes(inode)))
    .map((line) => line.replace(/^\d+: /, ""))
    .toSorted()
}

/** Opens the database in another process, reads, and closes it. */
function visit(file: string): void {
  const program = `const d = new (require("better-sqlite3"))(process.argv[1]); d.pragma("user_version"); d.close()`
  execFileSync(process.execPath, ["-e", program, file])
}

test("backup() leaves this process its locks on a database that it has open", async (t) => {
  const place = await made(t)
  const file = place.at("agent.sqlite")
  const database = openMadeDatabase(file, { rows: 200 })
  t.after(() => database.close())
  for (let round = 0; round < 3; round++) {
    addRows(database, 10)
    const before = locksOf(file)
    assert.ok(before.length > 0 || !existsSync("/proc/locks"))
    const saved = await keep(place)
    assert.deepEqual(saved.captures, { "agent.sqlite": "sqlite" })
    assert.deepEqual(locksOf(file), before)
    visit(file)
    assert.ok(existsSync(`${file}-wal`), "another program took the log away")
  }
})

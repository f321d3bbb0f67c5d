/**
 * The agent of the live day, a process of its own: it keeps its database open in WAL mode, as a host does, and makes
 * one turn each time it is told to. A turn edits notes, appends to journals and writes to the database in small
 * transactions.
 *
 *     live-agent.ts FOLDER
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Database from "better-sqlite3"
import { createDatabase } from "../corpora/database.ts"
import { seededRandom } from "../corpora/random.ts"
import { textMaker } from "../corpora/text.ts"

const NOTES = 300
const JOURNALS = 5
const DATABASE_BYTES = 20_000_000

const folder = process.argv[2] ?? ""
const random = seededRandom("live agent")
const text = textMaker(random)
const note = (index: number): string => join(folder, "memory", `note-${index}.md`)
const journal = (index: number): string => join(folder, "sessions", `session-${index}.jsonl`)

for (const name of ["memory", "sessions", "agent"]) mkdirSync(join(folder, name), { recursive: true })
for (let i = 0; i < NOTES; i++) writeFileSync(note(i), text.markdown(random.between(1_000, 20_000)))
for (let i = 0; i < JOURNALS; i++) writeFileSync(journal(i), lines(1_000))
const file = join(folder, "agent", "agent.sqlite")
createDatabase(file, DATABASE_BYTES, { random, text })
const database = new Database(file)
database.pragma("journal_mode = WAL")
database.pragma("synchronous = NORMAL")
const insert = database.prepare("INSERT INTO memory (topic, body, seen, embedding) VALUES (?, ?, 0, ?)")
const update = database.prepare("UPDATE memory SET seen = seen + 1, body = ? WHERE id = ?")
const count = database.prepare<[], number>("SELECT max(id) FROM memory").pluck()

function lines(number: number): string {
  return Array.from({ length: number }, (_, i) => text.journalLine(i)).join("")
}

/** About a quarter of an hour of work: a few messages, each with its events. */
function turn(): void {
  for (let edits = random.between(1, 3); edits > 0; edits--) {
    const path = note(random.below(NOTES))
    const old = readFileSync(path, "latin1")
    const at = old.indexOf("\n", random.below(old.length)) + 1
    writeFileSync(path, `${old.slice(0, at)}- ${text.sentence()}\n${old.slice(at)}`)
  }
  appendFileSync(journal(random.below(JOURNALS)), lines(random.between(5, 20)))
  for (let events = random.between(20, 60); events > 0; events--) {
    insert.run(text.sentence().slice(0, 40), text.prose(random.between(100, 900)), random.bytes(256))
    const newest = count.get() ?? 1
    if (events % 4 === 0) update.run(text.prose(200), newest - random.below(Math.min(200, newest)))
  }
}

process.on("message", () => {
  turn()
  process.send?.("done")
})
process.on("disconnect", () => process.exit(0))
process.send?.("ready")

/**
 * An agent's memory and its changes during a day of fifteen-minute runs: 300 markdown notes of 1 to 20 KB, five
 * journals of JSON lines that grow, and a SQLite database of 20 MB. Half of the runs change nothing, most others a
 * little, one in sixteen is busy. The month is thirty such days.
 */
import { execFileSync } from "node:child_process"
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { changeDatabase, createDatabase } from "./database.ts"
import { seededRandom, type SeededRandom } from "./random.ts"
import { textMaker, type TextMaker } from "./text.ts"

export interface AgentSizes {
  readonly notes: number
  readonly journals: number
  readonly journalLines: number
  readonly databaseBytes: number
}

const fullSize: AgentSizes = { notes: 300, journals: 5, journalLines: 1_000, databaseBytes: 20_000_000 }

export const agentDay: Corpus = agentRuns("agent-day", 96, fullSize)
export const agentMonth: Corpus = agentRuns("agent-month", 30 * 96, fullSize)

export function agentRuns(name: string, runs: number, sizes: AgentSizes): Corpus {
  return {
    name,
    about: `${runs} runs of an agent: ${sizes.notes} notes, growing journals, a ${sizes.databaseBytes / 1e6} MB database`,
    revision: 2,
    states: Array.from({ length: runs }, (_, index) => label(index)),
    async build(folder) {
      buildMemory(folder, sizes)
    },
    async enter(index, { source, built }) {
      if (index === 0) execFileSync("cp", ["-a", `${built}/.`, source])
      else if (label(index) !== "idle") liveOn(source, index, sizes)
    },
  }
}

/** The same for the day and the month: the month begins with the day. */
function label(index: number): "first" | "idle" | "busy" | "run" {
  if (index === 0) return "first"
  const drawn = seededRandom(`agent plan ${index}`).unit()
  return drawn < 0.5 ? "idle" : drawn < 0.56 ? "busy" : "run"
}

function notePath(folder: string, index: number): string {
  return join(folder, "memory", `topic-${String(index % 20).padStart(2, "0")}`, `note-${index}.md`)
}

function journalPath(folder: string, index: number): string {
  return join(folder, "sessions", `session-${index}.jsonl`)
}

function buildMemory(folder: string, sizes: AgentSizes): void {
  const random = seededRandom("agent memory")
  const text = textMaker(random)
  mkdirSync(join(folder, "sessions"), { recursive: true })
  for (let index = 0; index < sizes.notes; index++) {
    mkdirSync(join(notePath(folder, index), ".."), { recursive: true })
    writeFileSync(notePath(folder, index), text.markdown(random.between(1_000, 20_000)))
  }
  for (let index = 0; index < sizes.journals; index++) {
    writeFileSync(journalPath(folder, index), journalLines(text, 0, sizes.journalLines))
  }
  createDatabase(join(folder, "memory.sqlite"), sizes.databaseBytes, { random, text })
}

function liveOn(folder: string, index: number, sizes: AgentSizes): void {
  const random = seededRandom(`agent run ${index}`)
  const text = textMaker(random)
  const busy = label(index) === "busy"
  const database = join(folder, "memory.sqlite")
  const edits = busy ? random.between(5, 15) : random.between(0, 3)
  for (let edit = 0; edit < edits; edit++) editNote(notePath(folder, random.below(sizes.notes)), random, text)
  if (random.unit() < 0.15)
    writeFileSync(notePath(folder, sizes.notes + index), text.markdown(random.between(1_000, 8_000)))
  const journals = busy ? sizes.journals : 1
  for (let journal = 0; journal < journals; journal++) {
    appendFileSync(
      journalPath(folder, random.below(sizes.journals)),
      journalLines(text, index * 100, random.between(2, 8)),
    )
  }
  if (busy) changeDatabase(database, { updated: 8, added: 4, recent: 0.9 }, { random, text })
  else if (random.unit() < 0.2) {
    const change = { updated: random.between(0, 2), added: random.between(0, 2), recent: 0.95 }
    changeDatabase(database, change, { random, text })
  }
}

function editNote(path: string, random: SeededRandom, text: TextMaker): void {
  const old = readFileSync(path, "latin1")
  const at = old.indexOf("\n", random.below(old.length)) + 1
  writeFileSync(path, `${old.slice(0, at)}- ${text.sentence()}\n${old.slice(at)}`)
}

function journalLines(text: TextMaker, from: number, count: number): string {
  return Array.from({ length: count }, (_, index) => text.journalLine(from + index)).join("")
}

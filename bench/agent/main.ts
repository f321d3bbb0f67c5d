/**
 * `npm run bench:agent`: a day of an agent that works while it is backed up. 96 runs of `backup --sqlite` over
 * markdown notes, growing journals and a live SQLite database of 20 MB; once with a turn of the agent before every
 * run, once before every second one. Prints what a run takes, stores and asks of the store, and a month's requests
 * at the prices of AWS. `--check` compares with bench/targets.json.
 */
import { fork, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import { parseArgs } from "node:util"
import { dollarsForRequests, PROVIDER_PROFILES, type Requests } from "../../engine/index.ts"
import { folderSize } from "../harness/folder-size.ts"
import { describeMachine } from "../harness/machine.ts"
import { measure } from "../harness/measure.ts"
import { defaultCache } from "../harness/places.ts"
import { readTargets } from "../harness/targets.ts"
import { holdfast } from "../peers/holdfast.ts"
import type { Place, Program } from "../peers/peer.ts"

const RUNS = 96
const DAYS = 30
/** A file that was written less than two seconds ago is read again the next time. */
const REST_MS = 2_100
const SCENARIO = "agent-live"
const project = resolve(import.meta.dirname, "../..")

interface Run {
  readonly changed: boolean
  readonly seconds: number
  /** Bytes of the repository's folder that this run added. */
  readonly storedBytes: number
  readonly requests: Requests
}

interface Day {
  readonly changedRuns: number
  readonly first: Run
  readonly runs: readonly Run[]
  readonly sourceBytes: number
  readonly storedBytes: number
  readonly monthDollars: number
}

async function day(scratch: string, program: Program, changedRuns: number): Promise<Day> {
  const folder = mkdtempSync(join(scratch, `${SCENARIO}-`))
  const place: Place = {
    repository: join(folder, "repository"),
    state: join(folder, "state"),
    source: join(folder, "source"),
  }
  mkdirSync(place.state)
  holdfast.prepare?.(place)
  for (const command of holdfast.init(program, place)) await measure(command)
  const agent = fork(join(import.meta.dirname, "live-agent.ts"), [place.source])
  try {
    await once(agent, "message")
    await setTimeout(REST_MS)
    const first = await backUp(place, program, true)
    const runs: Run[] = []
    for (let i = 0; i < RUNS - 1; i++) {
      const changed = Math.floor(((i + 1) * changedRuns) / RUNS) > Math.floor((i * changedRuns) / RUNS)
      if (changed) await turn(agent)
      runs.push(await backUp(place, program, changed))
    }
    const size = folderSize(place.repository)
    const sourceBytes = folderSize(place.source).bytes
    return { changedRuns, first, runs, sourceBytes, storedBytes: size.bytes, monthDollars: dollarsOf(runs) }
  } finally {
    agent.disconnect()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function turn(agent: ChildProcess): Promise<void> {
  agent.send("turn")
  await once(agent, "message")
  await setTimeout(REST_MS)
}

async function backUp(place: Place, program: Program, changed: boolean): Promise<Run> {
  const before = folderSize(place.repository).bytes
  const { args, ...command } = holdfast.backup(program, place, 1)
  const outcome = await measure({ ...command, args: [...args, "--sqlite"] })
  if (outcome.exitCode !== 0) throw new Error(`backup failed: ${outcome.stderr}`)
  const line = outcome.stdout.split("\n").find((each) => each.includes('"message_type":"summary"')) ?? "{}"
  const { requests, snapshot_id: id } = JSON.parse(line) as { requests: Requests; snapshot_id: string | null }
  if ((id !== null) !== changed) throw new Error(`a run ${changed ? "made no" : "made a"} snapshot`)
  const storedBytes = folderSize(place.repository).bytes - before
  return { changed, seconds: outcome.seconds, storedBytes, requests }
}

/** A month of such days, without the first run. */
function dollarsOf(runs: readonly Run[]): number {
  const sum = (kind: "put" | "list" | "get" | "head"): number =>
    (runs.reduce((total, { requests }) => total + requests[kind], 0) * (DAYS * RUNS)) / runs.length
  const asked = { put: sum("put"), list: sum("list"), get: sum("get") + sum("head") }
  return dollarsForRequests(PROVIDER_PROFILES.aws, asked) ?? Number.NaN
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function describe({ changedRuns, first, runs, sourceBytes, storedBytes, monthDollars }: Day): string[] {
  const of = (changed: boolean): Run[] => runs.filter((run) => run.changed === changed)
  const requests = (all: readonly Run[]): string =>
    `${median(all.map(({ requests: { put } }) => put))} PUT, ${median(all.map(({ requests: { list } }) => list))} LIST, ${median(all.map(({ requests: { get } }) => get))} GET`
  const work = (name: string, all: readonly Run[]): string[] =>
    all.length === 0
      ? []
      : [
          `| ${name} | ${median(all.map(({ seconds }) => seconds)).toFixed(2)} | ${(median(all.map((run) => run.storedBytes)) / 1e3).toFixed(0)} | ${requests(all)} |`,
        ]
  return [
    `${changedRuns} of ${RUNS} runs changed; source ${(sourceBytes / 1e6).toFixed(1)} MB, stored ${(storedBytes / 1e6).toFixed(1)} MB after the day; requests of a month at AWS: $${monthDollars.toFixed(4)}`,
    "",
    "| run | s | stored, KB | requests |",
    "| --- | --: | --: | --- |",
    ...work("first", [first]),
    ...work("changed", of(true)),
    ...work("idle", of(false)),
    "",
  ]
}

/** @returns whether all held limits are met */
function check(days: readonly Day[]): boolean {
  const targets = readTargets(join(project, "bench/targets.json")).filter(
    ({ scenario }) => scenario === SCENARIO,
  )
  return targets
    .map(({ row, max, held }) => {
      const found = days.find(({ changedRuns }) => row === `month-${changedRuns}.dollars`)?.monthDollars
      const met = found !== undefined && max !== undefined && found <= max
      console.log(`${met ? "met" : "MISSED"}: ${SCENARIO} ${row}: ${found?.toFixed(4)} (at most ${max})`)
      return met || !held
    })
    .every(Boolean)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { check: { type: "boolean" }, json: { type: "string" }, scratch: { type: "string" } },
  })
  const scratch = resolve(values.scratch ?? join(defaultCache(), "scratch"))
  mkdirSync(scratch, { recursive: true })
  const program = holdfast.locate({ folders: [], project })
  if (typeof program === "string") throw new Error(program)
  const days: Day[] = []
  for (const changedRuns of [48, 96]) days.push(await day(scratch, program, changedRuns))
  const machine = describeMachine(project)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, days }, null, 1)}\n`)
  console.log(days.flatMap(describe).join("\n"))
  if (values.check === true && !check(days)) process.exitCode = 1
}

await main()

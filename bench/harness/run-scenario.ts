/**
 * Runs one scenario: in every repetition the source folder goes through its states once, and at each state every
 * peer backs it up. The order rotates, so all peers get the same data, the same caches and the same variations of
 * the machine. Then every peer restores, and the result is compared bit for bit.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Peer, Place, Program } from "../peers/peer.ts"
import type { Scenario } from "../scenarios/scenario.ts"
import { compareTrees, describeDifferences } from "./compare-trees.ts"
import { folderSize, type FolderSize } from "./folder-size.ts"
import { measure, type Command, type Outcome } from "./measure.ts"
import { NO_CHANGE, RESTORE, UNFLUSHED, type Sample, type ScenarioResult, type Stored } from "./sample.ts"

/**
 * When a file is made, ext4 skips each inode that was freed in the last minutes, one by one: a restore after a
 * removal takes up to four times as long. Restored trees are therefore kept until the last repetition, unless the
 * source has few files or would fill the disk.
 */
const FEW_FILES = 1_000
const KEPT_BYTES_MAX = 2e9

export interface Contender {
  readonly peer: Peer
  readonly program: Program
}

export interface RunOptions {
  readonly built: string
  /** A folder on the disk that is measured; everything in it is removed afterwards. */
  readonly scratch: string
  readonly runs: number
  readonly states: number
  /** Drop the kernel's caches before every measured command (needs root on Linux). */
  readonly cold: boolean
  readonly report: (line: string) => void
}

interface Standing extends Contender {
  readonly place: Place
  readonly report: (line: string) => void
  backups: number
  printed: string
  afterFirst: FolderSize
  requests: Record<string, number>
  /** Why this peer takes no further part in the repetition. */
  failure: string | undefined
}

interface Repetition {
  readonly run: number
  readonly folder: string
  readonly source: string
  readonly standings: readonly Standing[]
}

export async function runScenario(
  scenario: Scenario,
  contenders: readonly Contender[],
  options: RunOptions,
): Promise<ScenarioResult> {
  const samples: Sample[] = []
  const stored: Stored[] = []
  let source: FolderSize = { bytes: 0, objects: 0, diskBytes: 0 }
  const folders: string[] = []
  for (let run = 0; run < options.runs; run++) {
    mkdirSync(options.scratch, { recursive: true })
    const folder = mkdtempSync(join(options.scratch, `${scenario.name}-`))
    folders.push(folder)
    try {
      const repetition = await begin(scenario, contenders, { run, folder, options })
      samples.push(...(await backUpStates(scenario, repetition, options)))
      source = folderSize(repetition.source)
      for (const standing of turned(repetition.standings, run)) {
        const [restores, kept] = await finish(scenario, repetition, { standing, options })
        samples.push(...restores)
        stored.push(kept)
      }
    } finally {
      const isLast = run === options.runs - 1
      if (isLast || source.objects <= FEW_FILES || source.bytes > KEPT_BYTES_MAX)
        for (const old of folders.splice(0)) rmSync(old, { recursive: true, force: true })
    }
  }
  return {
    scenario: scenario.name,
    title: scenario.title,
    about: scenario.corpus.about,
    sourceBytes: source.bytes,
    sourceFiles: source.objects,
    cold: options.cold,
    states: Math.min(options.states, scenario.corpus.states.length),
    statesWhole: scenario.corpus.states.length,
    samples,
    stored,
  }
}

async function begin(
  scenario: Scenario,
  contenders: readonly Contender[],
  { run, folder, options }: { run: number; folder: string; options: RunOptions },
): Promise<Repetition> {
  const source = scenario.corpus.enter === undefined ? options.built : join(folder, "source")
  mkdirSync(source, { recursive: true })
  const standings: Standing[] = []
  for (const contender of contenders) {
    const { peer, program } = contender
    const state = join(folder, peer.name, "state")
    const place: Place = { repository: join(folder, peer.name, "repository"), state, source }
    mkdirSync(state, { recursive: true })
    peer.prepare?.(place)
    const nothing: FolderSize = { bytes: 0, objects: 0, diskBytes: 0 }
    const standing: Standing = {
      ...contender,
      report: options.report,
      place,
      backups: 0,
      printed: "",
      afterFirst: nothing,
      requests: {},
      failure: undefined,
    }
    for (const command of peer.init(program, place)) await attempt(standing, command)
    standings.push(standing)
  }
  return { run, folder, source, standings }
}

async function backUpStates(
  scenario: Scenario,
  repetition: Repetition,
  options: RunOptions,
): Promise<Sample[]> {
  const { corpus } = scenario
  const samples: Sample[] = []
  const labels = corpus.states.slice(0, options.states)
  for (const [index, work] of [...labels, ...(scenario.noChange ? [NO_CHANGE] : [])].entries()) {
    if (index < labels.length) {
      await corpus.enter?.(index, { source: repetition.source, built: options.built })
    }
    for (const standing of turned(repetition.standings, repetition.run + index)) {
      readThrough(repetition.source)
      const sample = await backUp(standing, { work, run: repetition.run, options })
      if (sample === undefined) continue
      samples.push(sample)
      if (index === 0) standing.afterFirst = folderSize(standing.place.repository)
    }
  }
  return samples
}

async function backUp(
  standing: Standing,
  { work, run, options }: { work: string; run: number; options: RunOptions },
): Promise<Sample | undefined> {
  const { peer, program, place } = standing
  settleDisk(options.cold)
  const outcome = await attempt(standing, peer.backup(program, place, ++standing.backups))
  if (outcome === undefined) return undefined
  standing.printed = outcome.stdout
  addRequests(standing.requests, outcome.stdout)
  return sampleOf(outcome, { peer: peer.name, run, work, report: options.report })
}

async function finish(
  scenario: Scenario,
  repetition: Repetition,
  { standing, options }: { standing: Standing; options: RunOptions },
): Promise<[Sample[], Stored]> {
  const { peer, place, afterFirst } = standing
  const size = existsSync(place.repository) ? folderSize(place.repository) : afterFirst
  const kept = {
    peer: peer.name,
    run: repetition.run,
    bytes: size.bytes,
    objects: size.objects,
    newBytes: size.bytes - afterFirst.bytes,
    newObjects: size.objects - afterFirst.objects,
    requests: standing.requests,
  }
  const without = { ...kept, restoredDiskBytes: 0 }
  if (!scenario.restore) return [[], { ...without, restored: standing.failure ?? "not asked" }]
  const restoring = { repetition, standing, options }
  const restore = await restoreAs(RESTORE, restoring)
  if (restore === undefined) return [[], { ...without, restored: standing.failure ?? "failed" }]
  // a program that never flushes has done just that
  const unflushed =
    peer.restoreUnflushed === undefined
      ? { ...restore, sample: { ...restore.sample, work: UNFLUSHED } }
      : await restoreAs(UNFLUSHED, restoring)
  const found = new Set([restore.restored, unflushed?.restored ?? standing.failure ?? "failed"])
  const samples = [restore, unflushed].flatMap((one) => (one === undefined ? [] : [one.sample]))
  return [samples, { ...kept, restored: [...found].join("; "), restoredDiskBytes: restore.diskBytes }]
}

interface Restoring {
  readonly repetition: Repetition
  readonly standing: Standing
  readonly options: RunOptions
}

async function restoreAs(
  work: string,
  { repetition, standing, options }: Restoring,
): Promise<{ sample: Sample; restored: string; diskBytes: number } | undefined> {
  const { peer, program, place, backups, printed } = standing
  const target = join(repetition.folder, `${work} ${peer.name}`)
  mkdirSync(target)
  settleDisk(options.cold)
  const order = { target, number: backups, printed }
  const unflushed = work === UNFLUSHED ? peer.restoreUnflushed?.(program, place, order) : undefined
  const outcome = await attempt(standing, unflushed ?? peer.restore(program, place, order))
  if (outcome === undefined) return undefined
  const differences = compareTrees(repetition.source, target, { root: peer.restoresRoot })
  const restored = describeDifferences(differences)
  const report = (line: string): void => options.report(`${line}, ${restored}`)
  const sample = sampleOf(outcome, { peer: peer.name, run: repetition.run, work, report })
  return { sample, restored, diskBytes: folderSize(target).diskBytes }
}

function sampleOf(
  { seconds, cpuSeconds, peakBytes }: Outcome,
  { peer, run, work, report }: { peer: string; run: number; work: string; report: (line: string) => void },
): Sample {
  const mebibytes = Math.round(peakBytes / 2 ** 20)
  report(
    `  ${run + 1} ${peer} ${work}: ${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s cpu, ${mebibytes} MiB`,
  )
  return { peer, run, work, seconds, cpuSeconds, peakBytes }
}

/** A failed command is reported and ends this peer's part in the repetition. The others continue. */
async function attempt(standing: Standing, command: Command): Promise<Outcome | undefined> {
  if (standing.failure !== undefined) return undefined
  const outcome = await measure(command)
  if (outcome.exitCode === 0) return outcome
  standing.failure = `FAILED with exit code ${outcome.exitCode}`
  const said = `${outcome.stderr}\n${outcome.stdout}`.trim().slice(-2_000)
  standing.report(`${standing.peer.name} ${command.args.join(" ")}: exit code ${outcome.exitCode}\n${said}`)
  return undefined
}

/** Adds up the requests in a peer's JSON summary, if it has any. */
function addRequests(total: Record<string, number>, printed: string): void {
  const found = /"requests":(\{[^{}]*\})/.exec(printed)?.[1]
  if (found === undefined) return
  for (const [name, count] of Object.entries(JSON.parse(found) as Record<string, number>)) {
    total[name] = (total[name] ?? 0) + count
  }
}

/** Earlier writes are flushed before the clock starts, so no peer pays for the previous one. */
function settleDisk(cold: boolean): void {
  execFileSync("sync")
  if (cold) writeFileSync("/proc/sys/vm/drop_caches", "3")
}

/** Reads every file once, so the first peer does not pay for filling the page cache. */
function readThrough(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) readFileSync(join(entry.parentPath, entry.name))
  }
}

function turned<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

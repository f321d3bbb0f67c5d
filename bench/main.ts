/**
 * `npm run bench`: holdfast and its peers side by side on the same data. This file only combines the parts:
 * options, installed peers, corpora, scenarios, then table, JSON and check.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { prepareCorpus } from "./corpora/prepare.ts"
import { anyFailed } from "./harness/failures.ts"
import { describeMachine } from "./harness/machine.ts"
import { measure } from "./harness/measure.ts"
import { parseOptions, usage, type BenchOptions } from "./harness/options.ts"
import { binFolder } from "./harness/places.ts"
import { runScenario, type Contender } from "./harness/run-scenario.ts"
import type { BenchResult, ScenarioResult } from "./harness/sample.ts"
import { markdown } from "./harness/table.ts"
import { describeVerdict, judge, readTargets } from "./harness/targets.ts"
import { peers } from "./peers/all.ts"
import { scenarios } from "./scenarios/all.ts"
import type { Scenario } from "./scenarios/scenario.ts"

const project = resolve(import.meta.dirname, "..")

function report(line: string): void {
  console.error(line)
}

function findContenders(options: BenchOptions): Contender[] {
  checkNames("peer", options.peers, peers)
  const search = {
    folders: [...options.peerFolders.map((f) => resolve(f)), binFolder(options.cache)],
    project,
  }
  const contenders: Contender[] = []
  for (const peer of peers) {
    if (options.peers.length > 0 && !options.peers.includes(peer.name)) continue
    const program = peer.locate(search)
    if (typeof program === "string") report(`without ${peer.name}: ${program}`)
    else contenders.push({ peer, program })
  }
  if (contenders.length === 0) throw new Error("none of the programs is there: npm run bench:peers")
  return contenders
}

function chooseScenarios({ scenarios: asked }: BenchOptions): Scenario[] {
  if (asked.includes("all")) return [...scenarios]
  checkNames("scenario", asked, scenarios)
  return scenarios.filter(({ name, standard }) => (asked.length === 0 ? standard : asked.includes(name)))
}

function checkNames(what: string, asked: readonly string[], known: readonly { name: string }[]): void {
  const names = known.map(({ name }) => name)
  const wrong = asked.find((name) => !names.includes(name))
  if (wrong !== undefined) throw new Error(`no ${what} is named ${wrong}; there are ${names.join(", ")}`)
}

async function readVersions(
  contenders: readonly Contender[],
  scratch: string,
): Promise<Record<string, string>> {
  const versions: Record<string, string> = {}
  for (const { peer, program } of contenders) {
    const outcome = await measure(peer.version(program, scratch))
    versions[peer.name] = outcome.stdout.split("\n")[0]?.trim() ?? ""
  }
  return versions
}

async function run(options: BenchOptions): Promise<BenchResult> {
  const machine = describeMachine(project)
  const contenders = findContenders(options)
  const scratch = resolve(options.scratch ?? join(options.cache, "scratch"))
  mkdirSync(scratch, { recursive: true })
  const versions = await readVersions(contenders, scratch)
  const results: ScenarioResult[] = []
  for (const scenario of chooseScenarios(options)) {
    const built = await prepareCorpus(scenario.corpus, resolve(options.cache), report)
    report(`${scenario.name}: ${contenders.map(({ peer }) => peer.name).join(", ")}`)
    const result = await runScenario(scenario, contenders, {
      built,
      scratch,
      runs: Math.min(options.runs, scenario.runsMax),
      states: options.quick ? scenario.quickStates : Infinity,
      cold: options.cold,
      report,
    })
    results.push(result)
    const so = { machine, peers: versions, scenarios: results }
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(so, null, 1)}\n`)
  }
  return { machine, peers: versions, scenarios: results }
}

function readResult(file: string): BenchResult {
  const text = readFileSync(file, "utf8")
  try {
    return JSON.parse(text) as BenchResult
  } catch {
    throw new Error(`--from ${file}: not JSON; give a file that --json has written`)
  }
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) return console.log(usage)
  const result = options.from === undefined ? await run(options) : readResult(options.from)
  console.log(markdown(result))
  if (anyFailed(result)) process.exitCode = 1
  if (!options.check) return
  const verdicts = judge(readTargets(join(import.meta.dirname, "targets.json")), result)
  for (const verdict of verdicts) console.log(describeVerdict(verdict))
  if (verdicts.some(({ target, ratio, met }) => target.held && ratio !== undefined && !met))
    process.exitCode = 1
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}

import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import type { Corpus } from "../corpora/corpus.ts"
import type { Peer } from "../peers/peer.ts"
import type { Scenario } from "../scenarios/scenario.ts"
import { runScenario, type RunOptions } from "./run-scenario.ts"

const env = { PATH: process.env["PATH"] ?? "" }

/** A peer that keeps a plain copy of each backup; `restoreFrom` says which one it restores. */
function copier(name: string, restoreFrom: (last: number) => string): Peer {
  const sh = (script: string): ReturnType<Peer["backup"]> => ({ program: "sh", args: ["-ec", script], env })
  return {
    name,
    restoresRoot: true,
    locate: () => ({ file: "sh", leading: [] }),
    version: () => sh("echo 1"),
    init: (_, { repository }) => [sh(`mkdir '${repository}'`)],
    backup: (_, { repository, source }, number) => sh(`cp -a '${source}' '${repository}/${number}'`),
    restore: (_, { repository }, { target, number }) =>
      sh(`cp -a '${repository}/${restoreFrom(number)}/.' '${target}'`),
  }
}

const corpus: Corpus = {
  name: "growing",
  about: "one more file a state",
  revision: 1,
  states: ["first", "later", "later"],
  build: async () => {},
  async enter(index, { source }) {
    writeFileSync(join(source, String(index)), "x".repeat(100))
  },
}

const scenario: Scenario = {
  name: "growing",
  title: "Growing",
  corpus,
  noChange: true,
  restore: true,
  standard: false,
  runsMax: Infinity,
  quickStates: Infinity,
}

function optionsIn(t: TestContext): RunOptions {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-run-"))
  t.after(() => rmSync(folder, { recursive: true }))
  const [built, scratch] = [join(folder, "built"), join(folder, "scratch")]
  mkdirSync(built)
  return { built, scratch, runs: 2, states: Infinity, cold: false, report: () => {} }
}

test("runScenario() restores twice with a peer that flushes by default, and compares both", async (t) => {
  const good = copier("flushing", String)
  const stale = copier("stale", () => "1")
  const peer: Peer = { ...good, restoreUnflushed: (...asked) => stale.restore(...asked) }
  const contenders = [peer, copier("other", String)].map((each) => ({
    peer: each,
    program: { file: "sh", leading: [] },
  }))
  const { samples, stored } = await runScenario(scenario, contenders, { ...optionsIn(t), runs: 1 })
  const seconds = (name: string, work: string): number | undefined =>
    samples.find((sample) => sample.peer === name && sample.work === work)?.seconds
  assert.equal(seconds("other", "restore unflushed"), seconds("other", "restore"))
  assert.notEqual(seconds("flushing", "restore unflushed"), seconds("flushing", "restore"))
  assert.match(stored[0]?.restored ?? "", /^exact; .*2 missing/)
})

test("runScenario() measures every state with every peer and detects a wrong restore", async (t) => {
  const peers = [copier("good", String), copier("stale", () => "1"), copier("broken", () => "none")]
  const contenders = peers.map((peer) => ({ peer, program: { file: "sh", leading: [] } }))
  const options = optionsIn(t)
  const result = await runScenario(scenario, contenders, options)
  const works = (name: string): string[] =>
    result.samples.filter(({ peer, run }) => peer === name && run === 0).map(({ work }) => work)
  const backups = ["first", "later", "later", "no-change"]
  assert.deepEqual(works("good"), [...backups, "restore", "restore unflushed"])
  assert.deepEqual(works("broken"), backups)
  const told = (name: string): string[] =>
    result.stored.filter(({ peer }) => peer === name).map(({ restored }) => restored)
  assert.deepEqual(told("good"), ["exact", "exact"])
  assert.match(told("stale")[1] ?? "", /2 missing/)
  assert.match(told("broken")[0] ?? "", /^FAILED with exit code/)
  const [good] = result.stored
  assert.deepEqual([good?.bytes, good?.newBytes, good?.objects], [900, 800, 9])
  assert.deepEqual([result.sourceFiles, result.sourceBytes], [3, 300])
  assert.deepEqual(readdirSync(options.scratch), [], "nothing is left behind")
})

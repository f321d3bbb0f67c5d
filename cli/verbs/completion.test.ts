/** Completion: the output of the hidden command, and real bash. Real zsh and fish: completion.slow.test.ts. */
import assert from "node:assert/strict"
import { readdirSync } from "node:fs"
import { test } from "node:test"
import { completionOf, SHELLS } from "./complete.ts"
import { completionScript } from "./completion.ts"
import { completionSuite } from "../testing/completion-suite.ts"
import { sandbox } from "../testing/run-cli.ts"
import { flagsOf, VERBS } from "./table.ts"

completionSuite("bash")

test("completionOf() offers every verb and every flag of it", () => {
  for (const verb of VERBS) {
    const words = verb.name.split(" ")
    const offered = completionOf(words).candidates.map(({ word }) => word)
    assert.ok(offered.includes(words.at(-1) ?? ""), verb.name)
    const flags = completionOf([...words, "-"]).candidates.map(({ word }) => word)
    for (const { name } of flagsOf(verb)) assert.ok(flags.includes(`--${name}`), `${verb.name} --${name}`)
  }
})

test("completionOf() recognises values at any position", () => {
  const words = (...typed: string[]): string[] => completionOf(typed).candidates.map(({ word }) => word)
  assert.ok(words("--series", "x", "").includes("backup"))
  assert.deepEqual(words("--addressing=").toSorted(), ["path", "virtual"])
  assert.equal(completionOf(["--addressing="]).prefix, "--addressing=")
  assert.equal(completionOf(["backup", "-e", ""]).files, false)
  assert.equal(completionOf(["backup", "-e", "x", ""]).files, true)
  assert.equal(completionOf(["restore", ""]).ask, "snapshots")
  assert.equal(completionOf(["-r", "X", "restore", ""]).ask, "snapshots")
  assert.equal(completionOf(["restore", "latest", ""]).ask, undefined)
  assert.equal(completionOf(["diff", "latest", ""]).ask, "snapshots")
  assert.equal(completionOf(["find", "-s", ""]).ask, "snapshots")
  assert.deepEqual(words("restore", "--", "--ov"), [])
})

test("completionScript() has one for each shell", () => {
  for (const shell of SHELLS) assert.match(completionScript(shell) ?? "", /__complete/)
  assert.equal(completionScript("tcsh"), undefined)
  assert.doesNotMatch(SHELLS.map(completionScript).join(""), /\\\$\{/)
})

test("__complete asks no question, prints no error and leaves the home unchanged", (context) => {
  const box = sandbox(context)
  box.must("init")
  const home = box.path("another-home")
  const marks = box.path("asked")
  for (const environment of [
    { HOLDFAST_HOME: home, HOLDFAST_PASSWORD_COMMAND: `touch ${marks}; echo x` },
    { HOLDFAST_HOME: home, HOLDFAST_CREDENTIALS: `command:touch ${marks}` },
  ]) {
    for (const place of [box.repository, box.path("nowhere"), "s3://bucket/prefix"]) {
      const { code, out, err } = box.runWith(environment, ["__complete", "-r", place, "restore", ""])
      assert.deepEqual([code, out, err], [0, "words\n", ""], place)
    }
  }
  const names = readdirSync(box.folder)
  assert.ok(!names.includes("asked") && !names.includes("another-home"), names.join())
})

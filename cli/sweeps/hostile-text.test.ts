/**
 * A repository in which every stored text is hostile to terminals: names, series, hosts, tags, paths, users,
 * labels. Every verb runs over it, and prints nothing but text.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { linkSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { backup, openHome, openRepository, openStore, rawPathFromText } from "../../engine/index.ts"
import { cutToWidth, textWidth } from "../output/columns.ts"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

/** A title, a cleared screen, a line and a command of its own, a reversed direction, wide and combining characters. */
const EVIL = "\x1b]0;t\x07\x1b[2J\nINJECTED\r\n  INJECTED\u009b31m\u202e\u2066漢字e\u0301\t"

// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

function assertHarmless({ out, err }: Outcome, what: string): void {
  for (const text of [out, err]) {
    const found = UNPRINTABLE.exec(text)
    assert.equal(found, null, `${what} prints ${JSON.stringify(found?.[0])}: ${JSON.stringify(text)}`)
    assert.doesNotMatch(text, /^\s*INJECTED/m, `${what} lets stored text begin a line`)
  }
}

/** Every cell of the named columns begins where its header does. */
function assertAligned(text: string, columns: readonly string[], what: string): void {
  const [header = "", ...rows] = text.split("\n").filter((line) => line.includes("  "))
  for (const name of columns) {
    const at = header.indexOf(name)
    assert.ok(at >= 2, `${what} has a column ${name}`)
    for (const row of rows) {
      const before = cutToWidth(row, at)
      assert.equal(textWidth(before), at, row)
      assert.match(before, / {2}$/, `${what}: ${name} in ${row}`)
      assert.notEqual(row[before.length], " ", `${what}: ${name} in ${row}`)
    }
  }
}

interface Hostile {
  readonly box: Sandbox
  readonly source: string
  readonly verb: (...words: string[]) => Outcome
}

/** Two snapshots of two series in a repository whose own place is named so as well. */
async function hostileRepository(context: TestContext): Promise<Hostile> {
  const box = sandbox(context)
  const location = box.path(`repository ${EVIL}`)
  const environment = {
    HOLDFAST_REPOSITORY: location,
    HOLDFAST_KEY_FILE: box.keyFile,
    HOLDFAST_HOME: box.path("home"),
  }
  const verb: Hostile["verb"] = (...words) => box.runWith(environment, words)
  const source = box.path(`source ${EVIL}`)
  mkdirSync(join(source, `folder ${EVIL}`), { recursive: true })
  writeFileSync(join(source, `file ${EVIL}`), "one\n")
  writeFileSync(join(source, `folder ${EVIL}`, `below ${EVIL}`), "two\n")
  linkSync(join(source, `file ${EVIL}`), join(source, `hard ${EVIL}`))
  symlinkSync(`target ${EVIL}`, join(source, `link ${EVIL}`))
  execFileSync("mkfifo", [join(source, `fifo ${EVIL}`)])
  const init = verb("init", "--label", `label ${EVIL}`)
  assert.equal(init.code, 0, init.err)
  assertHarmless(init, "init")
  await backupAs(location, environment, source)
  writeFileSync(join(source, `added ${EVIL}`), "three\n")
  rmSync(join(source, `folder ${EVIL}`), { recursive: true })
  return { box, source, verb }
}

/** By the engine, since no flag names the user. */
async function backupAs(
  location: string,
  environment: Readonly<Record<string, string>>,
  source: string,
): Promise<void> {
  const home = openHome({ environment })
  const store = await openStore(location, {}, environment)
  const secret = async (): Promise<undefined> => undefined
  const repository = await openRepository({ store, home, write: true, secret })
  const text = EVIL.replaceAll("\0", "")
  const { snapshotId } = await backup(repository, {
    paths: [rawPathFromText(source)],
    cwd: "/",
    host: `host ${text}`,
    user: `user ${text}`,
    series: `series ${text}`,
    tags: [`tag ${text}`, "plain"],
    trigger: `trigger ${text}`,
  })
  repository.close()
  assert.ok(snapshotId)
}

test("no verb prints a control character of a stored text, and tables stay aligned", async (context) => {
  const { box, source, verb } = await hostileRepository(context)
  const series = `series ${EVIL}`
  const checked = (...words: string[]): Outcome => {
    const outcome = verb(...words)
    assertHarmless(outcome, words[0] ?? "")
    assertHarmless(verb(...words, "--json"), `${words[0] ?? ""} --json`)
    return outcome
  }
  const done = (...words: string[]): Outcome => {
    const outcome = checked(...words)
    assert.equal(outcome.code, 0, `${words.join(" ")}: ${outcome.err}`)
    return outcome
  }
  const saved = verb("backup", source, "--series", series, "--tag", `tag ${EVIL}`, "--verbose")
  assert.equal(saved.code, 0, saved.err)
  assert.match(saved.out, /added /)
  assertHarmless(saved, "backup")
  writeFileSync(box.path("other"), "four\n")
  assert.equal(verb("backup", box.path("other"), "--series", "a", "--host", "h", "--tag", "z").code, 0)

  assertAligned(done("snapshots").out, ["time", "host", "series", "tags", "paths"], "snapshots")
  const address = ["latest", "--series", series]
  assert.equal(done("ls", ...address).out.split("\n").length, 6)
  done("ls", "-l", ...address)
  done("find", "*file*", "--series", series)
  done("log", `file ${EVIL}`, "--series", series)
  done("diff", "latest~1", ...address)
  done("diff", ...address)
  done("stats")
  assertAligned(done("device", "list").out, ["label", "role", "status"], "device list")
  done("key", "list")
  done("cache")
  done("check")
  done("check", "--store-only")
  checked("doctor")
  done("connect")
  done("estimate", source, "--series", series)
  done("copy", box.path(`mirror ${EVIL}`))

  const target = box.path(`out ${EVIL}`)
  const restored = verb("restore", ...address, "--target", target, "--verbose")
  assertHarmless(restored, "restore")
  assert.equal(readFileSync(join(target, `file ${EVIL}`), "utf8"), "one\n")
})

test("no error repeats a control character of a stored or typed text", async (context) => {
  const { box, source, verb } = await hostileRepository(context)
  assert.equal(verb("backup", box.keyFile, "--series", "a").code, 0)
  const failures = [
    ["ls", `latest:${EVIL}`, "--series", `series ${EVIL}`],
    ["ls", "ffffffff"],
    ["ls", EVIL],
    ["ls", "latest"],
    ["ls", "latest", "--series", EVIL],
    ["log", `none ${EVIL}`],
    ["dump", `latest:folder ${EVIL}`, "--series", `series ${EVIL}`],
    ["dump", "latest", "--series", `series ${EVIL}`],
    ["backup", `${source}/none ${EVIL}`],
    ["restore", "latest", "--series", `series ${EVIL}`, "--target", `${box.keyFile}/${EVIL}`],
    ["key", "remove", EVIL],
    ["snapshots", "-r", box.path(`none ${EVIL}`)],
    ["snapshots", `--${EVIL}`],
    [`verb ${EVIL}`],
    ["check", "--read-data-subset", EVIL],
    ["backup", source, "--files-from", EVIL],
    ["init"],
  ]
  for (const words of failures) {
    const outcome = verb(...words)
    assert.notEqual(outcome.code, 0, words.join(" "))
    assertHarmless(outcome, words.join(" "))
  }
  // a name in an object's place
  writeFileSync(join(box.path(`repository ${EVIL}`), `stranger ${EVIL}`), "")
  for (const words of [["check"], ["check", "--store-only"], ["doctor"]])
    assertHarmless(verb(...words), words[0] ?? "")
})

/**
 * No verb gives a wrong answer with exit code 0: each object of the log, each segment and each pack of a small
 * repository is damaged in turn, and read from an empty home.
 */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

interface Place {
  readonly box: Sandbox
  readonly ids: readonly string[]
  readonly objects: readonly string[]
  /** By an empty home. */
  readonly ask: (...words: string[]) => Outcome
}

function makePlace(context: TestContext): Place {
  const box = sandbox(context)
  const source = box.path("notes")
  mkdirSync(join(source, "sub"), { recursive: true })
  box.must("init")
  const ids: string[] = []
  for (let i = 0; i < 3; i++) {
    writeFileSync(join(source, "sub", "a.md"), `version ${i}\n`)
    // directories of packs that are too long for an entry: the third backup makes a segment
    writeFileSync(join(source, `new ${i}`), hexText(`incomplete ${i}`))
    ids.push(String(box.must("backup", source, "--json").last["snapshot_id"]))
  }
  const names = readdirSync(box.repository, { recursive: true, encoding: "utf8" })
  const objects = names.filter(
    (name) => /^(log|index|packs)\//.test(name) && isFile(join(box.repository, name)),
  )
  const environment = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_KEY_FILE: box.keyFile }
  const ask = (...words: string[]): Outcome => {
    for (const folder of ["stranger", "out"]) rmSync(box.path(folder), { recursive: true, force: true })
    return box.runWith({ ...environment, HOLDFAST_HOME: box.path("stranger") }, words)
  }
  return { box, ids, objects, ask }
}

/** 4 MB that compress. */
function hexText(seed: string): string {
  return Buffer.from(seededRandom(seed).bytes(2_000_000)).toString("hex")
}

function isFile(path: string): boolean {
  return statSync(path).isFile()
}

/** The result, without values that differ from run to run. */
function answer({ box }: Place, words: readonly string[], { out }: Outcome): string {
  const lines = out.split("\n").filter((line) => !line.includes('"message_type":"status"'))
  const text = lines
    .join("\n")
    .replace(/"(requests|total_duration|seconds_elapsed|seconds|packs_read)":(\{[^}]*\}|[\d.]+)/g, "")
  return words[0] === "restore" ? `${text}${JSON.stringify([...pictureOf(box.path("out"))])}` : text
}

test("every reading verb prints the complete right answer with exit code 0, or ends with another code", (context) => {
  const place = makePlace(context)
  const { box, ids, objects, ask } = place
  const [first = "", , last = ""] = ids
  const questions = [
    ["snapshots"],
    ["ls", "latest"],
    ["ls", first],
    ["find", "new*"],
    ["log", "sub/a.md"],
    ["diff", first, last],
    ["diff", "latest"],
    ["dump", "latest:sub/a.md"],
    ["restore", "latest", "--target", box.path("out")],
    ["stats"],
    ["check", "--read-data"],
  ].map((each) => [...each, "--json"])
  const right = questions.map((words) => answer(place, words, ask(...words)))
  const counts = { right: 0, refused: 0 }
  for (const kind of ["log/trust/", "log/", "index/", "packs/"])
    assert.ok(
      objects.some((name) => name.startsWith(kind)),
      objects.join(" "),
    )
  for (const object of objects) {
    const file = join(box.repository, object)
    const bytes = readFileSync(file)
    const changed = Buffer.from(bytes)
    const at = Math.floor(bytes.length / 2)
    changed[at] = (changed[at] ?? 0) ^ 1
    writeFileSync(file, changed)
    for (const [i, words] of questions.entries()) {
      const outcome = ask(...words)
      const told = `${words.join(" ")} beside a damaged ${object}: ${outcome.err}`
      assert.doesNotMatch(outcome.err, /internal error/, told)
      if (outcome.code === 0) {
        assert.equal(answer(place, words, outcome), right[i], told)
        counts.right++
      } else {
        assert.ok(outcome.code === 13 || outcome.code === 14, `${outcome.code} ${told}`)
        assert.match(outcome.err.trim().split("\n").at(-1) ?? "", /"message_type":"exit_error"/, told)
        counts.refused++
      }
    }
    writeFileSync(file, bytes)
  }
  context.diagnostic(JSON.stringify(counts))
  assert.ok(counts.right > 0 && counts.refused > objects.length)
})

test("latest with a damaged newest entry restores the one before, reports that a newer one may exist, and is exit code 13", (context) => {
  const { box, ids, objects, ask } = makePlace(context)
  const last = objects.find((name) => name.includes(`-${ids[2]}`)) ?? ""
  writeFileSync(join(box.repository, last), "torn")
  const restored = ask("restore", "latest", "--target", box.path("out"))
  assert.equal(restored.code, 13, restored.err)
  assert.equal(readFileSync(box.path("out", "sub", "a.md"), "utf8"), "version 1\n")
  assert.match(restored.err, /There may be a newer snapshot than [0-9a-f]{8}/)
  assert.match(
    restored.err,
    /the answer may be incomplete: 1 object .* could not be read \(see the warnings\)\n$/,
  )
  const listed = ask("snapshots", "--json")
  assert.deepEqual([listed.code, listed.lines.length], [13, 2])
  assert.match(listed.err, /"code":13,"message":"the answer may be incomplete/)
  // the content of the damaged entry itself is not reported as missing
  assert.equal(ask("ls", ids[2] ?? "").code, 13)
  assert.equal(ask("log", "new 2").code, 13)
  // a snapshot that is named by its id is whole
  const named = ask("ls", ids[1] ?? "")
  assert.equal(named.code, 0, named.err)
  assert.match(named.err, new RegExp(last.slice(0, 40)))
  // a home that has seen the entry knows it
  assert.equal(box.run("ls", "latest").code, 0)
})

test("ls, find and log continue after a damaged part of a listing", (context) => {
  const box = sandbox(context)
  const source = box.path("many")
  mkdirSync(source)
  for (let i = 0; i < 300; i++) writeFileSync(join(source, `file ${i}`), "")
  box.must("init")
  const first = String(box.must("backup", source, "--json").last["snapshot_id"])
  writeFileSync(join(source, "file 150"), "changed\n")
  const packs = (): string[] => {
    const names = readdirSync(join(box.repository, "packs"), { recursive: true, encoding: "utf8" })
    return names.filter((name) => isFile(join(box.repository, "packs", name)))
  }
  const old = packs()
  box.must("backup", source)
  const added = packs().filter((name) => !old.includes(name))
  assert.ok(added.length > 0)
  for (const name of added) {
    const file = join(box.repository, "packs", name)
    writeFileSync(file, readFileSync(file).fill(0xff, 72))
  }
  rmSync(box.path("home"), { recursive: true })
  for (const words of [
    ["ls", "latest"],
    ["find", "file 1*"],
    ["log", "file 150"],
  ]) {
    const { code, out, err } = box.run(...words)
    assert.equal(code, 13, `${words.join(" ")}: ${err}`)
    if (words[0] !== "ls") assert.ok(out.length > 0, `${words.join(" ")}: ${err}`)
  }
  assert.match(box.run("find", "file 1*").out, /file 150/)
  assert.equal(box.run("ls", first).code, 0)
})

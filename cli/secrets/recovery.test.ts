/** Secrets and recovery words: where they may be, and where they must never be (rule S1). */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

function save(box: Sandbox): string {
  const source = box.path("notes")
  mkdirSync(source, { recursive: true })
  writeFileSync(join(source, "a.md"), "kept\n")
  box.must("backup", source)
  return source
}

test("init writes the words to a new file that only the owner can read, and never to JSON", (context) => {
  const box = sandbox(context)
  const { out, err } = box.must("init", "--json", "--recovery-words-file", box.path("words"))
  const words = readFileSync(box.path("words"), "utf8").trim().split(" ")
  assert.equal(words.length, 24)
  assert.equal(statSync(box.path("words")).mode & 0o777, 0o600)
  assert.ok(!`${out}${err}`.includes(words.slice(0, 3).join(" ")))
})

test("init without a terminal and without a file succeeds, and prints how to get words later", (context) => {
  const { code, out, err } = sandbox(context).run("init")
  assert.equal(code, 0)
  assert.match(err, /holdfast key add --recovery/)
  assert.ok(!/^(\s*\d+\. [a-z]+){4}/m.test(out))
})

test("init refuses to overwrite a words file, or to put it into the repository", (context) => {
  const box = sandbox(context)
  writeFileSync(box.path("words"), "mine")
  const taken = box.run("init", "--recovery-words-file", box.path("words"))
  assert.equal(taken.code, 2)
  assert.match(taken.err, /exists already/)
  assert.equal(readFileSync(box.path("words"), "utf8"), "mine")
  const inside = box.run("init", "--recovery-words-file", join(box.repository, "words"))
  assert.equal(inside.code, 2)
  assert.match(inside.err, /is inside/)
})

test("init refuses a second repository in the same place, and leaves no words file", (context) => {
  const box = sandbox(context)
  box.must("init")
  const { code, err } = box.run("init", "--recovery-words-file", box.path("words"))
  assert.equal(code, 1)
  assert.match(err, /a repository already exists here.*holdfast connect/)
  assert.ok(!existsSync(box.path("words")))
})

test("init without a secret and without a terminal names the flags for one", (context) => {
  const box = sandbox(context)
  const { code, err } = box.runWith({ HOLDFAST_HOME: box.path("home") }, ["init", box.repository])
  assert.equal(code, 2)
  assert.match(err, /--password-file.*--key-file/)
})

test("the recovery sheet has the words, the address, the id and three commands", (context) => {
  const box = sandbox(context)
  const { id } = box.must("init", "--json", "--recovery-sheet", box.path("sheet")).last
  const sheet = readFileSync(box.path("sheet"), "utf8")
  assert.equal(sheet.match(/\d+\. [a-z]+/g)?.length, 24)
  for (const part of [String(id), box.repository, "holdfast connect", "holdfast restore"])
    assert.ok(sheet.includes(part))
})

test("the recovery sheet's commands work, also for a place with a blank in its name", (context) => {
  const box = sandbox(context)
  const place = box.path("my repository")
  box.must("init", place, "--recovery-sheet", box.path("sheet"))
  box.must("backup", "key", "-r", place)
  const sheet = readFileSync(box.path("sheet"), "utf8")
  const words = [...sheet.matchAll(/\d+\. ([a-z]+)/g)].map(([, word]) => word)
  writeFileSync(box.path("words.txt"), words.join(" "), { mode: 0o600 })
  const commands = [...sheet.matchAll(/^ {2}holdfast (.*)$/gm)].map(([, command]) => command)
  assert.equal(commands.length, 3)
  let listed = ""
  for (const command of commands) {
    const [id = ""] = /^[0-9a-f]{8}/m.exec(listed) ?? []
    listed = execFileSync(
      "sh",
      [
        "-c",
        `"${process.execPath}" "${resolve("dist/cli/main.js")}" ${(command ?? "").replace(/\bID\b/, id)}`,
      ],
      {
        cwd: box.folder,
        env: { PATH: process.env["PATH"] ?? "", HOLDFAST_HOME: box.path("empty home") },
        stdio: "pipe",
        encoding: "utf8",
      },
    )
  }
  assert.deepEqual(readFileSync(box.path("restored", "key")), readFileSync(box.keyFile))
})

test("the 24 words alone restore everything on an empty machine", (context) => {
  const box = sandbox(context)
  box.must("init", "--recovery-words-file", box.path("words"))
  save(box)
  renameSync(box.repository, box.path("moved"))
  const empty = { HOLDFAST_HOME: box.path("empty-home"), HOLDFAST_RECOVERY_WORDS_FILE: box.path("words") }
  const { code, err } = box.runWith(empty, [
    "restore",
    "latest",
    "-r",
    box.path("moved"),
    "--target",
    box.path("out"),
  ])
  assert.equal(code, 0, err)
  assert.equal(readFileSync(box.path("out", "a.md"), "utf8"), "kept\n")
})

test("a device is enrolled by its first write, reports it once, and needs no secret then", (context) => {
  const box = sandbox(context)
  box.must("init")
  const source = save(box)
  writeFileSync(join(source, "b.md"), "more\n")
  const other = { HOLDFAST_HOME: box.path("other"), HOLDFAST_REPOSITORY: box.repository }
  const first = box.runWith({ ...other, HOLDFAST_KEY_FILE: box.keyFile }, ["backup", source])
  assert.equal(first.code, 0, first.err)
  assert.match(first.err, /now has its own keys/)
  writeFileSync(join(source, "c.md"), "and more\n")
  const second = box.runWith(other, ["backup", source])
  assert.equal(second.code, 0, second.err)
  assert.doesNotMatch(second.err, /now has its own keys/)
})

test("secrets come from files, commands and variables; their newline is removed", (context) => {
  const box = sandbox(context)
  writeFileSync(box.path("pass"), "correct horse\n", { mode: 0o600 })
  const bare = { HOLDFAST_REPOSITORY: box.repository }
  const made = box.runWith({ ...bare, HOLDFAST_HOME: box.path("home") }, [
    "init",
    "--password-file",
    box.path("pass"),
  ])
  assert.equal(made.code, 0, made.err)
  const ways: Record<string, string>[] = [
    { HOLDFAST_PASSWORD: "correct horse" },
    { HOLDFAST_PASSWORD_FILE: box.path("pass") },
    { HOLDFAST_PASSWORD_COMMAND: "printf 'correct horse\\n'" },
  ]
  for (const [at, way] of ways.entries()) {
    const { code, err } = box.runWith({ ...bare, HOLDFAST_HOME: box.path(`home-${at}`), ...way }, [
      "snapshots",
    ])
    assert.equal(code, 0, err)
  }
})

test("a secret file that others can read is reported", (context) => {
  const box = sandbox(context)
  writeFileSync(box.path("open-key"), readFileSync(box.keyFile), { mode: 0o644 })
  const { err } = box.run("init", "--key-file", box.path("open-key"))
  assert.match(err, /other users can read the .*\. Run: chmod 600/)
})

test("only the owner can read the files of the home", (context) => {
  const box = sandbox(context)
  box.must("init")
  save(box)
  for (const name of readdirSync(box.path("home"), { recursive: true, encoding: "utf8" })) {
    const { mode } = statSync(box.path("home", name))
    assert.equal(mode & 0o077, 0, name)
  }
})

test("key add, list, remove and passwd change the keys of the repository", (context) => {
  const box = sandbox(context)
  box.must("init", "--recovery-words-file", box.path("words"))
  for (const name of ["one", "two"]) writeFileSync(box.path(name), `passphrase ${name}`, { mode: 0o600 })
  const { id } = box.must("key", "add", "--new-password-file", box.path("one"), "--json").last
  const opens = (name: string, home: string): number | null =>
    box.runWith(
      {
        HOLDFAST_REPOSITORY: box.repository,
        HOLDFAST_HOME: box.path(home),
        HOLDFAST_PASSWORD_FILE: box.path(name),
      },
      ["snapshots"],
    ).code
  assert.equal(opens("one", "h1"), 0)
  const words = box.must(
    "key",
    "passwd",
    "--password-file",
    box.path("one"),
    "--new-password-file",
    box.path("two"),
    "--json",
  )
  assert.deepEqual([opens("one", "h2"), opens("two", "h3")], [12, 0])
  const listed = box.must("key", "list", "--json").lines
  assert.deepEqual(new Set(listed.map(({ kind }) => kind)), new Set(["key", "passphrase", "recovery"]))
  assert.ok(!listed.some((line) => line["id"] === id))
  box.must("key", "remove", String(words.last["id"]).slice(0, 8))
  assert.equal(opens("two", "h4"), 12)
})

test("key add --recovery makes new words that open the repository, like the old ones", (context) => {
  const box = sandbox(context)
  box.must("init", "--recovery-words-file", box.path("old"))
  save(box)
  box.must("key", "add", "--recovery", "--recovery-words-file", box.path("new"))
  assert.notEqual(readFileSync(box.path("old"), "utf8"), readFileSync(box.path("new"), "utf8"))
  for (const name of ["old", "new"]) {
    const home = { HOLDFAST_HOME: box.path(`home-${name}`), HOLDFAST_REPOSITORY: box.repository }
    const { code } = box.runWith(home, ["ls", "latest", "--recovery-words-file", box.path(name)])
    assert.equal(code, 0)
  }
  const inSource = box.run("key", "add", "--recovery", "--recovery-words-file", box.path("notes", "words"))
  assert.equal(inSource.code, 2)
  assert.match(inSource.err, /is inside/)
})

/** Nothing is written into a repository or holdfast's own folders: not by `init` or `dump`, nor by a restore from above. */
import assert from "node:assert/strict"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { pictureOf } from "../../fixtures/picture.ts"
import { sandbox } from "../testing/run-cli.ts"

test("init and dump --target are refused inside a repository and inside holdfast's own folders", (context) => {
  const box = sandbox(context)
  const empty = { ...box.environment, HOLDFAST_HOME: box.path("data", "home") }
  const above = box.runWith(empty, ["init", box.path("data")])
  assert.deepEqual([above.code, existsSync(box.path("data"))], [1, false], above.err)
  assert.match(above.err, /contains the folders in which holdfast/)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "f"), "content")
  box.must("init")
  box.must("backup", "notes")
  box.must("init", "other")
  symlinkSync("repository", box.path("link"))
  const places = [
    "repository/x",
    "repository/packs/new/x",
    "link/x",
    "home/x",
    "home/repositories/x",
    "other/log/x",
  ]
  const before = [box.repository, box.path("other")].map((path) => pictureOf(path))
  for (const place of places) {
    for (const words of [
      ["init", place],
      ["dump", "latest:f", "--target", place],
      ["dump", "latest", "--archive", "tar", "--target", place],
    ]) {
      const { code, err } = box.run(...words)
      assert.equal(code, 1, `${words.join(" ")}: ${err}`)
      assert.match(err, /is inside (a repository|the repository|the folders)/)
      assert.equal(existsSync(box.path(place)), false)
    }
  }
  assert.deepEqual(
    [box.repository, box.path("other")].map((path) => pictureOf(path)),
    before,
  )
  assert.match(box.run("init", box.repository).err, /repository/)
  box.must("dump", "latest:f", "--target", "plain")
  assert.equal(readFileSync(box.path("plain"), "utf8"), "content")
})

test("restore leaves the repository, others that are known and the home below its target alone, and counts that", (context) => {
  const box = sandbox(context)
  const user = box.path("user")
  const words = ["--series", "user", "--json"]
  // another home saves all of them as the files that they are
  const other = {
    ...box.environment,
    HOLDFAST_HOME: box.path("other"),
    HOLDFAST_REPOSITORY: box.path("elsewhere"),
  }
  const own = { ...box.environment, HOLDFAST_HOME: `${user}/home`, HOLDFAST_REPOSITORY: `${user}/repository` }
  const run = (words: string[], environment = own): ReturnType<typeof box.run> => {
    const outcome = box.runWith(environment, words)
    assert.equal(outcome.code, 0, outcome.err)
    return outcome
  }
  mkdirSync(`${user}/notes`, { recursive: true })
  writeFileSync(`${user}/notes/f`, "first")
  run(["init"])
  run(["init", `${user}/second`])
  run(["init"], other)
  run(["backup", user, ...words], other)
  cpSync(box.path("elsewhere"), `${user}/third`, { recursive: true })
  run(["backup", `${user}/notes`])
  writeFileSync(`${user}/notes/f`, "second")
  writeFileSync(`${user}/home/more`, "later")
  const places = ["home", "repository", "second"].map((name) => `${user}/${name}`)
  run(["snapshots"], { ...own, HOLDFAST_REPOSITORY: `${user}/third` }) // known from now on
  const before = places.map((path) => pictureOf(path))
  for (const extra of [[], ["--delete"], ["--include", "repository", "--include", "notes"], ["--dry-run"]]) {
    const environment = { ...own, HOLDFAST_REPOSITORY: `${user}/third` }
    writeFileSync(`${user}/notes/f`, "second")
    const { last } = run(["restore", "latest", "--in-place", ...words, ...extra], environment)
    assert.equal(readFileSync(`${user}/notes/f`, "utf8"), extra.includes("--dry-run") ? "second" : "first")
    assert.ok((last["left_alone"] as number) > 3, JSON.stringify(last))
    assert.deepEqual(pictureOf(`${user}/repository`), before[1])
    assert.deepEqual(pictureOf(`${user}/second`), before[2])
    assert.equal(readFileSync(`${user}/home/more`, "utf8"), "later")
    assert.ok(existsSync(`${user}/third/repository`))
  }
  const said = run(["restore", "latest", "--in-place", "-v", "--series", "user"], {
    ...own,
    HOLDFAST_REPOSITORY: `${user}/third`,
  })
  assert.match(said.out, /^left alone home\/.*$/m)
  assert.match(said.out, /^ {2}\d+ items left alone: inside a repository or holdfast's own folders$/m)
  // somewhere else they are files as any others
  run(["restore", "latest", "--target", box.path("out"), "--series", "user"], other)
  assert.ok(existsSync(box.path("out", "repository", "repository")))
  rmSync(box.path("out"), { recursive: true })
})

/** spec/series.md, row by row: two homes are two devices of one repository. */
import assert from "node:assert/strict"
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { test, type TestContext } from "node:test"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

interface Devices {
  readonly box: Sandbox
  /** A device backs up a folder: its own home and host name. */
  readonly save: (device: "a" | "b", folder: string, ...words: string[]) => Outcome
  readonly on: (home: string, ...words: string[]) => Outcome
  /** Series of all snapshots, oldest first. */
  readonly series: () => unknown[]
  readonly folder: (...names: string[]) => string
}

function devices(context: TestContext): Devices {
  const box = sandbox(context)
  box.must("init")
  const on: Devices["on"] = (home, ...words) =>
    box.runWith(
      {
        HOLDFAST_HOME: box.path(home === "a" ? "home" : home),
        HOLDFAST_REPOSITORY: box.repository,
        HOLDFAST_KEY_FILE: box.keyFile,
      },
      words,
    )
  return {
    box,
    on,
    save: (device, folder, ...words) => on(device, "backup", folder, "--host", device, ...words),
    series: () => on("a", "snapshots", "--json").lines.map(({ series }) => series),
    folder(...names) {
      const path = box.path(...names)
      mkdirSync(path, { recursive: true })
      writeFileSync(box.path(...names, "a.md"), names.join())
      return path
    },
  }
}

function continued(outcome: Outcome): void {
  assert.equal(outcome.code, 0, outcome.err)
  assert.doesNotMatch(outcome.err, /series/)
}

function refused(outcome: Outcome): string[] {
  assert.equal(outcome.code, 1, outcome.err)
  assert.match(outcome.err, /already has snapshots of another source/)
  return outcome.err.match(/^ {2}holdfast .*(?= {4})/gm) ?? []
}

const DAY_MS = 24 * 3600 * 1000
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString()

test("row 1: a source with a snapshot in the series continues it, also with another one beside it", (context) => {
  const { save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  continued(save("b", notes, "--series", "notes"))
  writeFileSync(`${notes}/a.md`, "changed")
  continued(save("b", notes))
  writeFileSync(`${notes}/a.md`, "changed again")
  continued(save("a", notes))
  assert.deepEqual(series(), ["notes", "notes", "notes", "notes"])
})

test("rows 2, 3 and 5: another device's name is refused once, and both suggested commands work", (context) => {
  const { box, on, save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  const commands = refused(save("b", notes))
  assert.deepEqual(commands, [
    `  holdfast backup ${notes} --host b --series notes`,
    `  holdfast backup ${notes} --host b --series notes-b`,
  ])
  assert.deepEqual(series(), ["notes"])
  const typed = (commands[1] ?? "").trim().split(" ").slice(1)
  continued(on("b", ...typed))
  writeFileSync(`${notes}/a.md`, "changed")
  continued(save("b", notes))
  assert.deepEqual(series(), ["notes", "notes-b", "notes-b"])
  // The log knows it, and no home does.
  rmSync(box.path("b"), { recursive: true })
  writeFileSync(`${notes}/a.md`, "once more")
  continued(save("b", notes))
  assert.deepEqual(series().at(-1), "notes-b")
})

test("row 4: a copied home continues as a new device, with the series of the old one", (context) => {
  const { box, save, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  cpSync(box.path("home"), box.path("copy"), { recursive: true })
  writeFileSync(`${notes}/a.md`, "changed")
  continued(save("a", notes))
  renameSync(box.path("copy"), box.path("b"))
  const other = folder("y", "other")
  assert.equal(save("b", other).code, 0) // here it takes its new id
  const moved = folder("z", "notes")
  assert.equal(save("b", moved).code, 0)
})

test("row 6: this device's own name from an existing path is refused, and a stream is a source too", (context) => {
  const { box, on, save, folder } = devices(context)
  const [first, second] = [folder("x", "notes"), folder("y", "notes")]
  continued(save("a", first))
  const [, separate] = refused(save("a", second))
  assert.match(separate ?? "", /--series notes-y$/)
  continued(save("a", second, "--series", "notes-y"))
  continued(save("a", first))
  continued(save("a", second))
  const environment = { HOLDFAST_HOME: box.path("home"), HOLDFAST_REPOSITORY: box.repository }
  const stream = (host: string): Outcome =>
    box.runWith(environment, ["backup", "--stdin", "--stdin-filename", "notes", "--host", host], "text")
  refused(stream("a"))
  assert.equal(on("a", "snapshots", "--json").lines.length, 2)
})

test("row 7: a folder that has moved continues its series, and so does a selection of paths that grew", (context) => {
  const { save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  const moved = folder("y", "notes")
  rmSync(dirname(notes), { recursive: true })
  continued(save("a", moved))
  const [one, two] = [folder("z", "one"), folder("z", "two")]
  continued(save("a", one, two))
  const three = folder("z", "three")
  continued(save("a", one, two, three))
  assert.deepEqual(series(), ["notes", "notes", "z", "z"])
})

test("row 7: a folder that is named through a link continues its series, and another folder of that name does not", (context) => {
  const { box, save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  mkdirSync(box.path("links"))
  symlinkSync(notes, box.path("links", "notes")) // the folder itself
  continued(save("a", box.path("links", "notes")))
  symlinkSync(dirname(notes), box.path("above")) // a folder on the way
  continued(save("a", box.path("above", "notes")))
  refused(save("a", folder("y", "notes")))
  assert.deepEqual(series(), ["notes", "notes", "notes"])
})

test("row 8: a machine that was renamed continues its series, with a snapshot of the new name", (context) => {
  const { on, save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  continued(on("a", "backup", notes, "--host", "renamed"))
  assert.deepEqual(series(), ["notes", "notes"])
})

test("row 9: a series without writes for 30 days is continued, with a line if it is a stranger's", (context) => {
  const { save, series, folder } = devices(context)
  const [notes, mail] = [folder("x", "notes"), folder("x", "mail")]
  continued(save("a", notes, "--time", daysAgo(31)))
  continued(save("b", notes))
  continued(save("a", mail, "--time", daysAgo(31)))
  const stranger = save("b", folder("y", "mail"))
  assert.equal(stranger.code, 0)
  assert.match(stranger.err, /series mail continues from a:.*mail/)
  assert.deepEqual(new Set(series()), new Set(["mail", "notes"]))
  assert.equal(series().length, 4)
})

test("29 days are within the 30, an explicit series is never renamed, and a bad one is a usage error", (context) => {
  const { save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes, "--time", daysAgo(29)))
  refused(save("b", notes))
  refused(save("b", notes, "--dry-run"))
  continued(save("b", notes, "--series", "notes"))
  assert.deepEqual(series(), ["notes", "notes"])
  for (const bad of ["", "x".repeat(1_025)]) assert.equal(save("a", notes, "--series", bad).code, 2)
})

test("without a change nothing is written or requested, unless a given value differs", (context) => {
  const { on, save, series, folder } = devices(context)
  const notes = folder("x", "notes")
  // a file that is younger is read again (rule W8)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_100)
  continued(save("a", notes, "--tag", "one"))
  const count = (): number => series().length
  const free = save("a", notes, "--json")
  assert.equal(free.last["snapshot_id"], null)
  assert.deepEqual((free.last["requests"] as Record<string, number>)["list"], 0)
  assert.equal(save("a", notes, "--tag", "one", "--json").last["snapshot_id"], null)
  const written = (...words: string[]): void => {
    const before = count()
    continued(save("a", notes, ...words))
    assert.equal(count(), before + 1, words.join(" "))
  }
  written("--tag", "two")
  assert.deepEqual(on("a", "snapshots", "--tag", "two", "--json").lines.length, 1)
  written("--time", daysAgo(1))
  written("--host", "other")
  written("--series", "second")
  written("--exclude", "*.tmp", "--series", "second")
  assert.equal(
    save("a", notes, "--exclude", "*.tmp", "--series", "second", "--json").last["snapshot_id"],
    null,
  )
})

test("latest names its source where the series has another live one, on an empty home too, and not after a move", (context) => {
  const { on, save, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes))
  continued(save("b", notes, "--series", "notes"))
  writeFileSync(`${notes}/a.md`, "changed")
  continued(save("b", notes))
  for (const home of ["a", "empty"]) {
    const { err, code } = on(home, "ls", "latest", "--series", "notes")
    assert.equal(code, 0, err)
    assert.match(err, /latest is snapshot [0-9a-f]{8} of b:.*notes\. Series notes also has .* a:.*--host/)
  }
  assert.doesNotMatch(on("a", "ls", "latest", "--host", "a", "--series", "notes").err, /also has/)
  const mail = folder("x", "mail")
  continued(save("a", mail))
  renameSync(mail, `${dirname(mail)}/moved`)
  continued(save("a", `${dirname(mail)}/moved`, "--series", "mail"))
  assert.equal(on("a", "ls", "latest", "--series", "mail").err, "")
})

test("a snapshot that is dated in the future is not latest without a word, and backups compare with the present", (context) => {
  const { on, save, folder } = devices(context)
  const notes = folder("x", "notes")
  continued(save("a", notes, "--time", daysAgo(-400)))
  const only = on("a", "ls", "latest")
  assert.match(only.err, /dated in the future.*there are no other snapshots/)
  writeFileSync(`${notes}/b.md`, "new")
  continued(save("a", notes))
  for (const home of ["a", "empty"]) {
    const { out, err } = on(home, "ls", "latest")
    assert.match(out, /b\.md/)
    assert.match(err, /dated in the future: [0-9a-f]{8} .*not counted as latest/)
  }
  assert.equal(save("a", notes, "--json").last["snapshot_id"], null)
})

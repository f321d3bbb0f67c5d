/** `restore --in-place`: only this host's snapshots, only to the paths that were named, whatever a snapshot's author wrote. */
import assert from "node:assert/strict"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { findSnapshot, openHome, openRepository, openStore, type RawPath } from "../../engine/index.ts"
import { publish, type SnapshotDraft } from "../../engine/session/publish.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

function withNotes(context: TestContext): Sandbox {
  const box = sandbox(context)
  for (const name of ["notes", "victim", "other"]) {
    mkdirSync(box.path(name))
    writeFileSync(box.path(name, "f"), name)
  }
  box.must("init")
  return box
}

/** The fields that a draft copies from an earlier snapshot. */
const SAID = [
  "series",
  "host",
  "user",
  "paths",
  "tags",
  "trigger",
  "root",
  "summary",
  "skipped",
  "skippedCount",
  "options",
  "single",
] as const

/** A member of the repository writes a snapshot with the newest one's content and false fields. */
async function forge(box: Sandbox, changes: Partial<SnapshotDraft>): Promise<void> {
  const repository = await openRepository({
    store: await openStore(box.repository),
    home: openHome({ directory: box.path("home"), environment: {} }),
    secret: { kind: "key", bytes: Buffer.alloc(32, 7) },
    write: true,
  })
  try {
    const { snapshot } = await findSnapshot(repository, "latest")
    const said = Object.fromEntries(SAID.map((field) => [field, snapshot[field]])) as Pick<
      typeof snapshot,
      (typeof SAID)[number]
    >
    const timeNs = snapshot.timeNs + 1n
    await publish(repository, {
      ...said,
      type: "snapshot",
      packs: [],
      timeNs,
      startedNs: timeNs,
      newSegments: [],
      flag: null,
      accepts: null,
      ...changes,
    })
  } finally {
    repository.close()
  }
}

const raw = (...paths: string[]): RawPath[] => paths as RawPath[]

test("restore --in-place prints where it writes, and accepts another host's snapshot only with --from-host", (context) => {
  const box = withNotes(context)
  const file = box.path("notes", "f")
  box.must("backup", "notes")
  rmSync(file)
  assert.match(
    box.must("restore", "latest", "--in-place").out,
    new RegExp(`^restoring to ${box.path("notes")}\n`),
  )
  assert.equal(readFileSync(file, "utf8"), "notes")
  box.must("backup", "notes", "--host", "other host")
  rmSync(file)
  const refused: [RegExp, ...string[]][] = [
    [/was taken on host 'other host'.*add --from-host 'other host'/],
    [/was taken on host 'other host'/, "--host", "other host"],
    [/was taken on host 'other host'/, "--dry-run"],
    [/was taken on host 'other host', not on third/, "--from-host", "third"],
    [/not on/, "--from-host", hostname()],
  ]
  for (const [reason, ...words] of refused) {
    const { code, err } = box.run("restore", "latest", "--in-place", ...words)
    assert.deepEqual([code, existsSync(file)], [2, false], err)
    assert.match(err, reason)
  }
  assert.match(
    box.run("restore", "latest", "--target", "x", "--from-host", "y").err,
    /--from-host needs --in-place/,
  )
  const { last } = box.must("restore", "latest", "--in-place", "--from-host", "other host", "--json")
  assert.equal(last["target"], box.path("notes"))
  assert.equal(readFileSync(file, "utf8"), "notes")
  box.must("restore", "latest", "--target", box.path("out"))
})

test("restore --in-place writes only to a snapshot's paths, not where its author points", async (context) => {
  const box = withNotes(context)
  const victim = box.path("victim")
  const notes = box.path("notes")
  box.must("backup", "notes")
  const strange: Partial<SnapshotDraft>[] = [
    { options: { base: victim } },
    { options: { base: box.folder }, paths: [] },
    { options: { base: `${notes}/../victim` } },
    { options: { base: `${victim}/` }, paths: raw(`${victim}/`) },
    { options: { base: "/" } },
    { options: { base: join(notes, "deeper") } },
    { options: { base: victim }, paths: raw(notes, box.path("other")) },
    {
      options: { base: victim },
      skipped: [{ path: raw(join(victim, "x"))[0] as RawPath, reason: "" }],
      skippedCount: 1,
    },
  ]
  for (const changes of strange) {
    await forge(box, changes)
    for (const extra of [[], ["--from-host", hostname()], ["--delete"]]) {
      const { code, err } = box.run("restore", "latest", "--in-place", ...extra)
      assert.equal(
        code,
        2,
        JSON.stringify(changes, (_, value: unknown) => String(value)),
      )
      assert.match(err, /does not follow from its source paths/)
    }
    assert.equal(readFileSync(join(victim, "f"), "utf8"), "victim")
  }
  // the listing has "f", which was not named: only the base is plausible
  await forge(box, { options: { base: victim }, paths: raw(join(victim, "named")) })
  box.must("restore", "latest", "--in-place")
  assert.match(box.run("restore", "latest:f", "--in-place").err, /below no source path/)
  assert.equal(readFileSync(join(victim, "f"), "utf8"), "victim")
})

test("restore --in-place takes every base that a backup records", (context) => {
  const box = withNotes(context)
  mkdirSync(box.path("notes", "deep"))
  writeFileSync(box.path("notes", "deep", "g"), "g")
  writeFileSync(box.path("list"), "notes/f\nnotes/gone\n")
  const cases: { paths: string[]; code?: number; gone: string[] }[] = [
    { paths: ["notes"], gone: ["notes/f", "notes/deep/g"] },
    { paths: ["notes/f"], gone: ["notes/f"] },
    { paths: ["notes", "notes"], gone: ["notes/f"] },
    { paths: ["notes/f", "notes/deep"], gone: ["notes/f", "notes/deep/g"] },
    { paths: ["notes/f", "other/gone/deep"], code: 3, gone: ["notes/f"] },
    { paths: ["--files-from", "list"], code: 3, gone: ["notes/f"] },
    { paths: ["notes/deep", "victim"], gone: ["notes/deep/g", "victim/f"] },
  ]
  for (const [i, { paths, code = 0, gone }] of cases.entries()) {
    const saved = box.run("backup", ...paths, "--series", `series ${i}`)
    assert.equal(saved.code, code, saved.err)
    const before = gone.map((path) => readFileSync(box.path(path), "utf8"))
    for (const path of gone) rmSync(box.path(path))
    box.must("restore", "latest", "--series", `series ${i}`, "--in-place")
    assert.deepEqual(
      gone.map((path) => readFileSync(box.path(path), "utf8")),
      before,
      paths.join(" "),
    )
  }
})

import assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { setMtime } from "../../fixtures/native.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { RawPath } from "../base/ids.ts"
import { diffWithDisk, findSnapshot, type BackupRequest } from "../index.ts"
import { backupPlace, restoreTo, save, type BackupPlace } from "../testing/backup-place.ts"

async function differences(
  place: BackupPlace,
  request: { folder?: string; within?: string; series?: string } = {},
): Promise<Record<string, string>> {
  const { folder, within = "", series = "notes" } = request
  const { snapshot } = await findSnapshot(place.repository, "latest", { series })
  const found: Record<string, string> = {}
  for await (const { path: each, change } of diffWithDisk(place.repository, snapshot, {
    folder,
    within: within as RawPath,
  })) {
    found[each] = change
  }
  return found
}

interface Made {
  readonly place: BackupPlace
  readonly source: string
  readonly write: (name: string, content: string | Uint8Array) => void
}

async function made(
  t: Parameters<typeof backupPlace>[0],
  changes: Partial<BackupRequest> = {},
): Promise<Made> {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  fs.mkdirSync(path.join(source, "deep"), { recursive: true })
  const write: Made["write"] = (name, content) => fs.writeFileSync(path.join(source, name), content)
  write("deep/a.md", "one\n")
  write("b.md", "two\n")
  write("large", seededRandom("large").bytes(200_000))
  write("skipped.tmp", "left out\n")
  fs.symlinkSync("b.md", path.join(source, "link"))
  await save(place.repository, source, changes)
  return { place, source, write }
}

test("diffWithDisk() reports nothing if nothing changed, and each kind of change, in order", async (t) => {
  const { place, source, write } = await made(t)
  assert.deepEqual(await differences(place), {})
  write("deep/a.md", "two\n")
  write("new", "")
  fs.rmSync(path.join(source, "b.md"))
  fs.chmodSync(path.join(source, "large"), 0o600)
  fs.rmSync(path.join(source, "link"))
  fs.mkdirSync(path.join(source, "link"))
  assert.deepEqual(await differences(place), {
    "": "metadata",
    "b.md": "removed",
    "deep/a.md": "modified",
    large: "metadata",
    link: "type",
    new: "added",
  })
  assert.deepEqual(Object.keys(await differences(place)), ["", "b.md", "deep/a.md", "large", "link", "new"])
})

test("diffWithDisk() compares the content of a file with the same size and another time", async (t) => {
  const { place, source, write } = await made(t)
  const time = 1_700_000_000_123_456_789n
  setMtime(path.join(source, "large"), time)
  assert.deepEqual(await differences(place), { large: "metadata" })
  const other = seededRandom("large").bytes(200_000)
  other[150_000] = (other[150_000] ?? 0) ^ 1
  write("large", other)
  assert.deepEqual(await differences(place), { large: "modified" })
})

test("diffWithDisk() excludes what the backup excluded", async (t) => {
  const selection = { excludes: ["*.tmp" as RawPath], ignoreFiles: [".holdfastignore" as RawPath] }
  const { place, write } = await made(t, { selection })
  assert.deepEqual(await differences(place), {})
  write("another.tmp", "")
  write("kept", "")
  assert.deepEqual(await differences(place), { "": "metadata", kept: "added" })
})

test("diffWithDisk() compares with another folder, and a part of the snapshot", async (t) => {
  const { place, source, write } = await made(t)
  const folder = path.join(place.folder, "elsewhere")
  await restoreTo(place.repository, "latest", folder)
  assert.deepEqual(await differences(place, { folder }), {})
  fs.writeFileSync(path.join(folder, "deep/a.md"), "three\n")
  write("deep/b", "")
  assert.deepEqual(await differences(place, { folder }), { "deep/a.md": "modified" })
  assert.deepEqual(await differences(place, { within: "deep" }), { deep: "metadata", "deep/b": "added" })
  const deep = path.join(folder, "deep")
  assert.deepEqual(await differences(place, { within: "deep", folder: deep }), { "deep/a.md": "modified" })
  assert.deepEqual(await differences(place, { within: "deep/a.md", folder: deep }), {
    "deep/a.md": "modified",
  })
  assert.deepEqual(await differences(place, { within: "b.md" }), {})
  await assert.rejects(differences(place, { within: "nothing" }), { code: "no-entry" })
  await assert.rejects(differences(place, { folder: path.join(source, "none") }), { code: "no-source" })
})

test("diffWithDisk() compares the several paths, or the single file, of a snapshot", async (t) => {
  const { place, source, write } = await made(t)
  const paths = ["deep", "b.md"].map((name) => path.join(source, name) as RawPath)
  await save(place.repository, "", { paths, series: "notes" })
  write("new", "is none of them")
  assert.deepEqual(Object.keys(await differences(place)), [""])
  write("deep/new", "is one")
  assert.equal((await differences(place))["deep/new"], "added")
  await save(place.repository, "", { paths: [path.join(source, "b.md") as RawPath], series: "notes" })
  assert.deepEqual(await differences(place), {})
  write("b.md", "longer than it was\n")
  assert.deepEqual(await differences(place), { "b.md": "modified" })
  assert.deepEqual(await differences(place, { folder: source }), { "b.md": "modified" })
})

test("diffWithDisk() follows a link that was named, and refuses paths saved under another name", async (t) => {
  const { place, source } = await made(t)
  const link = path.join(place.folder, "a link")
  fs.symlinkSync("notes", link)
  const saved = async (...paths: string[]): Promise<string> => {
    // each but the link itself is a different source than the folder whose name it would take
    const series = paths[0] === link ? undefined : paths.join(" ")
    return (await save(place.repository, "", { paths: paths as RawPath[], series, forceSnapshot: true }))
      .series
  }
  assert.equal(await saved(link), "a link")
  for (const names of [[link], [`${link}/deep`], [`${link}/b.md`], [`${link}/deep`, `${link}/b.md`]]) {
    const series = await saved(...names)
    assert.deepEqual(await differences(place, { series }), {}, names.join(" "))
  }
  for (const names of [[`other=${source}/deep`], [`other=${source}/b.md`, `${link}/deep`]]) {
    const series = await saved(...names)
    await assert.rejects(differences(place, { series }), { code: "no-folder", message: /under other names/ })
  }
})

test("diffWithDisk() says nothing about files that the backup did not include", async (t) => {
  const { place, write } = await made(t, { selection: { includes: ["/deep/**"] as RawPath[] } })
  write("deep/new.md", "new")
  write("b.md", "changed\n")
  assert.deepEqual(await differences(place), { deep: "metadata", "deep/new.md": "added" })
})

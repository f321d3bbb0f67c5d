/** Several sources in one series: streams and folders, each compared with its own last state. */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { setMtime } from "../../fixtures/native.ts"
import type { RawPath } from "../base/ids.ts"
import { backup, restore, snapshots, type BackupResult, type Repository } from "../index.ts"
import { openStateDatabase } from "../home/state-database.ts"
import { backupPlace, save } from "../testing/backup-place.ts"
import { publishEmpty } from "../testing/shared-place.ts"

/**
 * Commits of another series before the first round, and rounds of two: the node cache is trimmed at
 * the 64th.
 */
const BEFORE = 59
const ROUNDS = 5

async function commitOthers(repository: Repository): Promise<void> {
  for (let i = 0; i < BEFORE; i++) await publishEmpty(repository, "other")
}

async function saveStream(
  repository: Repository,
  name: string,
  content: string,
  forceSnapshot = false,
): Promise<BackupResult> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(content)
  }
  const stdin = { name: name as RawPath, stream: stream() }
  const request = { paths: [], stdin, cwd: "/", host: "h", user: "u", series: "db", forceSnapshot }
  return await backup(repository, request)
}

test("backup() of two streams in one series stores each of them whole, in every round", async (t) => {
  const { repository, folder } = await backupPlace(t)
  await commitOthers(repository)
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ["a.sql", "b.sql"]) {
      const content = `${name} in round ${round}`
      const { summary } = await saveStream(repository, name, content)
      assert.equal(summary.bytes, content.length, `${name}, round ${round}`)
    }
  }
  const found = await snapshots(repository, { series: "db" })
  assert.equal(found.length, 2 * ROUNDS)
  for (const [i, snapshot] of found.slice(-4).entries()) {
    await restore(repository, { snapshot, target: join(folder, `${i}`) })
    const [name = ""] = fs.readdirSync(join(folder, `${i}`))
    const round = /^(.+) in round (\d+)$/.exec(fs.readFileSync(join(folder, `${i}`, name), "utf8"))
    assert.equal(round?.[1], name)
    assert.ok(Number(round?.[2]) >= ROUNDS - 2)
  }
})

test("backup() of a stream with the same content is no change, even if its node isn't cached", async (t) => {
  const { repository } = await backupPlace(t)
  const first = await saveStream(repository, "a.sql", "the same")
  assert.equal((await saveStream(repository, "a.sql", "the same")).snapshotId, null)
  repository.nodeCache("db").keepOnly([])
  const again = await saveStream(repository, "a.sql", "the same")
  assert.deepEqual([again.snapshotId, again.parentId], [null, first.snapshotId])
  const other = await saveStream(repository, "a.sql", "another")
  assert.deepEqual([other.summary.bytes, other.parentId], [7, first.snapshotId])
})

test("backup() of a stream leaves nothing in the file cache", async (t) => {
  const { repository } = await backupPlace(t)
  await saveStream(repository, "a.sql", "something")
  assert.deepEqual(repository.fileCacheBases("db"), [])
})

test("backup() of two folders in one series keeps the listing nodes of both", async (t) => {
  const { repository, folder } = await backupPlace(t)
  await commitOthers(repository)
  const write = (path: string, content: string, time: bigint): void => {
    fs.writeFileSync(path, content)
    setMtime(path, time)
  }
  const sources = ["one", "two"].map((name) => join(folder, name))
  for (const source of sources) {
    fs.mkdirSync(source)
    for (let i = 0; i < 300; i++) write(join(source, `file ${i}`), `${i}`, 1_700_000_000_000_000_000n)
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const source of sources) {
      write(join(source, "file 7"), `round ${round}`, 1_700_000_000_000_000_000n + BigInt(round))
      assert.notEqual((await save(repository, source, { series: "both" })).snapshotId, null)
      const bases = repository.fileCacheBases("both")
      assert.equal(bases.length, round > 0 || source === sources[1] ? 2 : 1)
      const nodes = repository.nodeCache("both")
      for (const { root } of bases) assert.ok(nodes.get(root) !== undefined, `round ${round}`)
    }
  }
})

test("backup() removes the cached records of folders that are gone, moved or excluded", async (t) => {
  const place = await backupPlace(t)
  const source = join(place.folder, "source")
  for (const path of ["gone/a/b", "moved/a", "moved.not", "moved0", "file/a", "out/a", "kept/a"])
    fs.mkdirSync(join(source, path), { recursive: true })
  const cached = (): string[] => {
    const state = openStateDatabase(place.repository.home)
    const all = "SELECT path FROM file_cache ORDER BY path"
    const paths = state.database.prepare<[], Buffer>(all).pluck().all()
    state.close()
    return paths.map(String)
  }
  await save(place.repository, source)
  assert.equal(cached().length, 15)
  fs.rmSync(join(source, "gone"), { recursive: true })
  fs.renameSync(join(source, "moved"), join(source, "here"))
  fs.rmSync(join(source, "file"), { recursive: true })
  fs.writeFileSync(join(source, "file"), "no folder any more")
  await save(place.repository, source, { selection: { excludes: ["/out" as RawPath] } })
  assert.deepEqual(cached(), ["", "/", "here", "here/a", "kept", "kept/a", "moved.not", "moved0"])
})

import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import type { TestContext } from "node:test"
import { isEngineError } from "../base/errors.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import { EXAMPLE_REPOSITORY, temporaryHome, temporaryRepositoryHome } from "../testing/temporary-home.ts"
import { type DeviceFile, readDeviceFile, writeDeviceFile } from "./device-file.ts"
import { findHome, openRepositoryHome } from "./home.ts"
import {
  defaultRepository,
  knownRepositories,
  rememberRepository,
  repositoryAt,
  setDefaultRepository,
} from "./last-repository.ts"
import { NO_PINS, type Pins, readPins, updatePins } from "./pins.ts"
import { writePrivateFile } from "./private-files.ts"
import { lockSeries } from "./series-lock.ts"
import { openStateDatabase } from "./state-database.ts"
import { openObjectCache } from "./object-cache.ts"

const key = (byte: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(byte)

const device: DeviceFile = {
  device: "11".repeat(16) as DeviceId,
  signing: { secret: key(1), public: key(2) },
  sealing: { secret: key(3), public: key(4) },
  repository: EXAMPLE_REPOSITORY,
  repositoryDigest: "ab".repeat(32) as Digest,
  rootPublic: key(5),
}

const digest = (byte: string): Digest => byte.repeat(32) as Digest

function withUmask(t: TestContext, mask: number): void {
  const before = process.umask(mask)
  t.after(() => process.umask(before))
}

function allPaths(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => path.join(folder, name))
}

test("everything in a home is accessible only to its owner, whatever the umask", (t) => {
  withUmask(t, 0)
  const home = findHome({ HOLDFAST_HOME: path.join(temporaryHome(t).identityRoot, "new", "home") })
  const repository = openRepositoryHome(home, EXAMPLE_REPOSITORY)
  writeDeviceFile(repository, device)
  updatePins(repository, (pins) => pins)
  rememberRepository(home, { location: "/srv/backup", repository: EXAMPLE_REPOSITORY })
  const lock = lockSeries(repository, "notes")
  const state = openStateDatabase(repository)
  openObjectCache(state.database).put([["log/x" as never, key(1)]])
  const found = [home.identityRoot, ...allPaths(home.identityRoot)]
  for (const file of found) {
    const stat = fs.statSync(file)
    assert.equal((stat.mode & 0o777).toString(8), stat.isDirectory() ? "700" : "600", file)
  }
  assert.ok(found.some((file) => file.endsWith("state.sqlite-wal")))
  state.close()
  lock.release()
})

test("findHome() uses HOLDFAST_HOME, else the XDG folders, else their defaults", () => {
  assert.deepEqual(findHome({ HOLDFAST_HOME: "/h/", HOME: "/u", XDG_DATA_HOME: "/d" }), {
    identityRoot: "/h",
    cacheRoot: "/h",
  })
  assert.deepEqual(
    findHome({ HOLDFAST_HOME: "", HOME: "/u", XDG_DATA_HOME: "/d", XDG_CACHE_HOME: "relative" }),
    {
      identityRoot: "/d/holdfast",
      cacheRoot: "/u/.cache/holdfast",
    },
  )
  assert.deepEqual(findHome({ HOME: "/u" }).identityRoot, "/u/.local/share/holdfast")
})

test("readDeviceFile() returns what writeDeviceFile() wrote", (t) => {
  const home = temporaryRepositoryHome(t)
  assert.equal(readDeviceFile(home), undefined)
  writeDeviceFile(home, device)
  assert.deepEqual(readDeviceFile(home), device)
})

test("readDeviceFile() refuses keys that others can read or replace, and says what to type", (t) => {
  const home = temporaryRepositoryHome(t)
  writeDeviceFile(home, device)
  for (const mode of [0o640, 0o604, 0o620]) {
    fs.chmodSync(home.devicePath, mode)
    assert.throws(() => readDeviceFile(home), {
      kind: "denied",
      code: "home-permissions",
      message: `${home.devicePath}: other users can read or change it (mode ${mode.toString(8)}). Run: chmod 600 ${home.devicePath}`,
    })
  }
  fs.chmodSync(home.devicePath, 0o600)
  fs.chmodSync(home.identityFolder, 0o770)
  assert.throws(() => readDeviceFile(home), /Run: chmod 700/)
  fs.chmodSync(home.identityFolder, 0o755)
  assert.deepEqual(readDeviceFile(home), device)
})

test("readDeviceFile() names the damaged field", (t) => {
  const home = temporaryRepositoryHome(t)
  const refuse = (content: string, expected: RegExp): void => {
    writePrivateFile(home.devicePath, content)
    assert.throws(
      () => readDeviceFile(home),
      (error) => isEngineError(error, "home-damaged") && expected.test(error.message),
    )
  }
  writeDeviceFile(home, device)
  const text = fs.readFileSync(home.devicePath, "utf8")
  refuse("", /is not JSON/)
  refuse("[]", /not an object/)
  refuse(text.slice(0, -20), /is not JSON/)
  refuse(text.replace('"version": 1', '"version": 2'), /version 2, expected 1/)
  refuse(text.replace(device.device, device.device.slice(2)), /"device" is not 16 bytes in hex/)
  refuse(text.replace("AQEB", ""), /"secret" is not 32 bytes in base64/)
  refuse(text.replace(EXAMPLE_REPOSITORY, "ff".repeat(16)), /belongs to repository/)
})

test("updatePins() stores the given pins, sorted, and starts from the existing ones", (t) => {
  const home = temporaryRepositoryHome(t)
  assert.deepEqual(readPins(home), NO_PINS)
  const head = (id: string, sequence: number): Pins["heads"][number] => ({
    device: id.repeat(16) as DeviceId,
    sequence,
    digest: digest(id),
  })
  const pins: Pins = {
    heads: [head("0a", 4), head("f0", 9)],
    trust: { number: 3, digest: digest("33") },
    gc: { number: 1, digest: digest("44") },
    lastLookNs: 1_790_000_000_123_456_789n,
    accepted: ["log/b", "log/a"].toSorted(),
  }
  updatePins(home, () => ({ ...pins, heads: pins.heads.toReversed() }))
  assert.deepEqual(readPins(home), pins)
  updatePins(home, (before) => ({ ...before, lastLookNs: null }))
  assert.deepEqual(readPins(home), { ...pins, lastLookNs: null })
})

test("readPins() refuses a damaged file, since it may hide a rollback", (t) => {
  const home = temporaryRepositoryHome(t)
  updatePins(home, (pins) => pins)
  fs.truncateSync(home.pinsPath, 20)
  assert.throws(() => readPins(home), { kind: "corrupt", code: "home-damaged" })
  assert.throws(() => updatePins(home, (pins) => pins), { code: "home-damaged" })
})

test("writePrivateFile() keeps the old content and leaves no temporary file if writing fails", (t) => {
  const home = temporaryRepositoryHome(t)
  const folder = path.join(home.identityFolder, "taken")
  fs.mkdirSync(path.join(folder, "inside"), { recursive: true })
  assert.throws(() => writePrivateFile(folder, "text"), { kind: "denied", code: "home-unwritable" })
  assert.deepEqual(fs.readdirSync(home.identityFolder).toSorted(), ["locks", "taken"])
})

test("openRepositoryHome() removes old leftovers of killed writes, and no recent ones", (t) => {
  const home = temporaryRepositoryHome(t)
  const leftover = `${home.pinsPath}.${"a".repeat(16)}.tmp`
  const young = `${home.pinsPath}.${"b".repeat(16)}.tmp`
  fs.writeFileSync(leftover, "")
  fs.writeFileSync(young, "")
  fs.utimesSync(leftover, 1, 1)
  openRepositoryHome(
    { identityRoot: path.resolve(home.identityFolder, "../.."), cacheRoot: path.dirname(home.statePath) },
    home.repository,
  )
  assert.equal(fs.existsSync(leftover), false)
  assert.equal(fs.existsSync(young), true)
})

test("rememberRepository() never changes the default, and setDefaultRepository() sets it once or by force", (t) => {
  const home = temporaryHome(t)
  const other = "f".repeat(32) as RepositoryId
  assert.equal(defaultRepository(home), undefined)
  rememberRepository(home, { location: "/a", repository: EXAMPLE_REPOSITORY })
  assert.equal(defaultRepository(home), undefined)
  assert.equal(setDefaultRepository(home, "/a", false), "/a")
  rememberRepository(home, { location: "s3://b/p", repository: other })
  assert.equal(defaultRepository(home)?.location, "/a")
  assert.equal(setDefaultRepository(home, "s3://b/p", false), "/a")
  assert.equal(setDefaultRepository(home, "s3://b/p", true), "s3://b/p")
  rememberRepository(home, { location: "/a", repository: other })
  assert.equal(repositoryAt(home, "/a"), other)
  assert.equal(repositoryAt(home, "/b"), undefined)
  assert.deepEqual(defaultRepository(home), { location: "s3://b/p", repository: other })
  assert.equal(knownRepositories(home).length, 2)
})

test("knownRepositories() reads the notes beside each repository's keys if last-repository.json is lost or damaged", (t) => {
  const home = temporaryHome(t)
  const file = path.join(home.identityRoot, "last-repository.json")
  openRepositoryHome(home, EXAMPLE_REPOSITORY)
  const first = { location: "/a", repository: EXAMPLE_REPOSITORY }
  rememberRepository(home, first)
  for (const spoil of [
    () => fs.rmSync(file),
    () => fs.writeFileSync(file, "{"),
    () => fs.writeFileSync(file, "[]"),
  ]) {
    spoil()
    assert.deepEqual(defaultRepository(home), first)
  }
  const second = { location: "/b", repository: "f".repeat(32) as RepositoryId }
  openRepositoryHome(home, second.repository)
  rememberRepository(home, second)
  fs.rmSync(file)
  // With two, a person has to choose; both are known.
  assert.equal(defaultRepository(home), undefined)
  assert.deepEqual(knownRepositories(home), [first, second])
  rememberRepository(home, second)
  assert.deepEqual(knownRepositories(home), [first, second])
})

/** Owners of a home's files, and messages if the files can't be accessed. */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { userInfo } from "node:os"
import { test, type TestContext } from "node:test"
import { isRoot } from "../../fixtures/native.ts"
import { isEngineError } from "../base/errors.ts"
import { createRepository, openHome, type Repository } from "../index.ts"
import { alsoAsOrdinaryUser, ORDINARY_ID, ordinaryFolder } from "../testing/ordinary-user.ts"
import { save } from "../testing/backup-place.ts"
import { EXAMPLE_REPOSITORY } from "../testing/temporary-home.ts"
import { memoryStore } from "../testing/memory-store.ts"
import { knownRepositories, rememberRepository } from "./last-repository.ts"
import { findHome, openRepositoryHome, type Home } from "./home.ts"
import { writePrivateFile } from "./private-files.ts"
import { openStateDatabase } from "./state-database.ts"

function owners(folder: string): Map<string, number> {
  const names = fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
  return new Map(names.map((name) => [name, fs.lstatSync(join(folder, name)).uid]))
}

async function useHome(folder: string): Promise<Repository> {
  const home = openHome({ environment: { HOME: folder } })
  const secrets = [{ kind: "key" as const, bytes: new Uint8Array(32).fill(7) }]
  const { repository } = await createRepository({ store: memoryStore(), home, secrets, label: "first" })
  const source = join(folder, "source")
  fs.mkdirSync(source)
  fs.writeFileSync(join(source, "file"), "content")
  await save(repository, source)
  fs.rmSync(source, { recursive: true })
  return repository
}

test("files that a run creates in a user's home belong to that user, also if root runs it", async (t) => {
  const folder = ordinaryFolder(t)
  const { uid } = fs.statSync(folder)
  const repository = await useHome(folder)
  const found = owners(folder)
  for (const end of ["device.json", "signed-entry", ".lock", ".holder", "-wal", "-shm", "state.sqlite"])
    assert.ok(
      [...found.keys()].some((name) => name.endsWith(end)),
      end,
    )
  for (const [name, owner] of found) assert.equal(owner, uid, name)
  repository.close()

  const damaged = repository.home.statePath
  fs.writeFileSync(damaged, Buffer.alloc(8192, 1))
  openStateDatabase(repository.home).close()
  for (const [name, owner] of owners(folder)) assert.equal(owner, uid, name)
})

/** Runs as an ordinary user if the test runs as root. */
function asUser<T>(use: () => T): T {
  if (isRoot) process.seteuid?.(ORDINARY_ID)
  try {
    return use()
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

function messageOf(use: () => void): string {
  try {
    asUser(use)
  } catch (error) {
    if (isEngineError(error) && error.kind === "denied") return error.message
    throw error
  }
  return assert.fail("nothing was refused")
}

function homeIn(t: TestContext): Home {
  return findHome({ HOLDFAST_HOME: join(ordinaryFolder(t), "the home") })
}

const open = (home: Home): void => void openRepositoryHome(home, EXAMPLE_REPOSITORY)

// only root can create another user's files
if (isRoot)
  test("a home created by another user: the message has the command that fixes it", (t) => {
    const home = homeIn(t)
    const known = { location: "/srv/backup", repository: EXAMPLE_REPOSITORY }
    const uses: Record<string, () => void> = {
      opening: () => open(home),
      remembering: () => rememberRepository(home, known),
      reading: () => void knownRepositories(home),
    }
    fs.mkdirSync(home.identityRoot, { mode: 0o700 })
    fs.writeFileSync(join(home.identityRoot, "last-repository.json"), "{}")
    const user = asUser(() => userInfo().username)
    for (const [name, use] of Object.entries(uses)) {
      const message = messageOf(use)
      assert.ok(message.includes(`Run: sudo chown -R ${user} '${home.identityRoot}'`), `${name}: ${message}`)
      assert.match(message, /permission denied/, name)
    }
  })

const ELSEWHERE =
  /permission denied; the folder belongs to another user\. Set HOLDFAST_HOME to a folder of your own/

test("a home in another user's folder: the message names HOLDFAST_HOME", () => {
  assert.match(
    messageOf(() => open(findHome({ HOLDFAST_HOME: "/holdfast/home" }))),
    ELSEWHERE,
  )
})

test("a home closed to its own user: the message has the command that opens it", (t) => {
  const home = homeIn(t)
  asUser(() => {
    open(home)
    fs.chmodSync(home.identityRoot, 0o500)
  })
  const message = messageOf(() => writePrivateFile(join(home.identityRoot, "note"), "text"))
  fs.chmodSync(home.identityRoot, 0o700)
  assert.ok(message.includes(`Run: chmod -R u+rwX '${home.identityRoot}'`), message)
})

test("a state database that can't be opened: the message has the command that fixes it", (t) => {
  const root = homeIn(t)
  const home = asUser(() => openRepositoryHome(root, EXAMPLE_REPOSITORY))
  asUser(() => openStateDatabase(home).close())
  fs.chmodSync(home.statePath, 0)
  const message = messageOf(() => openStateDatabase(home).close())
  assert.ok(message.includes(`Run: chmod -R u+rwX '${home.statePath}'`), message)
})

alsoAsOrdinaryUser(import.meta.url)

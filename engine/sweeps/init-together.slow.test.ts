/**
 * Several processes run `init` in one place at the same time. One succeeds, and the others leave nothing.
 */
import assert from "node:assert/strict"
import { fork, type ChildProcess } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { test, type TestContext } from "node:test"
import { fileURLToPath } from "node:url"
import { findHome } from "../home/home.ts"
import { openRepository } from "../session/open-repository.ts"
import { openStore, type StoreEnvironment } from "../store/open-store.ts"
import type { Answer, Order } from "../testing/init-child.ts"
import { startS3FaultServer, type S3FaultServerOptions } from "../testing/s3-fault-server.ts"
import { publishEmpty } from "../testing/shared-place.ts"

const CHILD = fileURLToPath(new URL("../testing/init-child.ts", import.meta.url))
const CHILDREN = 4

interface Place {
  readonly location: string
  readonly environment: StoreEnvironment
}

/** The SDK reads its credentials from the process's environment. */
async function children(t: TestContext, environment: StoreEnvironment = {}): Promise<ChildProcess[]> {
  const env = { ...process.env, ...environment }
  const all = Array.from({ length: CHILDREN }, () => fork(CHILD, [], { execArgv: ["--import", "tsx"], env }))
  t.after(() => {
    for (const child of all) child.kill("SIGKILL")
  })
  await Promise.all(all.map(messageOf))
  return all
}

/** The child's next message; rejects if it ends instead. */
async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const end = once(child, "exit", { signal: ended.signal }).then(([code]) => {
    throw new Error(`a child ended with ${String(code)}`)
  })
  try {
    const [message] = (await Promise.race([once(child, "message", { signal: ended.signal }), end])) as [
      unknown,
    ]
    return message
  } finally {
    ended.abort()
    end.catch(() => {})
  }
}

function folder(t: TestContext): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-inits-"))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

/**
 * Returns the winner's answer, if there is one. Fails if there are two, or if a loser's error
 * doesn't say what to do.
 */
async function race(all: ChildProcess[], { location, environment }: Place, homes: string): Promise<number> {
  const startMs = Date.now() + 30
  const answers = await Promise.all(
    all.map(async (child, i) => {
      const order: Order = { location, environment, home: path.join(homes, String(i)), startMs }
      child.send(order)
      return (await messageOf(child)) as Answer
    }),
  )
  for (const answer of answers) {
    if ("id" in answer) continue
    assert.match(answer.code, /^(init-lost|repository-exists)$/, answer.message)
    if (answer.code === "init-lost") assert.match(answer.message, /Run the command again/)
  }
  const won = answers.filter((answer) => "id" in answer)
  assert.ok(won.length <= 1, `${won.length} made a repository in ${location}`)
  return answers.findIndex((answer) => "id" in answer)
}

/** The winner's home backs up, an empty home opens it with the secret, and no other objects are left. */
async function winnerWorks({ location, environment }: Place, home: string, other: string): Promise<void> {
  const store = await openStore(location, {}, environment)
  const own = await openRepository({ store, home: findHome({ HOLDFAST_HOME: home }) })
  await publishEmpty(own)
  assert.deepEqual(own.session.warnings, [])
  own.close()
  const secret = { kind: "key" as const, bytes: new Uint8Array(32).fill(7) }
  const reader = await openRepository({ store, home: findHome({ HOLDFAST_HOME: other }), secret })
  assert.equal(reader.id, own.id)
  reader.close()
  const names: string[] = []
  for await (const { name } of store.list("")) names.push(name)
  assert.equal(names.filter((name) => name.startsWith("keys/")).length, 2)
  assert.equal(names.filter((name) => name.startsWith("log/trust/")).length, 1)
}

test("createRepository() in a folder: exactly one of four concurrent processes succeeds, forty times", async (t) => {
  const all = await children(t)
  for (let round = 0; round < 40; round++) {
    const base = folder(t)
    const place = { location: path.join(base, "repository"), environment: {} }
    const winner = await race(all, place, base)
    assert.notEqual(winner, -1, "nobody made the repository")
    await winnerWorks(place, path.join(base, String(winner)), path.join(base, "other"))
  }
})

async function s3(
  t: TestContext,
  options: S3FaultServerOptions,
): Promise<{ environment: StoreEnvironment; placeOf: (round: number) => Place }> {
  const server = await startS3FaultServer(options)
  t.after(() => server.close())
  const { accessKeyId, secretAccessKey } = server.credentials
  const environment = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: server.region,
    AWS_EC2_METADATA_DISABLED: "true",
  }
  Object.assign(process.env, environment) // for the stores of this process
  const base = `s3:${server.endpoint}/${server.bucket}`
  return { environment, placeOf: (round) => ({ location: `${base}/round-${round}`, environment }) }
}

test("createRepository() on S3 with If-None-Match: exactly one of four concurrent processes succeeds", async (t) => {
  const { environment, placeOf } = await s3(t, {})
  const all = await children(t, environment)
  for (let round = 0; round < 4; round++) {
    const base = folder(t)
    const winner = await race(all, placeOf(round), base)
    assert.notEqual(winner, -1, "nobody made the repository")
    await winnerWorks(placeOf(round), path.join(base, String(winner)), path.join(base, "other"))
  }
})

for (const conditionalPut of ["ignored", "refused"] as const) {
  test(`createRepository() on S3 with If-None-Match ${conditionalPut}: at most one of four succeeds`, async (t) => {
    const { environment, placeOf } = await s3(t, { conditionalPut })
    const all = await children(t, environment)
    let made = 0
    for (let round = 0; round < 4; round++) {
      const base = folder(t)
      const place = placeOf(round)
      let winner = await race(all, place, base)
      if (winner === -1) winner = await race(all.slice(0, 1), place, path.join(base, "again"))
      else made++
      const home = path.join(
        base,
        winner === 0 && !fs.existsSync(path.join(base, "0")) ? "again/0" : String(winner),
      )
      await winnerWorks(place, home, path.join(base, "other"))
    }
    assert.ok(made > 0, "in no round did anybody make the repository at the first try")
  })
}

/**
 * A laptop that sleeps in the middle of a backup to a real S3 server: the process is stopped for longer than any
 * time limit, the server goes down and comes back meanwhile, and then the process continues.
 */
import assert from "node:assert/strict"
import { spawn, type ChildProcess } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, test, type TestContext } from "node:test"
import { differences, pictureOf, showDifferences } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { REAL_S3_SERVERS, startS3Server, type RealS3Server } from "../../fixtures/s3-servers.ts"
import { openStore } from "../../engine/store/open-store.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf, type Beside } from "../testing/run-cli-beside.ts"

const FILES = 24
const FILE_BYTES = 8 * 2 ** 20
const PACK_BYTES = 16 * 2 ** 20
/** Packs being uploaded (spec/stores.md). */
const IN_FLIGHT_MAX = 3
/** The backup takes half a minute, so it is stopped in the middle. */
const UPLOAD_KIB = 8192
/** Longer than the 60 s after which a connection without movement is given up, here and at the servers. */
const SLEEP_MS = 70_000
/** A network that returns later than the machine. */
const LATE_MS = 10_000

interface Place {
  readonly box: Sandbox
  readonly server: RealS3Server
  readonly environment: Readonly<Record<string, string>>
  readonly cli: Beside
  readonly source: string
  readonly location: string
}

async function place(context: TestContext, server: RealS3Server, prefix: string): Promise<Place> {
  const box = sandbox(context)
  const environment = environmentOf(server)
  const cli = besides(box, environment)
  const source = box.path("source")
  mkdirSync(source)
  for (let i = 0; i < FILES; i++)
    writeFileSync(join(source, `${i}`), seededRandom(`asleep ${i}`).bytes(FILE_BYTES))
  const location = `s3:${server.endpoint}/${server.bucket}/${prefix}`
  await cli.must(["init", location, "--recovery-words-file", box.path("words")])
  return { box, server, environment, cli, source, location }
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; out: string; err: string }>
}

function startBackup({ box, environment, source }: Place): Running {
  const words = ["backup", source, "--limit-upload", String(UPLOAD_KIB), "--json"]
  const child = spawn(process.execPath, [resolve("dist/cli/main.js"), ...words], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: box.path("user"),
      HOLDFAST_HOME: box.path("home"),
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let out = ""
  let err = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
  const ended = new Promise<{ code: number | null; out: string; err: string }>((done) => {
    child.once("close", (code) => done({ code, out, err }))
  })
  return { child, ended }
}

async function packsStored({ server, location }: Place): Promise<number> {
  const { region, credentials } = server
  const store = await openStore(location, { region, credentials }, {})
  let count = 0
  for await (const { name } of store.list("packs/")) if (name !== "") count++
  return count
}

async function untilUnderWay(at: Place): Promise<void> {
  for (let i = 0; (await packsStored(at)) < 3; i++) {
    assert.ok(i < 300, "the backup began within a minute")
    await pause(200)
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((done) => void setTimeout(done, ms))
}

async function assertWhole({ box, cli, source }: Place, location: string): Promise<void> {
  const checked = (await cli.must(["check", "--read-data", "--json"])).last
  assert.equal(checked["num_errors"], 0)
  await cli.must(["restore", "latest", "--target", box.path("out"), "-r", location], "other home")
  const differing = differences(pictureOf(source), pictureOf(box.path("out")))
  assert.equal(differing.length, 0, showDifferences(differing))
}

describe("backup on a laptop that sleeps", { concurrency: true }, () => {
  for (const kind of REAL_S3_SERVERS) {
    test(`continues by itself on ${kind}, which loses its connections and returns late`, async (context) => {
      const server = await startS3Server(kind)
      context.after(() => server.close())
      const at = await place(context, server, "asleep")
      const { child, ended } = startBackup(at)
      await untilUnderWay(at)
      child.kill("SIGSTOP")
      await server.kill()
      await pause(SLEEP_MS)
      child.kill("SIGCONT")
      await pause(LATE_MS)
      assert.equal(child.exitCode, null, "it waits for the network")
      await server.restart()
      const { code, out, err } = await ended
      assert.equal(code, 0, err)
      const summary = JSON.parse(out.trim().split("\n").at(-1) ?? "{}") as Record<string, unknown>
      const { bytes_up: bytesUp } = summary["requests"] as { bytes_up: number }
      const resent = bytesUp - Number(summary["data_added_packed"])
      context.diagnostic(`${kind}: ${(resent / 2 ** 20).toFixed(1)} MiB were sent again`)
      assert.ok(resent <= (IN_FLIGHT_MAX + 1) * PACK_BYTES, `${resent} bytes were sent again`)
      await assertWhole(at, at.location)
    })
  }

  test("reports what is missing when the server never returns, and resumes when run again", async (context) => {
    const server = await startS3Server("versitygw")
    context.after(() => server.close())
    const at = await place(context, server, "gone")
    const { child, ended } = startBackup(at)
    await untilUnderWay(at)
    child.kill("SIGSTOP")
    await server.kill()
    await pause(5_000)
    child.kill("SIGCONT")
    const { code, err } = await ended
    assert.equal(code, 17, err)
    assert.match(
      err,
      /connection refused by 127\.0\.0\.1:\d+\. Check that the server is running.*gave up after 10 attempts/,
    )
    await server.restart()
    const before = await packsStored(at)
    const again = await at.cli.must(["backup", at.source, "--json"])
    const { bytes_up: bytesUp } = again.last["requests"] as { bytes_up: number }
    assert.ok(
      bytesUp <= FILES * FILE_BYTES * 1.02 - (before - IN_FLIGHT_MAX) * PACK_BYTES,
      `${bytesUp} bytes`,
    )
    await assertWhole(at, at.location)
  })
})

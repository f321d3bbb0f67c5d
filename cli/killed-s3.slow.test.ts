/** The program is killed again and again while it backs up to a real S3 server; then it is left alone. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { after, test } from "node:test"
import { differences, pictureOf, showDifferences } from "../fixtures/picture.ts"
import { seededRandom } from "../fixtures/random.ts"
import { REAL_S3_SERVERS, startS3Server } from "../fixtures/s3-servers.ts"
import { sandbox } from "./testing/run-cli.ts"
import { besides, environmentOf } from "./testing/run-cli-beside.ts"

const KILLS = 12
const FILES = 40
const FILE_BYTES = 6 * 2 ** 20
const PACK_BYTES = 16 * 2 ** 20
/** Packs on their way when it dies (spec/stores.md). */
const IN_FLIGHT_MAX = 3

for (const kind of REAL_S3_SERVERS) {
  const server = await startS3Server(kind)
  after(() => server.close())

  test(`backup killed ${KILLS} times on ${kind} goes on each time, and stores little twice`, async (context) => {
    const box = sandbox(context)
    const environment = environmentOf(server)
    const cli = besides(box, environment)
    const source = box.path("source")
    mkdirSync(source)
    for (let i = 0; i < FILES; i++)
      writeFileSync(join(source, `${i}`), seededRandom(`${i}`).bytes(FILE_BYTES))
    const before = pictureOf(source)
    await cli.must([
      "init",
      `s3:${server.endpoint}/${server.bucket}/killed`,
      "--recovery-words-file",
      box.path("words"),
    ])
    const random = seededRandom(`kills ${Date.now()}`)
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [resolve("dist/cli/main.js"), "backup", source], {
        env: {
          PATH: process.env["PATH"] ?? "",
          HOME: box.path("user"),
          HOLDFAST_HOME: box.path("home"),
          ...environment,
        },
        stdio: "ignore",
      })
      const ended = new Promise((done) => void child.once("close", done))
      await Promise.race([ended, new Promise((done) => void setTimeout(done, random.between(150, 2500)))])
      child.kill("SIGKILL")
      await ended
    }
    await cli.must(["backup", source])
    const checked = (await cli.must(["check", "--read-data", "--json"])).last
    const stored = Number(checked["bytes"])
    context.diagnostic(
      `${kind}: ${Math.round(stored / 2 ** 20)} MiB for ${(FILES * FILE_BYTES) / 2 ** 20}; ` +
        `${String(checked["unreferenced_packs"])} packs that nothing names`,
    )
    assert.equal(checked["num_errors"], 0)
    assert.ok(Number(checked["unreferenced_packs"]) <= KILLS * IN_FLIGHT_MAX)
    assert.ok(stored <= 1.02 * FILES * FILE_BYTES + KILLS * IN_FLIGHT_MAX * PACK_BYTES)
    await cli.must(["restore", "latest", "--target", box.path("out")], "home")
    const differing = differences(before, pictureOf(box.path("out")))
    assert.equal(differing.length, 0, showDifferences(differing))
  })
}

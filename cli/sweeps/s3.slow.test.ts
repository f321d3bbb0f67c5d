/** The built program on real S3 servers: backup and restore of real files. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { after, test } from "node:test"
import { differences, pictureOf, showDifferences } from "../../fixtures/picture.ts"
import { REAL_S3_SERVERS, startS3Server } from "../../fixtures/s3-servers.ts"
import { sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf } from "../testing/run-cli-beside.ts"

/** Loaded before the program: its clock is an hour ahead. */
const CLOCK_AHEAD = `--import=data:text/javascript,${encodeURIComponent(`
  const Right = Date
  globalThis.Date = class extends Right {
    constructor(...given) {
      super(...(given.length === 0 ? [Right.now() + 3_600_000] : given))
    }
    static now() {
      return Right.now() + 3_600_000
    }
  }`)}`

for (const kind of REAL_S3_SERVERS) {
  const server = await startS3Server(kind)
  after(() => server.close())
  const environment = environmentOf(server)

  test(`init, backup, check and restore do the main job on ${kind}`, async (context) => {
    const box = sandbox(context)
    const cli = besides(box, environment)
    const source = box.path("source")
    cpSync("node_modules/@aws-sdk", source, { recursive: true, preserveTimestamps: true })
    const before = pictureOf(source)
    // A file that was written within two seconds before its reading is read again (rule W8).
    await new Promise((done) => void setTimeout(done, 2100))
    await cli.must([
      "init",
      `s3:${server.endpoint}/${server.bucket}/from the cli`,
      "--recovery-words-file",
      box.path("words"),
    ])
    await cli.must(["backup", source])
    await cli.must(["check", "--read-data"])
    const idle = await cli.must(["backup", source, "--json"])
    assert.deepEqual(idle.last["requests"], {
      put: 0,
      get: 0,
      head: 0,
      list: 0,
      delete: 0,
      bytes_up: 0,
      bytes_down: 0,
    })

    const place = ["-r", `s3://${server.bucket}/from the cli`, "--endpoint", server.endpoint]
    await cli.must(["restore", "latest", "--target", box.path("out"), ...place], "other home")
    const differing = differences(before, pictureOf(box.path("out")))
    assert.equal(differing.length, 0, showDifferences(differing))
    assert.ok(readdirSync(box.path("out")).length > 0)
  })

  for (const [what, wrong, code, says] of [
    ["wrong secret key", { AWS_SECRET_ACCESS_KEY: "wrong" }, 1, /Check AWS_SECRET_ACCESS_KEY/],
    ["wrong access key", { AWS_ACCESS_KEY_ID: "wrong" }, 1, /Check AWS_ACCESS_KEY_ID/],
    ["wrong region", { AWS_REGION: "eu-west-3" }, 2, /is in us-east-1\. Set AWS_REGION=us-east-1/],
    ["wrong clock", { NODE_OPTIONS: CLOCK_AHEAD }, 1, /clock is 60 minutes ahead.*Set the clock/],
  ] as const) {
    test(`a ${what} is reported by ${kind} and understood`, async (context) => {
      const box = sandbox(context)
      const cli = besides(box, { ...environment, ...wrong })
      const outcome = await cli.run(["init", `s3:${server.endpoint}/${server.bucket}/refused`])
      assert.equal(outcome.code, code, outcome.err)
      assert.match(outcome.err, says)
    })
  }

  test(`a missing bucket is reported by ${kind} and understood`, async (context) => {
    const box = sandbox(context)
    const outcome = await besides(box, environment).run([
      "snapshots",
      "-r",
      `s3:${server.endpoint}/no-such-bucket`,
    ])
    assert.equal(outcome.code, 10, outcome.err)
    assert.match(outcome.err, /no bucket "no-such-bucket"/)
  })
}

test("a key of minio's that may not delete creates, backs up, mirrors and restores, and doctor reports it", async (context) => {
  const policy = await startPolicy((action) => !action.startsWith("s3:Delete"))
  context.after(() => policy.close())
  const { port } = policy.address() as AddressInfo
  const server = await startS3Server("minio", { MINIO_POLICY_PLUGIN_URL: `http://127.0.0.1:${port}/` })
  context.after(() => server.close())
  const box = sandbox(context)
  const cli = besides(box, environmentOf(server))
  const source = box.path("source")
  mkdirSync(source)
  writeFileSync(join(source, "a.md"), "kept\n")
  const place = `s3:${server.endpoint}/${server.bucket}`
  await cli.must(["init", `${place}/kept`, "--recovery-words-file", box.path("words")])
  await cli.must(["backup", source])
  const told = (await cli.must(["doctor"])).out
  assert.match(
    told,
    /!! {2}store: this key may not delete .*\n +that protects the backups; `prune` needs this right/,
  )
  assert.match(told, /ok {2}provider: MinIO/)
  await cli.must(["copy", `${place}/mirror`])
  await cli.must(["restore", "latest", "--target", box.path("out"), "-r", `${place}/mirror`], "other home")
  const differing = differences(pictureOf(source), pictureOf(box.path("out")))
  assert.equal(differing.length, 0, showDifferences(differing))
})

/** MinIO calls it for each action, also root's. */
async function startPolicy(allows: (action: string) => boolean): Promise<http.Server> {
  const policy = http.createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8").on("data", (part: string) => (text += part))
    request.on("end", () => {
      // It first tries the address itself, without a question.
      const { input } = JSON.parse(text || "{}") as { input?: { action?: string } }
      response.end(JSON.stringify({ result: allows(input?.action ?? "") }))
    })
  })
  policy.listen(0, "127.0.0.1")
  await once(policy, "listening")
  return policy
}

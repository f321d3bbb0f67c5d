/** The built program on an S3 server: the main job, and its error messages. */
import assert from "node:assert/strict"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import {
  startS3FaultServer,
  type S3FaultServer,
  type S3FaultServerOptions,
} from "../../engine/testing/s3-fault-server.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf, type Beside } from "../testing/run-cli-beside.ts"

interface Setting {
  readonly box: Sandbox
  readonly server: S3FaultServer
  readonly environment: Readonly<Record<string, string>>
  readonly cli: Beside
  /** As restic writes it. */
  readonly location: string
}

async function setting(context: TestContext, options: S3FaultServerOptions = {}): Promise<Setting> {
  const server = await startS3FaultServer(options)
  context.after(() => server.close())
  const environment = { ...environmentOf(server), AWS_EC2_METADATA_DISABLED: "true" }
  const box = sandbox(context)
  const location = `s3:${server.endpoint}/${server.bucket}/team/notes`
  return { box, server, environment, cli: besides(box, environment), location }
}

test("init, backup, check and restore do the main job on S3, in both ways of writing the place", async (context) => {
  const { box, server, cli, location } = await setting(context)
  const source = box.path("notes")
  mkdirSync(join(source, "deep"), { recursive: true })
  writeFileSync(join(source, "a.md"), "first\n")
  writeFileSync(join(source, "deep", "b.bin"), Buffer.alloc(300_000, 5))
  await cli.must(["init", location, "--recovery-words-file", box.path("words")])
  const first = await cli.must(["backup", source, "--json"])
  writeFileSync(join(source, "a.md"), "second version\n")
  const second = await cli.must(["backup", source, "--json"])
  const requests = second.last["requests"] as Record<string, number>
  assert.deepEqual([requests["put"], requests["list"], requests["get"], requests["delete"]], [2, 2, 0, 0])
  assert.ok((requests["bytes_up"] ?? 0) > 0)
  await cli.must(["check", "--read-data"])

  const short = `s3://${server.bucket}/team/notes`
  const words = ["restore", "latest", "--target", box.path("out"), "-r", short, "--endpoint", server.endpoint]
  await cli.must(words, "other home")
  assert.equal(readFileSync(box.path("out", "a.md"), "utf8"), "second version\n")
  assert.equal(readFileSync(box.path("out", "deep", "b.bin")).length, 300_000)
  const old = String(first.last["snapshot_id"]).slice(0, 10)
  await cli.must(["restore", old, "--target", box.path("old")])
  assert.equal(readFileSync(box.path("old", "a.md"), "utf8"), "first\n")
  for (const name of server.objects.keys()) assert.match(name, /^team\/notes\//)
})

test("a key that may not delete creates, backs up and restores, and doctor reports it", async (context) => {
  const { box, cli, location } = await setting(context, { denied: ["DELETE"] })
  const source = box.path("notes")
  mkdirSync(source)
  writeFileSync(join(source, "a.md"), "kept\n")
  await cli.must(["init", location, "--recovery-words-file", box.path("words")])
  await cli.must(["backup", source])
  await cli.must(["restore", "latest", "--target", box.path("out"), "-r", location], "other home")
  const { lines } = await cli.must(["doctor", "--json"])
  const told = lines.map(({ subject, message }) => `${String(subject)}: ${String(message)}`).join("\n")
  assert.match(told, /store lists: new objects immediately \(tested on \d{4}-\d\d-\d\d\)/)
  assert.match(told, /store: this key may not delete/)
  assert.match(told, /store: supports conditional PUT/)
  const again = await cli.must(["doctor", "--probe"])
  assert.match(again.out, /\(tested now\)/)
})

test("copy to a bucket that forbids delete mirrors everything, and reports objects that it has to replace", async (context) => {
  const { box, server, cli } = await setting(context, { denied: ["DELETE"] })
  const source = box.path("notes")
  mkdirSync(source)
  writeFileSync(join(source, "a.md"), "kept\n")
  await cli.must(["init", box.repository, "--recovery-words-file", box.path("words")])
  await cli.must(["backup", source])
  const mirror = ["copy", `s3:${server.endpoint}/${server.bucket}/mirror`, "-r", box.repository]
  await cli.must(mirror)
  await cli.must(mirror)
  const pack = [...server.objects.keys()].find((key) => key.startsWith("mirror/packs/")) ?? ""
  server.objects.set(pack, new Uint8Array(3))
  const refused = await cli.run(mirror)
  assert.equal(refused.code, 1, refused.err)
  assert.match(
    refused.err,
    /this key may not delete in bucket "test-bucket" \(s3:DeleteObject, or an object lock\)/,
  )
})

interface Wrong {
  readonly what: string
  readonly code: number
  readonly says: RegExp
  readonly options?: S3FaultServerOptions
  readonly environment?: Readonly<Record<string, string>>
  readonly location?: (server: S3FaultServer) => string
  readonly words?: readonly string[]
}

const HOUR_MS = 3_600_000
const WRONG: readonly Wrong[] = [
  {
    what: "an access key that the server does not know",
    code: 1,
    says: /does not know this access key\. Check AWS_ACCESS_KEY_ID/,
    environment: { AWS_ACCESS_KEY_ID: "OTHERKEY" },
  },
  {
    what: "a wrong secret key",
    code: 1,
    says: /does not match the access key\. Check AWS_SECRET_ACCESS_KEY/,
    environment: { AWS_SECRET_ACCESS_KEY: "a-wrong-secret" },
  },
  {
    what: "no credentials at all",
    code: 1,
    says: /no S3 credentials found\. Use --credentials file:PATH.* or set AWS_ACCESS_KEY_ID/,
    environment: { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" },
  },
  {
    what: "a bucket in another region",
    code: 2,
    says: /is in eu-central-1\. Set AWS_REGION=eu-central-1/,
    options: { region: "eu-central-1" },
    environment: { AWS_REGION: "us-east-1" },
  },
  {
    what: "a bucket that is not there",
    code: 10,
    says: /no bucket "nowhere" at 127\.0\.0\.1:\d+\. Check its name and the endpoint, or create it/,
    location: ({ endpoint }) => `s3:${endpoint}/nowhere`,
  },
  {
    what: "a clock that is an hour behind",
    code: 1,
    says: /this machine's clock is (59|60|61) minutes behind.*Set the clock, or turn on NTP/,
    options: { clockAheadMs: HOUR_MS },
  },
  {
    what: "a server that nobody runs",
    code: 17,
    says: /connection refused by 127\.0\.0\.1:9\. Check that the server is running/,
    location: () => "s3:http://127.0.0.1:9/bucket",
  },
  {
    what: "a host that has no name",
    code: 17,
    says: /host s3\.example\.invalid not found\. Check the network, and the spelling of endpoint/,
    location: () => "s3:https://s3.example.invalid/bucket",
  },
  {
    what: "a region of Amazon's that there is none",
    code: 17,
    says: /host s3\.eu-nowhere-7\.amazonaws\.com not found.* spelling of endpoint and region/,
    location: () => "s3://bucket/x",
    environment: { AWS_REGION: "eu-nowhere-7" },
  },
  {
    what: "a log-in page instead of a server",
    code: 17,
    says: /does not answer like an S3 server.*whether the network requires a log-in/,
    options: { plan: () => "portal" },
  },
  {
    what: "a file of authorities that is none",
    code: 2,
    says: /cannot read the certificate file/,
    words: ["--ca-file", "/nowhere/ca.pem"],
  },
  {
    what: "a key that may not read",
    code: 1,
    says: /this key may not list bucket "test-bucket" \(s3:ListBucket\)/,
    options: { denied: ["LIST", "GET", "HEAD"] },
  },
  {
    what: "a key that may not write",
    code: 1,
    says: /this key may not write to bucket "test-bucket" \(s3:PutObject\)\. Restore works without this right/,
    options: { denied: ["PUT"] },
  },
]

for (const { what, code, says, options, environment = {}, location, words = [] } of WRONG) {
  test(`${code}: ${what} is reported, with what to do`, async (context) => {
    const { box, server, environment: right, location: place } = await setting(context, options)
    const cli = besides(box, { ...right, ...environment })
    const outcome = await cli.run(["init", location?.(server) ?? place, ...words])
    assert.equal(outcome.code, code, outcome.err)
    assert.match(outcome.err, says)
    assert.doesNotMatch(outcome.err, /test-secret|a-wrong-secret|\n\s+at /)
  })
}

test("every place that init accepts is found again without -r, whatever characters it has", async (context) => {
  const { box, server, cli } = await setting(context)
  const source = box.path("notes")
  mkdirSync(source)
  const odd = ["50%", "a?b#c", "a b ", "100%25", 'it\'s "ü"', "a+b&c"]
  const places = odd.flatMap((name) => [box.path(name), `s3://${server.bucket}/${name}`])
  places.push(box.path("two\nlines"), box.path(" "), box.path("s3:x"), "local:s3:y")
  for (const [at, place] of places.entries()) {
    const home = `home ${at}`
    const endpoint = place.startsWith("s3://") ? ["--endpoint", server.endpoint] : []
    await cli.must(["init", place, ...endpoint], home)
    await cli.must(["backup", source, "--series", `s${at}`], home)
    const { lines } = await cli.must(["snapshots", "--json"], home)
    assert.deepEqual(lines.map(({ series }) => series).filter(Boolean), [`s${at}`], place)
  }
})

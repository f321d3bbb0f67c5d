/** Authorities of one's own, proxies, and buckets in the host's name, for the built program. */
import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { test, type TestContext } from "node:test"
import { startS3FaultServer, type S3FaultServer } from "../../engine/testing/s3-fault-server.ts"
import { makeCertificates } from "../../fixtures/certificates.ts"
import { startProxy } from "../testing/proxy-process.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf, type Beside } from "../testing/run-cli-beside.ts"

const HOST = "s3.holdfast.test"
const CERTIFICATES = makeCertificates([HOST, `*.${HOST}`, "127.0.0.1"])

interface Setting {
  readonly box: Sandbox
  readonly server: S3FaultServer
  readonly port: number
  readonly cli: (environment?: Readonly<Record<string, string>>) => Beside
}

async function setting(context: TestContext, { tls }: { tls: boolean }): Promise<Setting> {
  const { cert, key } = CERTIFICATES
  const server = await startS3FaultServer({ hostName: HOST, ...(tls ? { tls: { cert, key } } : {}) })
  context.after(() => server.close())
  const box = sandbox(context)
  mkdirSync(box.path("notes"))
  writeFileSync(box.path("notes", "a.md"), "first\n")
  writeFileSync(box.path("ca.pem"), CERTIFICATES.authority)
  const usual = environmentOf(server)
  return {
    box,
    server,
    port: Number(new URL(server.endpoint).port),
    cli: (environment = {}) => besides(box, { ...usual, ...environment }),
  }
}

/** init, backup and restore. */
async function mainJob(
  { box }: Setting,
  cli: Beside,
  location: string,
  words: readonly string[],
): Promise<void> {
  await cli.must(["init", location, ...words])
  await cli.must(["backup", box.path("notes"), ...words])
  await cli.must(["restore", "latest", "--target", box.path("out"), "-r", location, ...words], "other home")
}

test("--ca-file makes a private authority trusted, and without it the certificate is reported", async (context) => {
  const place = await setting(context, { tls: true })
  const location = `s3:${place.server.endpoint}/${place.server.bucket}/x`
  const refused = await place.cli().run(["init", location])
  assert.equal(refused.code, 1, refused.err)
  assert.match(
    refused.err,
    /the certificate of 127\.0\.0\.1:\d+ is not trusted\. Give its authority with --ca-file/,
  )
  assert.equal(place.server.requests.length, 0)
  writeFileSync(place.box.path("other.pem"), makeCertificates(["other"]).authority)
  assert.equal((await place.cli().run(["init", location, "--ca-file", place.box.path("other.pem")])).code, 1)
  await mainJob(place, place.cli(), location, ["--ca-file", place.box.path("ca.pem")])
})

test("HTTPS_PROXY is a tunnel to an S3 server that this machine does not reach", async (context) => {
  const place = await setting(context, { tls: true })
  const proxy = await startProxy(context, place.port)
  const location = `s3:https://${HOST}/${place.server.bucket}/x`
  const cli = place.cli({ HTTPS_PROXY: proxy.url })
  await mainJob(place, cli, location, ["--ca-file", place.box.path("ca.pem")])
  assert.ok(proxy.seen.length > 0)
  for (const line of proxy.seen) assert.equal(line, `CONNECT ${HOST}:443`)
})

test("NO_PROXY keeps a host from the proxy, and loopback never goes there", async (context) => {
  const place = await setting(context, { tls: false })
  const proxy = await startProxy(context, place.port)
  const cli = place.cli({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: ".holdfast.test" })
  const outcome = await cli.run(["init", `s3:http://${HOST}/${place.server.bucket}/x`])
  assert.equal(outcome.code, 17, outcome.err)
  assert.match(outcome.err, /host s3\.holdfast\.test not found/)
  const all = place.cli({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url })
  await all.must(["init", `s3:${place.server.endpoint}/${place.server.bucket}/x`])
  assert.deepEqual(proxy.seen, [])
})

test("--addressing puts the bucket into the host name or into the path", async (context) => {
  const place = await setting(context, { tls: false })
  const proxy = await startProxy(context, place.port)
  const { bucket } = place.server
  const cli = place.cli({ HTTP_PROXY: proxy.url })
  await mainJob(place, cli, `s3:http://${HOST}/${bucket}/x`, ["--addressing", "virtual"])
  for (const line of proxy.seen) assert.ok(line.includes(` http://${bucket}.${HOST}/`), line)
  const count = proxy.seen.length
  assert.ok(count > 5)
  await cli.must(["check", "--addressing", "path"])
  assert.ok(proxy.seen.length > count)
  for (const line of proxy.seen.slice(count)) assert.ok(line.includes(` http://${HOST}/${bucket}`), line)
})

test("a proxy that needs a password gets it, and one that refuses is reported", async (context) => {
  const place = await setting(context, { tls: true })
  const proxy = await startProxy(context, place.port, "a-proxy-password")
  const words = ["init", `s3:https://${HOST}/${place.server.bucket}/x`, "--ca-file", place.box.path("ca.pem")]
  const wrong = proxy.url.replace("a-proxy-password", "no-proxy-password")
  const refused = await place.cli({ HTTPS_PROXY: wrong }).run(words)
  assert.equal(refused.code, 17, refused.err)
  assert.match(refused.err, /the proxy in HTTPS_PROXY refuses the connection to s3\.holdfast\.test/)
  assert.doesNotMatch(refused.err, /proxy-password/)
  await place.cli({ HTTPS_PROXY: proxy.url }).must(words)
})

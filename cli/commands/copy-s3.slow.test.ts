/** A mirror over real S3 servers, from a folder to one and from there to the other, killed during the copy. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, test, type TestContext } from "node:test"
import { openStore } from "../../engine/store/open-store.ts"
import { differences, pictureOf, showDifferences } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { startS3Server } from "../../fixtures/s3-servers.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf, type Beside } from "../testing/run-cli-beside.ts"

const FILES = 24
const FILE_BYTES = 4 * 2 ** 20
const PACK_BYTES = 16 * 2 ** 20
/** Slow enough to be killed in the middle. */
const SLOWLY = ["--limit-upload", "16384"]
const KILLS = 2

const minio = await startS3Server("minio")
const versitygw = await startS3Server("versitygw")
after(() => Promise.all([minio.close(), versitygw.close()]))

interface Setting {
  readonly box: Sandbox
  readonly cli: Beside
  readonly source: string
}

async function setting(context: TestContext): Promise<Setting> {
  const box = sandbox(context)
  const cli = besides(box, environmentOf(minio))
  const source = box.path("source")
  mkdirSync(source)
  for (let i = 0; i < FILES; i++)
    writeFileSync(join(source, `${i}`), seededRandom(`mirrored ${i}`).bytes(FILE_BYTES))
  await cli.must(["init", box.repository, "--recovery-words-file", box.path("words")])
  await cli.must(["backup", source])
  return { box, cli, source }
}

async function objectsAt(location: string): Promise<{ name: string; sizeBytes: number }[]> {
  const { region, credentials } = minio // the same at both
  const objects = []
  for await (const object of (await openStore(location, { region, credentials }, {})).list(""))
    objects.push(object)
  return objects
}

/** Kills it when more packs have arrived. What it leaves is not a repository, and never an incomplete one. */
async function copyKilled({ cli }: Setting, words: readonly string[], home: string): Promise<void> {
  const to = words[1] ?? ""
  const packs = async (): Promise<number> =>
    (await objectsAt(to)).filter(({ name }) => name.startsWith("packs/")).length
  const before = await packs()
  const child = cli.start([...words, ...SLOWLY], home)
  const ended = once(child, "close")
  for (let i = 0; (await packs()) < before + 2; i++) {
    assert.ok(i < 600, "packs came within a minute")
    await new Promise((done) => void setTimeout(done, 100))
  }
  child.kill("SIGKILL")
  const [code] = (await ended) as [number | null]
  assert.equal(code, null, "it was killed before it had ended")
  const found = await cli.run(["snapshots", "-r", to], "reader")
  assert.equal(found.code, 10, found.err)
}

/** Killed, then run twice. */
async function mirror(at: Setting, words: readonly string[], home: string): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) await copyKilled(at, words, home)
  const there = (await objectsAt(words[1] ?? "")).filter(({ name }) => !name.startsWith("log/mirror/"))
  const done = (await at.cli.must([...words, "--json"], home)).last
  assert.equal(done["objects_present"], there.length, "what had come stays")
  const { bytes_up: bytesUp } = done["requests_to"] as { bytes_up: number }
  assert.equal(bytesUp, done["bytes_copied"], "nothing else is sent")
  assert.ok(Number(done["bytes_present"]) >= KILLS * PACK_BYTES)
  assert.ok(Number(done["bytes_copied"]) + Number(done["bytes_present"]) <= 1.1 * FILES * FILE_BYTES)
  const idle = (await at.cli.must([...words, "--json"], home)).last
  assert.deepEqual(
    [idle["objects_copied"], (idle["requests_to"] as { put: number }).put],
    [0, 0],
    "nothing is left to do",
  )
}

test("copy from a folder to S3 and from S3 to another, killed meanwhile, makes a mirror that restores", async (context) => {
  const at = await setting(context)
  const { box, cli, source } = at
  const first = `s3:${minio.endpoint}/${minio.bucket}/mirror`
  const second = `s3:${versitygw.endpoint}/${versitygw.bucket}/mirror of a mirror`
  await mirror(at, ["copy", first, "-r", box.repository], "home")
  await mirror(at, ["copy", second, "-r", first], "reader of the first")

  for (const place of [first, second]) {
    const withoutKey = box.runWith({ ...environmentOf(minio) }, ["check", "--store-only", "-r", place])
    assert.equal(withoutKey.code, 0, withoutKey.err)
    assert.match(withoutKey.out, /each compared with the digest in its name/)

    const before = (await objectsAt(place)).length
    const refused = await cli.run(["backup", source, "--force-snapshot", "-r", place], "writer")
    assert.equal(refused.code, 1, refused.err)
    assert.match(refused.err, /is a read-only mirror\. Back up to the original/)
    assert.equal((await objectsAt(place)).length, before, "nothing was written to it")
  }

  await cli.must(["restore", "latest", "--target", box.path("out"), "-r", second], "empty home")
  const differing = differences(pictureOf(source), pictureOf(box.path("out")))
  assert.equal(differing.length, 0, showDifferences(differing))

  await cli.must(["copy", "--promote", second])
  await cli.must(["backup", source, "--force-snapshot", "-r", second], "writer")
  const late = await cli.run(["copy", second, "-r", first], "reader of the first")
  assert.equal(late.code, 1, late.err)
  assert.match(late.err, /was promoted, so devices may write to it\. Choose an empty folder/)
})

/** The program is killed again and again while it backs up to a real S3 server, and restores from it; then it is left alone. */
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, test, type TestContext } from "node:test"
import { setTimeout } from "node:timers/promises"
import { differences, pictureOf, showDifferences } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { REAL_S3_SERVERS, startS3Server, type RealS3Server } from "../../fixtures/s3-servers.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf, type Beside } from "../testing/run-cli-beside.ts"

const KILLS = 12
const FILES = 40
const FILE_BYTES = 6 * 2 ** 20
const PACK_BYTES = 16 * 2 ** 20
/** Packs on their way when it dies (spec/stores.md). */
const IN_FLIGHT_MAX = 3
/** So slow that all waits together are shorter than one complete run: every kill hits an active run. */
const UPLOAD_KIB = 12 * 1024
const DOWNLOAD_KIB = 24 * 1024
const BACKUP_WAIT_MAX = 1500
const RESTORE_KILLS = 4
/** After the first new whole file of a restore. */
const RESTORE_WAIT_MAX = 400
const SEED = process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex")
const STAGING = ".holdfast-restore-staging"

interface Setting {
  readonly box: Sandbox
  readonly cli: Beside
  readonly source: string
}

async function setting(context: TestContext, server: RealS3Server, prefix: string): Promise<Setting> {
  const box = sandbox(context)
  const cli = besides(box, environmentOf(server))
  const source = box.path("source")
  mkdirSync(source)
  for (let i = 0; i < FILES; i++) writeFileSync(join(source, `${i}`), seededRandom(`${i}`).bytes(FILE_BYTES))
  const location = `s3:${server.endpoint}/${server.bucket}/${prefix}`
  await cli.must(["init", location, "--recovery-words-file", box.path("words")])
  return { box, cli, source }
}

/** Starts the program, and kills it when `due` resolves; the wait ends early if the program ends. */
async function killWhen(
  { cli }: Setting,
  words: readonly string[],
  due: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const child = cli.start(words)
  for (const stream of [child.stdout, child.stderr]) stream.resume()
  const end = new AbortController()
  const ended = once(child, "close").finally(() => end.abort())
  await due(end.signal).catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  child.kill("SIGKILL")
  const [, signal] = (await ended) as [number | null, string | null]
  assert.equal(signal, "SIGKILL", "it was killed before it had ended")
}

/**
 * The complete files that a killed restore has left, by name: a new folder gets no entry before everything is
 * complete.
 */
function wholeIn(out: string, source: string): string[] {
  assert.deepEqual(existsSync(out) ? readdirSync(out).filter((name) => name !== STAGING) : [], [])
  const staged = join(out, STAGING)
  const names = existsSync(staged) ? readdirSync(staged).filter((name) => !name.startsWith(".")) : []
  return names.filter((name) => readFileSync(join(staged, name)).equals(readFileSync(join(source, name))))
}

for (const kind of REAL_S3_SERVERS) {
  const server = await startS3Server(kind)
  after(() => server.close())

  test(`backup killed ${KILLS} times on ${kind} resumes each time, and stores little twice`, async (context) => {
    const at = await setting(context, server, "killed")
    const { box, cli, source } = at
    const before = pictureOf(source)
    const random = seededRandom(`kills ${SEED}`)
    context.diagnostic(`HOLDFAST_SEED=${SEED}`)
    const slowly = ["backup", source, "--limit-upload", String(UPLOAD_KIB)]
    for (let kill = 0; kill < KILLS; kill++) {
      const wait = random.between(150, BACKUP_WAIT_MAX)
      await killWhen(at, slowly, (signal) => setTimeout(wait, undefined, { signal }))
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
    await cli.must(["restore", "latest", "--target", box.path("out")])
    const differing = differences(before, pictureOf(box.path("out")))
    assert.equal(differing.length, 0, showDifferences(differing))
  })

  test(`restore killed ${RESTORE_KILLS} times from ${kind} resumes each time, and fetches no complete file again`, async (context) => {
    const at = await setting(context, server, "restored")
    const { box, cli, source } = at
    await cli.must(["backup", source])
    const out = box.path("out")
    const words = ["restore", "latest", "--target", out]
    const slowly = [...words, "--limit-download", String(DOWNLOAD_KIB)]
    const random = seededRandom(`restore kills ${SEED}`)
    context.diagnostic(`HOLDFAST_SEED=${SEED}`)
    for (let kill = 0; kill < RESTORE_KILLS; kill++) {
      const before = wholeIn(out, source)
      const wait = random.between(0, RESTORE_WAIT_MAX)
      await killWhen(at, slowly, async (signal) => {
        while (wholeIn(out, source).length <= before.length) await setTimeout(50, undefined, { signal })
        await setTimeout(wait, undefined, { signal })
      })
      const after = wholeIn(out, source)
      for (const name of before) assert.ok(after.includes(name), `${name} stays`)
    }
    const whole = wholeIn(out, source).length
    const { last } = await cli.must([...words, "--json"])
    const { bytes_down: bytesDown } = last["requests"] as { bytes_down: number }
    context.diagnostic(
      `${kind}: ${whole} of ${FILES} files were whole; ${Math.round(bytesDown / 2 ** 20)} MiB for the rest`,
    )
    assert.ok(whole > 0)
    assert.equal(last["files_skipped"], whole)
    assert.ok(bytesDown <= (FILES - whole) * FILE_BYTES + IN_FLIGHT_MAX * PACK_BYTES, `${bytesDown} bytes`)
    const differing = differences(pictureOf(source), pictureOf(out))
    assert.equal(differing.length, 0, showDifferences(differing))
  })
}

/** A machine whose clock jumps, or that slept, while the built program backs up. The server has the time. */
import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { startS3FaultServer, type S3FaultServer } from "../../engine/testing/s3-fault-server.ts"
import { differences, pictureOf, showDifferences } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"
import { besides, environmentOf, type Beside } from "../testing/run-cli-beside.ts"

const FILES = 12
const FILE_BYTES = 6 * 2 ** 20
const PACK_BYTES = 16 * 2 ** 20
const JUMP_MS = 3 * 3_600_000

interface Place {
  readonly box: Sandbox
  readonly server: S3FaultServer
  readonly cli: Beside
  readonly source: string
  readonly location: string
  /** Packs that the server has taken. */
  readonly packs: () => number
}

async function place(context: TestContext): Promise<Place> {
  const server = await startS3FaultServer()
  context.after(() => server.close())
  const box = sandbox(context)
  const source = box.path("source")
  mkdirSync(source)
  for (let i = 0; i < FILES; i++)
    writeFileSync(join(source, `${i}`), seededRandom(`clock ${i}`).bytes(FILE_BYTES))
  const cli = besides(box, environmentOf(server))
  const location = `s3:${server.endpoint}/${server.bucket}/x`
  await cli.must(["init", location])
  const packs = (): number => [...server.objects.keys()].filter((key) => key.startsWith("x/packs/")).length
  return { box, server, cli, source, location, packs }
}

async function assertRestores({ box, cli, source, location }: Place): Promise<void> {
  await cli.must(["restore", "latest", "--target", box.path("out"), "-r", location], "other home")
  const differing = differences(pictureOf(source), pictureOf(box.path("out")))
  assert.equal(differing.length, 0, showDifferences(differing))
}

for (const [way, aheadMs] of [
  ["behind", JUMP_MS],
  ["ahead", -JUMP_MS],
] as const) {
  test(`backup reports a clock that becomes hours ${way}, and continues when it is right`, async (context) => {
    const at = await place(context)
    const { server, cli, source, packs } = at
    server.plan = ({ method }) => {
      if (method === "PUT" && packs() >= 2) server.clockAheadMs = aheadMs
      return undefined
    }
    const refused = await cli.run(["backup", source])
    assert.equal(refused.code, 1, refused.err)
    assert.match(
      refused.err,
      new RegExp(`this machine's clock is (179|180|181) minutes ${way}.*Set the clock`),
    )
    server.clockAheadMs = 0
    server.plan = () => undefined
    const done = packs()
    const again = await cli.must(["backup", source, "--json"])
    const { bytes_up: bytesUp } = again.last["requests"] as { bytes_up: number }
    assert.ok(done >= 2 && bytesUp <= FILES * FILE_BYTES * 1.02 - (done - 1) * PACK_BYTES, `${bytesUp} bytes`)
    await assertRestores(at)
  })
}

test("backup continues when a request that was signed before a sleep is refused for its age", async (context) => {
  const at = await place(context)
  const left = new Map([
    ["packs", 3],
    ["log", 1],
  ])
  at.server.plan = ({ method, key }) => {
    const folder = key.split("/")[1] ?? ""
    const count = left.get(folder) ?? 0
    if (method !== "PUT" || count === 0) return undefined
    left.set(folder, count - 1)
    return "stale"
  }
  await at.cli.must(["backup", at.source])
  assert.deepEqual([...left.values()], [0, 0])
  await assertRestores(at)
})

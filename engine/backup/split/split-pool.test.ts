/** The pools' promise to their caller: they accept no more than the store does. */
import * as assert from "node:assert/strict"
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { setImmediate as turn } from "node:timers/promises"
import { seededRandom } from "../../../fixtures/random.ts"
import { PACK_BYTES } from "../../format/pack.ts"
import { FRAME_DATA } from "../../format/sealed-header.ts"
import { EXAMPLE_KEYS, openPack, sealTools } from "../../testing/example-blocks.ts"
import { shareClaims } from "./claims.ts"
import { inlinePool, type PoolPorts } from "./split-pool.ts"
import type { SealedPack } from "../../packs/seal-pack.ts"
import type { SplitJob } from "./split-messages.ts"
import { threadPool } from "./thread-pool.ts"

const PIECE_BYTES = 1024 * 1024

function ports(onPack: PoolPorts["onPack"]): PoolPorts {
  const { sealing, random } = sealTools("pool")
  const { repository, chunkKey, chunkerKey } = EXAMPLE_KEYS
  return {
    keys: { repository, sealing, chunkKey, chunkerKey },
    claims: shareClaims(),
    random,
    isStored: () => false,
    shareIndex: () => undefined,
    onPack,
    uploadsAtOnce: 2,
  }
}

test("inlinePool() reads no more of a stream until the store has accepted what was read", async () => {
  const random = seededRandom("stream")
  let pieces = 0
  async function* stream(): AsyncIterable<Uint8Array> {
    for (; pieces < 6 * (PACK_BYTES / PIECE_BYTES); pieces++) yield random.bytes(PIECE_BYTES)
  }
  const started: (() => void)[] = []
  const pool = inlinePool(ports(() => new Promise((resolve) => started.push(resolve))))
  let ended = false
  const reading = pool.splitStream(stream()).then(() => (ended = true))
  while (!ended) {
    const before = pieces
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (before !== pieces) continue
    assert.ok(started.length <= 2, `${started.length} packs under way`)
    started.shift()?.()
  }
  await reading
  assert.equal(pieces, 96)
  for (const resolve of started) resolve()
  await pool.close()
})

interface LongFile {
  readonly content: Buffer
  readonly job: SplitJob
}

/** Writes text without repetitions that compresses to half. */
function longFile(t: TestContext, bytes: number): LongFile {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pool-"))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, "long")
  const content = Buffer.from(
    seededRandom("long")
      .bytes(bytes / 2)
      .toString("hex"),
    "latin1",
  )
  writeFileSync(path, content)
  const { size, ino, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true })
  return {
    content,
    job: {
      anchor: -1,
      path,
      size: Number(size),
      inode: ino,
      mtimeNs,
      ctimeNs,
      previousClass: -1,
      appended: false,
    },
  }
}

test("threadPool() reports how far its threads are in a long file", async (t) => {
  const { job } = longFile(t, 64 * 1024 * 1024)
  const pool = threadPool(ports(async () => {}))
  const seen = new Set<number>()
  let ended = false
  const splitting = pool.split([job]).finally(() => (ended = true))
  while (!ended) {
    seen.add(pool.bytesUnderWay())
    await turn()
  }
  const [result] = await splitting
  assert.equal(result?.outcome, "read")
  assert.ok(seen.size > 2, `seen ${[...seen].join(", ")}`)
  assert.ok([...seen].every((bytes) => bytes >= 0 && bytes <= job.size))
  assert.equal(pool.bytesUnderWay(), 0)
  await pool.close()
})

test("threadPool() stores each byte of a long file once, whichever threads close its blocks", async (t) => {
  const { content, job } = longFile(t, 48 * 1024 * 1024)
  const byHead = new Map<string, Buffer>()
  const headOf = (bytes: Buffer): string => bytes.toString("latin1", 0, 32)
  let stored = 0
  const onPack = async (pack: SealedPack): Promise<void> => {
    for (const { kind, bytes } of openPack(pack).chunks) {
      if (kind !== FRAME_DATA) continue
      stored += bytes.length
      byHead.set(headOf(bytes), Buffer.from(bytes))
    }
  }
  const pool = threadPool(ports(onPack))
  await pool.split([job])
  await pool.finish()
  await pool.close()
  assert.equal(stored, content.length)
  for (let rest = content; rest.length > 0;) {
    const chunk = byHead.get(headOf(rest))
    assert.ok(
      chunk !== undefined && chunk.equals(rest.subarray(0, chunk.length)),
      `no chunk begins ${rest.length} bytes before the end`,
    )
    rest = rest.subarray(chunk.length)
  }
})

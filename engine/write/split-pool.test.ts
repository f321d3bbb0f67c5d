/** What the pools promise to whoever feeds them: they take no more than the store does. */
import * as assert from "node:assert/strict"
import { test } from "node:test"
import { seededRandom } from "../../fixtures/random.ts"
import { PACK_BYTES } from "../format/pack.ts"
import { EXAMPLE_KEYS, sealTools } from "../testing/example-blocks.ts"
import { shareClaims } from "./claims.ts"
import { inlinePool, type PoolPorts } from "./split-pool.ts"

const PIECE_BYTES = 1024 * 1024

function ports(onPack: PoolPorts["onPack"]): PoolPorts {
  const { sealing, random } = sealTools("pool")
  const { repository, chunkKey, chunkerKey } = EXAMPLE_KEYS
  return {
    keys: { repository, sealing, chunkKey, chunkerKey },
    claims: shareClaims(),
    random,
    isStored: () => false,
    indexPath: undefined,
    onPack,
    uploadsAtOnce: 2,
  }
}

test("inlinePool() reads no more of a stream while the store has not taken what was read", async () => {
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

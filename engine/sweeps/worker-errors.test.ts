/** Each pool of worker threads fails with the error that a single thread would have thrown. */
import * as assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync, lstatSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import type { Bytes } from "../base/bytes.ts"
import type { Digest, RawPath } from "../base/ids.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { inlineCheckPool, threadCheckPool } from "../maintain/check-pool.ts"
import type { PackJob } from "../maintain/check-pack.ts"
import type { PlacerOptions } from "../restore/place/place-jobs.ts"
import { inlinePlacePool, threadPlacePool } from "../restore/place/place-pool.ts"
import { EXAMPLE_KEYS, sealTools } from "../testing/example-blocks.ts"
import { examplePack } from "../testing/example-packs.ts"
import { shareClaims } from "../backup/split/claims.ts"
import { inlinePool, type PoolPorts, type SplitPool } from "../backup/split/split-pool.ts"
import { threadPool } from "../backup/split/thread-pool.ts"

interface Seen {
  readonly message: string
  readonly code: unknown
  readonly kind: unknown
}

async function failureOf(run: () => Promise<unknown>): Promise<Seen> {
  try {
    await run()
  } catch (error) {
    assert.ok(error instanceof Error)
    const { code, kind } = error as Error & { code?: unknown; kind?: unknown }
    assert.equal(typeof code, "string", error.message)
    return { message: error.message, code, kind }
  }
  return assert.fail("it did not fail")
}

/** Every use of this key fails. */
const BAD = null as unknown as Bytes
const BAD_KEYS: RepositoryKeys = {
  ...EXAMPLE_KEYS,
  sealing: [{ epoch: 1, repository: EXAMPLE_KEYS.repository, key: BAD }],
}

test("threadPool() rejects with the error of the sealing thread", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-worker-"))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, "file")
  writeFileSync(path, "some content")
  const { size, ino, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true })
  const job = {
    anchor: -1,
    path,
    size: Number(size),
    inode: ino,
    mtimeNs,
    ctimeNs,
    previousClass: -1 as const,
    appended: false,
  }
  const { repository, chunkKey, chunkerKey } = EXAMPLE_KEYS
  const ports: PoolPorts = {
    keys: { repository, chunkKey, chunkerKey, sealing: { epoch: 1, repository, key: BAD } },
    claims: shareClaims(),
    random: sealTools("errors").random,
    isStored: () => false,
    shareIndex: () => undefined,
    onPack: async () => {},
    uploadsAtOnce: 1,
  }
  const run = async (pool: SplitPool): Promise<void> => {
    try {
      await pool.split([job])
      await pool.finish()
    } finally {
      await pool.close()
    }
  }
  const inline = await failureOf(() => run(inlinePool(ports)))
  assert.deepEqual(await failureOf(() => run(threadPool({ ...ports, claims: shareClaims() }))), inline)
})

test("threadPlacePool() rejects with the error of the placing thread", async () => {
  const options: PlacerOptions = { keys: EXAMPLE_KEYS, root: "/nowhere/at all", target: {} }
  const file = { path: "f" as RawPath, ids: new Uint8Array(32), lengths: Uint32Array.of(1) }
  const inline = await failureOf(async () => await inlinePlacePool(options).compare([file]))
  const pool = threadPlacePool(options)
  assert.deepEqual(await failureOf(() => pool.compare([file])), inline)
  await pool.close()
})

test("threadCheckPool() rejects with the error of the thread that opens packs", async () => {
  const { record, frames } = examplePack("errors", [["a"]])
  const job = (): PackJob => ({
    name: record.name as Digest,
    bytes: new Uint8Array(record.sizeBytes),
    record: { ...record, epoch: 1 },
    frames,
  })
  const inline = await failureOf(() => inlineCheckPool(BAD_KEYS).check(job()))
  const pool = threadCheckPool(BAD_KEYS)
  assert.deepEqual(await failureOf(() => pool.check(job())), inline)
  await pool.close()
})

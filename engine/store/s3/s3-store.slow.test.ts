/** The contract and more, on real S3 servers. Needs Go once. */
import * as assert from "node:assert/strict"
import { createHash, randomUUID } from "node:crypto"
import { after, describe, test } from "node:test"
import { REAL_S3_SERVERS, startS3Server } from "../../../fixtures/s3-servers.ts"
import { collect, isFailure, named, pattern, storeContract } from "../../testing/store-contract.ts"
import { meteredStore } from "../wrappers/metered-store.ts"
import { openStore, probeOf } from "../open-store.ts"
import { retryingStore } from "../wrappers/retrying-store.ts"
import { openS3Store, type S3StoreSettings } from "./s3-store.ts"

for (const kind of REAL_S3_SERVERS) {
  const server = await startS3Server(kind)
  after(() => server.close())

  // A new prefix is an empty store.
  const settings = (): S3StoreSettings => {
    const { bucket, endpoint, region, credentials } = server
    return { bucket, endpoint, region, credentials, prefix: `test/${randomUUID()}`, addressing: "path" }
  }

  storeContract(`openS3Store() on ${kind}`, async () => ({ store: await openS3Store(settings()) }))
  // With retries, as in every use: versitygw refuses a second put for a moment, while the first can't
  // be read.
  storeContract(`retryingStore() over openS3Store() on ${kind} with a conditional put`, async () => ({
    store: retryingStore(
      await openS3Store({ ...settings(), pageNames: 3, checksum: "sha256", conditionalPut: true }),
    ),
  }))

  describe(`openS3Store() on ${kind}`, () => {
    test("lists more than a page of 1,000 names, in order", async () => {
      const store = meteredStore(await openS3Store(settings()))
      const names = Array.from({ length: 1010 }, (_, i) => `log/${String(i).padStart(5, "0")}`)
      for (let i = 0; i < names.length; i += 16) {
        await Promise.all(names.slice(i, i + 16).map((name) => store.put(named(name), pattern(10))))
      }
      assert.deepEqual(
        (await collect(store, "log/")).map(({ name }) => name),
        names,
      )
      assert.equal(store.traffic().requests.list, 2)
    })

    test("stores packs of 16 and 64 MiB whole, and returns ranges of them", async () => {
      const store = await openS3Store(settings())
      for (const mebibytes of [16, 64]) {
        const pack = new Uint8Array(mebibytes * 1024 * 1024).fill(mebibytes)
        const digest = createHash("sha256").update(pack).digest("hex")
        await store.put(named(`packs/${digest.slice(0, 2)}/${digest}`), pack)
        const name = named(`packs/${digest.slice(0, 2)}/${digest}`)
        assert.ok(Buffer.from(pack).equals(await store.get(name)))
        assert.equal((await store.get(name, { offset: pack.length - 32, length: 32 })).length, 32)
      }
    })

    test("is probed as supporting everything", async () => {
      const { endpoint, bucket, region, credentials } = server
      const store = await openStore(`s3:${endpoint}/${bucket}/probed`, { region, credentials }, {})
      assert.deepEqual(await probeOf(store)?.(), {
        provider: kind === "minio" ? "minio" : "custom",
        conditionalPut: "works",
        listing: "at-once",
        ranges: "works",
        removal: "works",
      })
      assert.deepEqual(await collect(store, ""), [])
    })

    test("refuses bytes that don't match their name", async () => {
      const store = await openS3Store(settings())
      const digest = createHash("sha256").update(pattern(100)).digest("hex")
      await assert.rejects(
        store.put(named(`keys/${digest}`), pattern(101)),
        isFailure("unavailable", "damaged-upload"),
      )
      assert.deepEqual(await collect(store, ""), [])
    })

    test("reports wrong credentials, region and bucket", async () => {
      const { accessKeyId } = server.credentials
      const cases: [Partial<S3StoreSettings>, ...Parameters<typeof isFailure>][] = [
        [{ credentials: { accessKeyId: "OTHER", secretAccessKey: "x" } }, "denied", "wrong-credentials"],
        [{ credentials: { accessKeyId, secretAccessKey: "x" } }, "denied", "wrong-credentials"],
        [{ bucket: "no-such-bucket" }, "not-found", "no-bucket"],
        [{ region: "eu-west-3" }, "invalid", "wrong-region"],
      ]
      for (const [wrong, kindOfError, code] of cases) {
        const store = await openS3Store({ ...settings(), ...wrong })
        await assert.rejects(collect(store, "log/"), isFailure(kindOfError, code))
      }
    })

    test("survives a server that is killed and restarted, and keeps what was acknowledged", async () => {
      const sleep = (ms: number): Promise<void> =>
        new Promise((resolve) => void setTimeout(resolve, Math.min(ms, 3000)))
      const store = retryingStore(await openS3Store(settings()), { sleep, random: Math.random })
      const bytes = pattern(3_000_000)
      let next = 0
      const upload = async (): Promise<void> => {
        while (next < 60) await store.put(named(`packs/aa/${String(next++).padStart(3, "0")}`), bytes)
      }
      const uploads = Promise.all([upload(), upload(), upload()])
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => void setTimeout(resolve, 150))
        await server.restart()
      }
      await uploads
      const found = await collect(store, "packs/")
      assert.equal(found.length, 60)
      for (const { name } of found) assert.ok(Buffer.from(bytes).equals(await store.get(name)))
    })
  })
}

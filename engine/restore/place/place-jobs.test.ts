import * as assert from "node:assert/strict"
import { test } from "node:test"
import * as fc from "fast-check"
import type { RawPath } from "../../base/ids.ts"
import { packFiles, unpackFiles, type PlaceFile } from "./place-jobs.ts"

const path = fc
  .uint8Array({ minLength: 1, maxLength: 30 })
  .map((bytes) => Buffer.from(bytes.map((byte) => byte || 1)).toString("latin1") as RawPath)
const id = fc.integer({ min: 0, max: 2 ** 32 - 1 })

/** With the prototype of this realm, which a strict comparison checks. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>
}

const xattr = record({ name: path, value: fc.uint8Array({ maxLength: 9 }) })
const newFile = record({
  path,
  name: path,
  descriptor: fc.nat(),
  size: fc.maxSafeNat(),
  sparse: fc.boolean(),
})
const metadata = record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtimeNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uid: id,
  gid: id,
  xattrs: fc.array(xattr, { maxLength: 2 }),
})
const file = record<PlaceFile>({
  path,
  size: fc.maxSafeNat(),
  sparse: fc.boolean(),
  metadata,
  replace: fc.boolean(),
  sync: fc.boolean(),
  pieces: fc.nat(),
  begun: fc.option(newFile),
})

test("unpackFiles() returns what packFiles() packed, after a message", () => {
  fc.assert(
    fc.property(fc.array(file, { maxLength: 8 }), (files) => {
      assert.deepEqual(unpackFiles(structuredClone(packFiles(files))), files)
    }),
  )
})

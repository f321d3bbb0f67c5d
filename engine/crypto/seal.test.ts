import assert from "node:assert/strict"
import { createCipheriv } from "node:crypto"
import { describe, test } from "node:test"

import fc from "fast-check"
import { gcm } from "@noble/ciphers/aes.js"
import { hkdf as nobleHkdf } from "@noble/hashes/hkdf.js"
import { sha512 } from "@noble/hashes/sha2.js"

import { type Bytes, concatBytes, fromHex, toHex, utf8 } from "../base/bytes.ts"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import {
  FRAME_DATA,
  type FrameInfo,
  KIND_PACK,
  KIND_SEGMENT,
  NUMBER_DIRECTORY,
} from "../format/sealed-header.ts"
import { newSealer, type ObjectSealer, openSealer, sealerFromSalt, type SealingKey } from "./seal.ts"

const repository = "00112233445566778899aabbccddeeff" as RepositoryId
const keys: SealingKey = { epoch: 5, repository, key: new Uint8Array(32).fill(0x42) }
const salt = new Uint8Array(24).map((_, i) => i)
const frame: FrameInfo = { number: 3, kind: FRAME_DATA, codec: 1, rawLength: 70_000 }

function sealed(sealer: ObjectSealer, info: FrameInfo, plaintext: Uint8Array): Bytes {
  const out = new Uint8Array(plaintext.length + 16)
  assert.equal(sealer.seal(info, plaintext, out, 0), out.length)
  return out
}

/** The page's key schedule, implemented again with @noble only. */
function nobleSeal(info: FrameInfo, plaintext: Uint8Array): Bytes {
  const id = fromHex(repository) as Bytes
  const text = concatBytes([utf8("holdfast/1/object"), new Uint8Array([KIND_PACK, 1]), id])
  const okm = nobleHkdf(sha512, keys.key, salt, text, 76)
  const nonce = okm.slice(32, 44)
  const header = new Uint8Array(72)
  header.set(utf8("HFST"))
  header.set([KIND_PACK, 0, 1, 0, 5], 4)
  header.set(salt, 16)
  header.set(okm.subarray(44, 76), 40)
  const fields = new DataView(new ArrayBuffer(10))
  fields.setUint32(0, info.number, true)
  fields.setUint8(4, info.kind)
  fields.setUint8(5, info.codec)
  fields.setUint32(6, info.rawLength, true)
  const view = new DataView(nonce.buffer)
  view.setUint32(8, (view.getUint32(8, true) ^ info.number) >>> 0, true)
  const bound = concatBytes([header, new Uint8Array(fields.buffer)])
  return gcm(okm.slice(0, 32), nonce, bound).encrypt(plaintext) as Bytes
}

describe("newSealer()", () => {
  test("seals what @noble seals from spec/sealed-object.md", () => {
    const number = fc.oneof(fc.nat(70_000), fc.constantFrom(NUMBER_DIRECTORY, 0xffff_ffff))
    fc.assert(
      fc.property(
        number,
        fc.nat(255),
        fc.nat(2 ** 22),
        fc.uint8Array({ maxLength: 500 }),
        (n, kind, raw, plaintext) => {
          const info = { number: n, kind, codec: kind & 1, rawLength: raw }
          const bytes = sealed(newSealer(keys, KIND_PACK, salt), info, plaintext)
          assert.equal(toHex(bytes), toHex(nobleSeal(info, plaintext)))
          assert.deepEqual(newSealer(keys, KIND_PACK, salt).open(info, bytes), new Uint8Array(plaintext))
        },
      ),
      { numRuns: 60 },
    )
  })

  test("writes only at the given offset", () => {
    const out = new Uint8Array(100).fill(0xee)
    const written = newSealer(keys, KIND_PACK, salt).seal(frame, new Uint8Array(10), out, 30)
    assert.equal(written, 26)
    assert.ok(out.subarray(0, 30).every((byte) => byte === 0xee))
    assert.ok(out.subarray(56).every((byte) => byte === 0xee))
    assert.equal(newSealer(keys, KIND_PACK, salt).open(frame, out.subarray(30, 56)).length, 10)
  })

  test("asserts that no number is sealed twice, that the output has room, and the salt's length", () => {
    const sealer = newSealer(keys, KIND_PACK, salt)
    sealed(sealer, frame, new Uint8Array(1))
    assert.throws(() => sealed(sealer, frame, new Uint8Array(1)), /^Error: bug: frame 3 sealed twice/)
    const next = { ...frame, number: 4 }
    assert.throws(() => sealer.seal(next, new Uint8Array(10), new Uint8Array(25), 0), /no room/)
    assert.throws(() => newSealer(keys, KIND_PACK, salt.subarray(1)), /a salt has 24 bytes/)
  })

  test("opens nothing under another key, epoch, kind, salt, repository or frame field", () => {
    const bytes = sealed(newSealer(keys, KIND_PACK, salt), frame, utf8("plain"))
    const other: [string, ObjectSealer, FrameInfo][] = [
      ["key", sealerFromSalt({ ...keys, key: new Uint8Array(32) }, KIND_PACK, salt), frame],
      ["epoch", sealerFromSalt({ ...keys, epoch: 6 }, KIND_PACK, salt), frame],
      ["kind", sealerFromSalt(keys, KIND_SEGMENT, salt), frame],
      ["salt", sealerFromSalt(keys, KIND_PACK, new Uint8Array(24)), frame],
      [
        "repository",
        sealerFromSalt({ ...keys, repository: "f".repeat(32) as RepositoryId }, KIND_PACK, salt),
        frame,
      ],
      ["number", sealerFromSalt(keys, KIND_PACK, salt), { ...frame, number: 2 }],
      ["frame kind", sealerFromSalt(keys, KIND_PACK, salt), { ...frame, kind: 2 }],
      ["codec", sealerFromSalt(keys, KIND_PACK, salt), { ...frame, codec: 0 }],
      ["raw length", sealerFromSalt(keys, KIND_PACK, salt), { ...frame, rawLength: 70_001 }],
    ]
    for (const [name, sealer, info] of other) {
      assert.throws(
        () => sealer.open(info, bytes),
        (error) => isEngineError(error, "frame") && error.kind === "corrupt",
        name,
      )
    }
  })

  test("detects every flipped bit and every truncation of a frame", () => {
    const sealer = newSealer(keys, KIND_PACK, salt)
    const bytes = sealed(sealer, frame, utf8("sixteen bytes or so of plaintext"))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.throws(
        () => sealer.open(frame, damaged),
        (error) => isEngineError(error, "frame"),
      )
    }
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => sealer.open(frame, bytes.subarray(0, length)),
        (error) => isEngineError(error, "frame"),
      )
    }
  })
})

describe("openSealer()", () => {
  test("opens with the header of newSealer(), and seals nothing", () => {
    const sealer = newSealer(keys, KIND_PACK, salt)
    const bytes = sealed(sealer, frame, utf8("plain"))
    const opener = openSealer(keys, KIND_PACK, sealer.header, "packs/x")
    assert.deepEqual(opener.header, sealer.header)
    assert.deepEqual(opener.open(frame, bytes), utf8("plain"))
    assert.deepEqual(sealerFromSalt(keys, KIND_PACK, salt).open(frame, bytes), utf8("plain"))
    assert.throws(() => sealed(opener, { ...frame, number: 9 }, bytes), /bug: an object that was opened/)
  })

  test("refuses every flipped bit of a header, and names the object", () => {
    const { header } = newSealer(keys, KIND_PACK, salt)
    for (let bit = 0; bit < header.length * 8; bit++) {
      const damaged = header.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const code = bit >> 3 === 5 ? "format-too-new" : "sealed-header"
      assert.throws(
        () => openSealer(keys, KIND_PACK, damaged, "packs/x"),
        (error) => isEngineError(error, code) && error.message.startsWith("packs/x: "),
        `bit ${bit}`,
      )
    }
  })

  test("refuses another key by the commitment, before it decrypts anything", () => {
    const { header } = newSealer(keys, KIND_PACK, salt)
    const other = { ...keys, key: new Uint8Array(32) }
    assert.throws(() => openSealer(other, KIND_PACK, header, "packs/x"), /sealed with another key/)
    assert.throws(
      () => openSealer({ ...keys, epoch: 6 }, KIND_PACK, header, "packs/x"),
      /epoch 5, expected 6/,
    )
  })
})

// The cipher itself, with the specification's last test case for a 256-bit key.
test("AES-256-GCM of node:crypto and of @noble return the vector of the GCM specification", () => {
  const hex = (text: string): Bytes => fromHex(text) as Bytes
  const key = hex("feffe9928665731c6d6a8f9467308308".repeat(2))
  const nonce = hex("cafebabefacedbaddecaf888")
  const bound = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
  const plaintext = hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  )
  const expected =
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
    "76fc6ece0f4e1768cddf8853bb2d551b"
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  cipher.setAAD(bound)
  const bytes = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  assert.equal(bytes.toString("hex"), expected)
  assert.equal(toHex(gcm(key, nonce, bound).encrypt(plaintext)), expected)
})

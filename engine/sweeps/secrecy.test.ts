import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { bytesOf } from "../../fixtures/native.ts"
import { pictureOf } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { writeRandomTree } from "../../fixtures/trees.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import { parseName } from "../format/names.ts"
import { backupPlace, save } from "../testing/backup-place.ts"

const WINDOW_BYTES = 16
const NAME_BYTES_MIN = 8
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** Everything that the store must not reveal. */
interface Secrets {
  readonly windows: Set<string>
  readonly names: string[]
}

function secretsOf(root: string): Secrets {
  const secrets: Secrets = { windows: new Set(), names: [] }
  for (const [path, line] of pictureOf(root)) {
    secrets.names.push(...path.split("/").filter((name) => name.length >= NAME_BYTES_MIN))
    if (!line.startsWith("file")) continue
    const content = fs.readFileSync(bytesOf(`${root}/${path}`))
    for (let at = 0; at + WINDOW_BYTES <= content.length; at++) {
      secrets.windows.add(content.toString("latin1", at, at + WINDOW_BYTES))
    }
  }
  return secrets
}

/** Returns what an object reveals; empty if it is opaque. */
function leaks(object: Uint8Array, { windows, names }: Secrets): string[] {
  const bytes = Buffer.from(object)
  const text = bytes.toString("latin1")
  const found: string[] = []
  for (let at = 0; at + WINDOW_BYTES <= text.length; at++) {
    if (windows.has(text.slice(at, at + WINDOW_BYTES))) found.push(`content at ${at}`)
  }
  for (const name of names) if (text.includes(name)) found.push(`the name ${name}`)
  for (let at = bytes.indexOf(ZSTD_MAGIC); at >= 0; at = bytes.indexOf(ZSTD_MAGIC, at + 1)) {
    if (decodes(bytes.subarray(at))) found.push(`a zstd frame at ${at}`)
  }
  return found
}

function decodes(bytes: Uint8Array): boolean {
  try {
    zstdDecompressSync(bytes)
    return true
  } catch {
    return false
  }
}

function makeSource(folder: string): string {
  const source = join(folder, "a source with a long name")
  fs.mkdirSync(source)
  writeRandomTree(join(source, "tree"), seededRandom("secrecy"), {
    entries: 40,
    fileBytesMax: 20_000,
    past: true,
  })
  const files = {
    "passwords of the bank.txt": "correct horse battery staple\n".repeat(40),
    "one very long line.md": "the quick brown fox jumps over the lazy dog ".repeat(2000),
    "incompressible.bin": seededRandom("noise").bytes(60_000),
    "short secret": "4711-0815-secret",
  }
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(join(source, name), content)
  fs.symlinkSync("/home/somebody/private/place", join(source, "link to a place"))
  return source
}

test("the store reveals no content, no name, no compressed frame and nothing about who made the backup", async (t) => {
  const { repository, objects, folder } = await backupPlace(t)
  const source = makeSource(folder)
  const secrets = secretsOf(source)
  const told = [
    "a source with a long name",
    "machine of somebody",
    "the user's name",
    "a tag for this",
    "/home/somebody/private/place",
  ]
  const request = { host: "machine of somebody", user: "the user's name", tags: ["a tag for this"] }
  await save(repository, source, request)
  fs.appendFileSync(join(source, "one very long line.md"), "and then it slept")
  fs.renameSync(join(source, "short secret"), join(source, "renamed secret"))
  await save(repository, source, request)
  const all = {
    windows: new Set([...secretsOf(source).windows, ...secrets.windows]),
    names: [...secrets.names, ...secretsOf(source).names, ...told],
  }
  assert.ok(all.windows.size > 100_000 && all.names.length > 20)
  let bytes = 0
  for (const [name, object] of objects) {
    assert.deepEqual(leaks(object, all), [], name)
    assert.notEqual(parseName(name), undefined, name)
    bytes += object.length
  }
  t.diagnostic(
    `${objects.size} objects of ${bytes} bytes, ${all.windows.size} windows, ${all.names.length} names`,
  )
})

test("leaks() detects content, names and compressed frames", () => {
  const secrets: Secrets = { windows: new Set(["sixteen bytes ab"]), names: ["a long name"] }
  const noise = seededRandom("carrier").bytes(5000)
  const carry = (inside: Uint8Array): string[] => leaks(Buffer.concat([noise, inside, noise]), secrets)
  assert.deepEqual(carry(Buffer.from("sixteen bytes ab")), ["content at 5000"])
  assert.deepEqual(carry(Buffer.from("a long name")), ["the name a long name"])
  assert.deepEqual(carry(new Uint8Array(0)), [])
  assert.deepEqual(leaks(Buffer.concat([noise, zstdCompressSync(Buffer.from("x".repeat(500)))]), secrets), [
    "a zstd frame at 5000",
  ])
})

test("packs of the same content differ in every byte, and their sizes are all on the grid", async (t) => {
  const first = await backupPlace(t)
  const second = await backupPlace(t)
  const sizes: number[][] = []
  const packs = (objects: Map<ObjectName, Bytes>): Bytes[] =>
    [...objects].filter(([name]) => name.startsWith("packs/")).map(([, bytes]) => bytes)
  for (const { repository, folder } of [first, second]) await save(repository, makeSource(folder))
  for (const { objects } of [first, second]) sizes.push(packs(objects).map(({ length }) => length))
  assert.deepEqual(sizes[0], sizes[1])
  for (const [i, bytes] of packs(first.objects).entries()) {
    const other = packs(second.objects)[i] as Bytes
    const equal = bytes.subarray(72).filter((byte, at) => byte === other[at + 72]).length / bytes.length
    assert.ok(Math.abs(equal - 1 / 256) < 0.002, `${equal} of the bytes are equal`)
  }
})

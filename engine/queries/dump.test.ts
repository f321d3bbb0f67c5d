import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { Writable } from "node:stream"
import { test } from "node:test"
import { makeFifo, setMtime } from "../../fixtures/native.ts"
import { differences, pictureOf, showDifferences } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { RawPath } from "../base/ids.ts"
import { dump, findSnapshot } from "../index.ts"
import { backupPlace, dumped, save } from "../testing/backup-place.ts"

/** A folder with names and numbers that don't fit a plain tar header. */
function writeTree(folder: string): void {
  const long = "long".repeat(40)
  fs.mkdirSync(path.join(folder, long, long), { recursive: true })
  const random = seededRandom("tar")
  fs.writeFileSync(path.join(folder, long, long, "large"), random.bytes(700_001))
  fs.writeFileSync(path.join(folder, "empty"), "")
  fs.writeFileSync(path.join(folder, "block"), random.bytes(512))
  fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/bytes `), Buffer.from([0xff, 0xfe, 0x0a])]), "odd\n")
  fs.writeFileSync(path.join(folder, "umlaut ä"), "text\n", { mode: 0o640 })
  fs.linkSync(path.join(folder, "block"), path.join(folder, "same"))
  fs.symlinkSync(`${long}/${long}`, path.join(folder, "link"))
  makeFifo(path.join(folder, "pipe"))
  setMtime(path.join(folder, "empty"), 1_700_000_000_123_456_789n)
  setMtime(path.join(folder, "block"), -86_400_500_000_000n)
}

test("dump() writes a file's bytes, and refuses other types", async (t) => {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  writeTree(source)
  await save(place.repository, source)
  const long = "long".repeat(40)
  assert.deepEqual(
    await dumped(place, `${long}/${long}/large`),
    fs.readFileSync(path.join(source, long, long, "large")),
  )
  assert.equal((await dumped(place, "empty")).length, 0)
  await assert.rejects(dumped(place, ""), { code: "dump-folder" })
  await assert.rejects(dumped(place, "link"), { code: "dump-type" })
  await assert.rejects(dumped(place, "nothing"), { code: "no-entry" })
})

test("dump() writes an archive that tar unpacks to the same tree", async (t) => {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  writeTree(source)
  await save(place.repository, source)
  const unpack = (archive: Buffer, name: string): string => {
    const target = path.join(place.folder, name)
    fs.mkdirSync(target)
    execFileSync("tar", ["-x", "-p", "-f", "-", "-C", target], {
      input: archive,
      stdio: ["pipe", "pipe", "ignore"], // it warns about old times
    })
    return target
  }
  const target = unpack(await dumped(place, "", "tar"), "whole")
  const found = differences(pictureOf(source), pictureOf(target))
  assert.equal(found.length, 0, showDifferences(found))
  const long = "long".repeat(40)
  const part = unpack(await dumped(place, long, "tar"), "part")
  assert.equal(differences(pictureOf(path.join(source, long)), pictureOf(part)).length, 0)
  const one = unpack(await dumped(place, "same", "tar"), "one")
  assert.deepEqual(fs.readFileSync(path.join(one, "same")), fs.readFileSync(path.join(source, "block")))
})

test("dump() stops if its reader goes away, and fails on damage", async (t) => {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  writeTree(source)
  await save(place.repository, source)
  const { snapshot } = await findSnapshot(place.repository, "latest")
  let written = 0
  const out = new Writable({
    write(bytes: Uint8Array, _encoding, done) {
      written += bytes.length
      done(written > 1000 ? Object.assign(new Error("gone"), { code: "EPIPE" }) : null)
    },
  })
  await dump(place.repository, snapshot, "" as RawPath, { out, archive: "tar" })
  assert.ok(written < 700_000, `${written} bytes were written to nobody`)
  for (const [name, bytes] of place.objects) if (name.startsWith("packs/")) bytes.fill(0)
  await assert.rejects(dumped(place, "umlaut \u00c3\u00a4"), { kind: "corrupt" })
})

/** `dump --archive zip`, read by unzip and by Python, which .ci/run installs. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { makeFifo, setMtime } from "../../fixtures/native.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { backupPlace, dumped, save } from "../testing/backup-place.ts"

test("dump() writes a zip archive that unzip unpacks to the same files, folders and links", async (t) => {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  fs.mkdirSync(path.join(source, "deep", "er"), { recursive: true })
  const random = seededRandom("zip")
  fs.writeFileSync(path.join(source, "deep", "er", "large"), random.bytes(700_001))
  fs.writeFileSync(path.join(source, "empty"), "")
  fs.writeFileSync(path.join(source, "block"), random.bytes(512))
  fs.linkSync(path.join(source, "block"), path.join(source, "same"))
  fs.writeFileSync(path.join(source, "umlaut ä"), "text\n", { mode: 0o640 })
  fs.symlinkSync("deep/er", path.join(source, "link"))
  makeFifo(path.join(source, "pipe"))
  setMtime(path.join(source, "empty"), 1_700_000_000_123_456_789n)
  setMtime(path.join(source, "block"), -86_400_500_000_000n)
  fs.mkdirSync(path.join(source, "private"), { mode: 0o700 })
  await save(place.repository, source)
  const target = path.join(place.folder, "unzipped")
  const file = path.join(place.folder, "notes.zip")
  fs.writeFileSync(file, await dumped(place, "", "zip"))
  execFileSync("unzip", ["-tq", file])
  execFileSync("unzip", ["-q", file, "-d", target], {
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  })
  for (const name of ["deep/er/large", "empty", "block", "same", "umlaut ä"])
    assert.deepEqual(fs.readFileSync(path.join(target, name)), fs.readFileSync(path.join(source, name)), name)
  assert.equal(fs.readlinkSync(path.join(target, "link")), "deep/er")
  assert.equal(fs.statSync(path.join(target, "umlaut ä")).mode & 0o777, 0o640)
  assert.equal(fs.statSync(path.join(target, "private")).mode & 0o777, 0o700)
  assert.equal(fs.statSync(path.join(target, "empty")).mtimeMs, 1_700_000_000_000)
  assert.ok(!fs.existsSync(path.join(target, "pipe")), "a zip archive has no FIFOs")

  // One reader reads the archive as a stream, the other checks every record.
  const check = [
    "import sys, zipfile",
    "z = zipfile.ZipFile(sys.argv[1])",
    "assert z.testzip() is None",
    "print(len(z.namelist()))",
  ].join("\n")
  assert.equal(execFileSync("python3", ["-c", check, file], { encoding: "utf8" }).trim(), "9")
  fs.writeFileSync(file, await dumped(place, "same", "zip"))
  assert.match(execFileSync("unzip", ["-l", file], { encoding: "utf8" }), /512 .* same\n/)
})

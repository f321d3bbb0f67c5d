import * as assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { test } from "node:test"

const CHECKOUT = path.join(import.meta.dirname, "../..")

/**
 * Only `writeAll` writes to descriptors, except the terminal's, which may be closed or busy
 * (cli/output/output.ts).
 */
const WRITERS = ["engine/base/write-all.ts", "cli/output/output.ts"]

test("writeSync() is called only in the loops that write everything", () => {
  const found: string[] = []
  for (const top of ["engine", "cli"]) {
    for (const name of fs.readdirSync(path.join(CHECKOUT, top), { recursive: true, encoding: "utf8" })) {
      const file = `${top}/${name}`
      if (!file.endsWith(".ts") || /\.test\.ts$|\/testing\/|^cli\/demo/.test(file)) continue
      if (/\bwriteSync\(|\bfs\.write\(/.test(fs.readFileSync(path.join(CHECKOUT, file), "utf8")))
        found.push(file)
    }
  }
  assert.deepEqual(found.toSorted(), WRITERS.toSorted())
})

/** Limits a file's size: a write beyond it is short, and the next one an error. */
function runLimited(script: string, folder: string): { code: number | null; err: string } {
  const command = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1"`
  const { status, stderr } = spawnSync("sh", ["-c", command, process.execPath, script], {
    cwd: folder,
    encoding: "utf8",
  })
  return { code: status, err: stderr }
}

test("a write cut short by the system is an error, and the old content stays", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-short-write-"))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const module = (file: string): string => JSON.stringify(path.join(CHECKOUT, "engine", file))
  const cases: Record<string, string> = {
    "a home's file": `
      import { writePrivateFile } from ${module("home/private-files.ts")}
      writePrivateFile("kept", "new".repeat(10_000))`,
    "a small object": `
      import { writeAllInTurn } from ${module("base/write-all.ts")}
      import { openSync } from "node:fs"
      await writeAllInTurn(openSync("small", "w"), new Uint8Array(20_000))`,
    "a large object": `
      import { writeAllInTurn } from ${module("base/write-all.ts")}
      import { openSync } from "node:fs"
      await writeAllInTurn(openSync("large", "w"), new Uint8Array(200_000))`,
    "a place in a file": `
      import { writeAll } from ${module("base/write-all.ts")}
      import { openSync } from "node:fs"
      writeAll(openSync("place", "w"), new Uint8Array(20_000), 10)`,
  }
  fs.writeFileSync(path.join(folder, "kept"), "old")
  for (const [name, script] of Object.entries(cases)) {
    const { code, err } = runLimited(script, folder)
    assert.equal(code, 1, `${name}: ${err}`)
    assert.match(err, /EFBIG/, name)
  }
  assert.equal(fs.readFileSync(path.join(folder, "kept"), "utf8"), "old")
  assert.deepEqual(fs.readdirSync(folder).toSorted(), ["kept", "large", "place", "small"])
})

/**
 * The last step of the build: does typical work in this process and stores V8's compiled code of it beside the
 * program (compiled-program.ts). The results are deleted.
 */
import assert from "node:assert/strict"
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { keptCode, loadProgram } from "./compiled-program.ts"

const code = keptCode(resolve("dist/cli/program"), "start")
const program = loadProgram(resolve("dist/cli/program/start.js"), [code])
if (program.keptIn === undefined) await runAndKeep()

async function runAndKeep(): Promise<void> {
  const { run } = program.exports as typeof import("./start.ts")
  const folder = mkdtempSync(join(tmpdir(), "holdfast-build-"))
  try {
    for (const name of Object.keys(process.env)) if (name.startsWith("HOLDFAST_")) delete process.env[name]
    process.env["HOLDFAST_HOME"] = join(folder, "home")
    process.env["HOLDFAST_KEY_FILE"] = join(folder, "key")
    process.env["HOLDFAST_REPOSITORY"] = join(folder, "repository")
    writeFileSync(join(folder, "key"), `${Buffer.alloc(32, 1).toString("base64")}\n`, { mode: 0o600 })
    const source = join(folder, "source")
    writeFiles(source)
    const backup = ["backup", source, "--json"]
    const work = [["init"], backup, backup, backup, ["restore", "latest", "--target", join(folder, "out")]]
    for (const words of work) {
      assert.equal(await run(words, 0o077), 0, words.join(" "))
      appendFileSync(join(source, "notes", "0.md"), "one more line\n")
    }
    program.keep(code)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Notes, one file that is long and one that does not compress. */
function writeFiles(source: string): void {
  mkdirSync(join(source, "notes"), { recursive: true })
  for (let i = 0; i < 50; i++)
    writeFileSync(join(source, "notes", `${i}.md`), `note ${i} `.repeat(40 * i + 1))
  const line = (i: number): string =>
    `{ "turn": ${i}, "half": ${i / 2}, "text": "${"word ".repeat(i % 17)}" }\n`
  writeFileSync(join(source, "journal.jsonl"), Array.from({ length: 20_000 }, (_, i) => line(i)).join(""))
  writeFileSync(join(source, "noise"), crypto.getRandomValues(new Uint8Array(60_000)))
}

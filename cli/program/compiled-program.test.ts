/** Compiled code of earlier runs is kept, and not used for another program or when it is damaged. */
import assert from "node:assert/strict"
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { test, type TestContext } from "node:test"
import { spawnSync } from "node:child_process"
import { keptCode, loadProgram } from "./compiled-program.ts"

/** One function that is called at loading, and one that is called later or never. */
const PROGRAM = `
  exports.where = [__filename, __dirname, module.exports === exports]
  exports.path = require("node:path")
  exports.answer = function answer(n) { return n === 0 ? 42 : answer(n - 1) }
`

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-code-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface Exports {
  readonly where: readonly [string, string, boolean]
  readonly path: { readonly sep: string }
  readonly answer: (n: number) => number
}

function load(
  file: string,
  ...kept: string[]
): { readonly keptIn: string | undefined; readonly exports: Exports } {
  const { keptIn, exports } = loadProgram(file, kept)
  return { keptIn, exports: exports as Exports }
}

test("a program runs the same with kept code and without", (context) => {
  const folder = folderOf(context)
  const [file, code] = [join(folder, "program.js"), join(folder, "kept", "program.code")]
  writeFileSync(file, PROGRAM)
  const first = loadProgram(file, [code])
  assert.equal(first.keptIn, undefined)
  first.keep(code)
  for (const { exports } of [load(file), load(file, join(folder, "none"), code)]) {
    assert.deepEqual(exports.where, [file, folder, true])
    assert.equal(exports.path.sep, "/")
    assert.equal(exports.answer(3), 42)
  }
  assert.equal(load(file, join(folder, "none"), code).keptIn, code)
  assert.deepEqual(readdirSync(join(folder, "kept")), ["program.code"])
})

test("the kept code has the functions that have run", (context) => {
  const folder = folderOf(context)
  const file = join(folder, "program.js")
  writeFileSync(file, PROGRAM)
  const program = loadProgram(file, [])
  const [before, after] = [join(folder, "before.code"), join(folder, "after.code")]
  program.keep(before)
  ;(program.exports as Exports).answer(1)
  program.keep(after)
  assert.ok(statSync(after).size > statSync(before).size)
})

test("code of another program, and code that is damaged anywhere, is not run", (context) => {
  const folder = folderOf(context)
  const [file, code] = [join(folder, "program.js"), join(folder, "program.code")]
  writeFileSync(file, PROGRAM)
  loadProgram(file, []).keep(code)
  const whole = readFileSync(code)
  for (let at = 0; at < whole.length; at += 97) {
    const damaged = Buffer.from(whole)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    writeFileSync(code, damaged)
    const { keptIn, exports } = load(file, code)
    assert.equal(keptIn, undefined, `byte ${at}`)
    assert.equal(exports.answer(1), 42)
  }
  for (const length of [0, 31, 32, whole.length - 1]) {
    writeFileSync(code, whole.subarray(0, length))
    assert.equal(load(file, code).keptIn, undefined, `${length} bytes`)
  }
  writeFileSync(code, whole)
  assert.equal(load(file, code).keptIn, code)
  writeFileSync(file, PROGRAM.replace("42", "43")) // of the same length, the only thing that V8 checks
  const { keptIn, exports } = load(file, code)
  assert.equal(keptIn, undefined)
  assert.equal(exports.answer(1), 43)
})

test("the build has kept code that fits", () => {
  const code = keptCode(resolve("dist/cli/program"), "start")
  assert.equal(loadProgram(resolve("dist/cli/program/start.js"), [code]).keptIn, code)
})

test("a program without compiled code stores its own in the home, and again when it is damaged", (context) => {
  const folder = folderOf(context)
  cpSync("dist", join(folder, "dist"), { recursive: true, filter: (path) => !path.endsWith(".code") })
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"))
  writeFileSync(join(folder, "key"), `${Buffer.alloc(32, 7).toString("base64")}\n`, { mode: 0o600 })
  const environment = {
    HOLDFAST_HOME: join(folder, "home"),
    HOLDFAST_KEY_FILE: join(folder, "key"),
    HOLDFAST_REPOSITORY: join(folder, "repository"),
  }
  const run = (...words: string[]): void => {
    const program = join(folder, "dist", "cli", "main.js")
    const { status, stderr } = spawnSync(process.execPath, [program, ...words], {
      env: environment,
      encoding: "utf8",
    })
    assert.equal(status, 0, stderr)
  }
  const code = keptCode(join(folder, "home", "compiled"), "start")
  run("init")
  run("backup", join(folder, "key"))
  const { size, mode, mtimeMs } = statSync(code)
  assert.ok(size > 100_000)
  assert.equal(mode & 0o777, 0o600)
  run("snapshots")
  assert.equal(statSync(code).mtimeMs, mtimeMs, "it was of use")
  writeFileSync(code, readFileSync(code).fill(0, 1000, 2000))
  run("snapshots")
  assert.ok(
    loadProgram(join(folder, "dist", "cli", "program", "start.js"), [code]).keptIn === code,
    "it is whole again",
  )
})

/**
 * Loads a program of the build with V8's compiled code of earlier runs, which saves a fifth of the time of a small
 * run (spec/decisions/0012-compiled-code.md). Node's own compile cache stores a file right after loading, before
 * most of its functions are compiled.
 *
 *     kept code = SHA-256 of what follows and of the program, 32 bytes ‖ code
 *
 * V8 itself checks its version and flags, but neither the program nor the integrity of the code.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Script } from "node:vm"

const DIGEST_BYTES = 32

export interface CompiledProgram {
  readonly exports: unknown
  /** The file of the code that was used; undefined when everything is compiled again. */
  readonly keptIn: string | undefined
  /** Stores the code of everything that has run so far. */
  keep(file: string): void
}

/** The file in a folder for the code that this Node compiled of a program. */
export function keptCode(folder: string, program: string): string {
  return join(folder, `${program}-${process.version}-${process.platform}-${process.arch}.code`)
}

/**
 * @param file CommonJS in ASCII, without `import()`
 * @param kept files that may hold its code: the first that matches is used
 */
export function loadProgram(file: string, kept: readonly string[]): CompiledProgram {
  const program = readFileSync(file)
  const text = `(function (exports, require, module, __filename, __dirname) {${program.toString("latin1")}\n})`
  const compile = (cachedData?: Buffer): Script =>
    new Script(text, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) })
  let script: Script | undefined
  let keptIn: string | undefined
  for (const place of kept) {
    const code = readCode(place, program)
    if (code === undefined) continue
    script = compile(code)
    if (script.cachedDataRejected === true) continue
    keptIn = place
    break
  }
  script ??= compile()
  const module = { exports: {} as unknown }
  const run = script.runInThisContext() as (...parameters: unknown[]) => void
  run(module.exports, createRequire(file), module, file, dirname(file))
  return {
    exports: module.exports,
    keptIn,
    keep: (place) => writeCode(place, program, script.createCachedData()),
  }
}

function readCode(file: string, program: Buffer): Buffer | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch {
    return undefined
  }
  const code = bytes.subarray(DIGEST_BYTES)
  return digest(code, program).equals(bytes.subarray(0, DIGEST_BYTES)) ? code : undefined
}

/** Complete or not at all: this code will run. */
function writeCode(file: string, program: Buffer, code: Buffer): void {
  mkdirSync(dirname(file), { recursive: true })
  const unfinished = `${file}.${process.pid}.tmp`
  try {
    writeFileSync(unfinished, Buffer.concat([digest(code, program), code]))
    renameSync(unfinished, file)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

function digest(code: Buffer, program: Buffer): Buffer {
  return createHash("sha256").update(code).update(program).digest()
}

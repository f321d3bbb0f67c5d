/**
 * A program of the build, loaded with V8's compiled code of what has run before, which saves a small run a
 * fifth of its time (spec/decisions/0012-compiled-code.md). Node's own compile cache keeps a file as it is when it is loaded, with most of its
 * functions still to be compiled at their first call.
 *
 *     kept code = SHA-256 of what follows and of the program, 32 bytes ‖ code
 *
 * V8 itself looks at its version and flags, but neither at the program nor at whether the code is whole.
 */
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { Script } from "node:vm"

const DIGEST_BYTES = 32

export interface CompiledProgram {
  readonly exports: unknown
  /** The kept code that was of use; undefined when all is compiled anew. */
  readonly keptIn: string | undefined
  /** Keeps the code of all that has run until now. */
  keep(file: string): void
}

/** Where a folder keeps the code that this Node compiled of a program. */
export function keptCode(folder: string, program: string): string {
  return join(folder, `${program}-${process.version}-${process.platform}-${process.arch}.code`)
}

/**
 * @param file CommonJS in ASCII, without `import()`
 * @param kept files that may hold its code: the first that fits is taken
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

/** Whole or not at all: it is code that will run. */
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

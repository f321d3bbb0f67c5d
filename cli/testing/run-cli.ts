/**
 * Runs the built command line like a user or a script: in its own process, with an environment that has nothing of
 * the developer's. `npm test` builds it first. Tests only.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { TestContext } from "node:test"

const PROGRAM = resolve("dist/cli/main.js")

/** 32 bytes, fixed: these repositories protect nothing. */
const KEY = Buffer.alloc(32, 7).toString("base64")

export type JsonLine = Readonly<Record<string, unknown>>

export interface Outcome {
  readonly code: number | null
  readonly out: string
  readonly err: string
  /** The JSON lines of standard output. */
  readonly lines: JsonLine[]
  /** Those of standard error: errors and warnings. */
  readonly errorLines: JsonLine[]
  /** The last one, most often the summary. */
  readonly last: JsonLine
}

export interface Sandbox {
  readonly folder: string
  readonly repository: string
  readonly keyFile: string
  readonly path: (...names: string[]) => string
  /** What `run` puts in the environment. */
  readonly environment: Readonly<Record<string, string>>
  /** With the sandbox's home, and its repository and key in the environment. */
  readonly run: (...words: string[]) => Outcome
  /** With nothing but the given variables. */
  readonly runWith: (
    environment: Readonly<Record<string, string>>,
    words: readonly string[],
    /** Text for standard input, or a descriptor that becomes it. */
    input?: string | number,
  ) => Outcome
  /** Like `run`, and fails unless the exit code is 0. */
  readonly must: (...words: string[]) => Outcome
}

/** A folder of its own for one test, removed at its end. */
export function sandbox(context: TestContext): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-cli-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const repository = join(folder, "repository")
  const keyFile = join(folder, "key")
  writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 })
  const usual = {
    HOLDFAST_REPOSITORY: repository,
    HOLDFAST_KEY_FILE: keyFile,
    HOLDFAST_HOME: join(folder, "home"),
  }
  const runWith: Sandbox["runWith"] = (environment, words, input) => runCli(folder, environment, words, input)
  return {
    folder,
    repository,
    keyFile,
    path: (...names) => join(folder, ...names),
    environment: usual,
    run: (...words) => runWith(usual, words),
    runWith,
    must(...words) {
      const outcome = runWith(usual, words)
      if (outcome.code !== 0) throw new Error(`${words.join(" ")} ended with ${outcome.code}: ${outcome.err}`)
      return outcome
    },
  }
}

/** A repository with one snapshot of the folder `notes`, whose path is returned; it has the file a.md. */
export function ready(box: Sandbox): string {
  const source = box.path("notes")
  mkdirSync(source)
  writeFileSync(join(source, "a.md"), "first\n")
  box.must("init")
  box.must("backup", source)
  return source
}

function runCli(
  folder: string,
  environment: Readonly<Record<string, string>>,
  words: readonly string[],
  input: string | number = "",
): Outcome {
  const { PATH = "" } = process.env
  const result = spawnSync(process.execPath, [PROGRAM, ...words], {
    cwd: folder,
    env: { PATH, HOME: join(folder, "user"), ...environment },
    encoding: "utf8",
    ...(typeof input === "string" ? { input } : { stdio: [input, "pipe", "pipe"] }),
    maxBuffer: 2 ** 28,
    timeout: 120_000,
  })
  const out = result.stdout
  return outcomeOf(result.status, out, result.stderr)
}

export function outcomeOf(code: number | null, out: string, err: string): Outcome {
  const lines = jsonLines(out)
  return { code, out, err, lines, errorLines: jsonLines(err), last: lines.at(-1) ?? {} }
}

function jsonLines(text: string): JsonLine[] {
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as JsonLine] : []))
}

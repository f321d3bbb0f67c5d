/**
 * The house rules that a machine can hold: imports run downwards only, pure folders stay pure, the
 * command line and the benchmarks use one door, files stay small, and no test is skipped. Function
 * sizes, cycles, default exports and parameters are oxlint's.
 */
import assert from "node:assert/strict"
import { globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"

const PURE = ["base", "format", "crypto", "chunking", "compression"]
const ADAPTERS = ["store", "index", "home", "files", "listing"]

/** What each folder may import, besides itself. `write` and `read` never see each other. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  format: ["base"],
  crypto: ["base", "format"],
  chunking: ["base"],
  compression: ["base"],
  secrets: ["base"],
  store: ["base", "secrets"],
  index: ["base", "format"],
  home: ["base", "format"],
  files: ["base"],
  listing: ["base", "format", "crypto"],
  packs: ["base", "format", "crypto", "compression", "index", "store"],
  trust: [...PURE, "store", "home", "index", "packs", "listing"],
  write: [...PURE, ...ADAPTERS, "packs", "trust"],
  read: [...PURE, ...ADAPTERS, "packs", "trust"],
  queries: [...PURE, ...ADAPTERS, "packs", "trust"],
  maintain: [...PURE, ...ADAPTERS, "packs", "trust", "read"],
}

const LINES_MAX = 350
const TEST_LINES_MAX = 450

/** They load WebAssembly once, when they are imported; after that they are pure. */
const LOADS_ONCE = ["engine/chunks/cutter.ts"]

interface SourceFile {
  readonly path: string
  readonly text: string
  /** Imported files of this project, as paths from the project's root. */
  readonly imports: readonly string[]
}

const files: SourceFile[] = globSync("{engine,cli,bench,fixtures}/**/*.ts").map((path) => {
  const text = readFileSync(path, "utf8")
  const specifiers = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)
  return { path, text, imports: [...specifiers].map(([, specifier = ""]) => join(dirname(path), specifier)) }
})
const isTest = ({ path }: SourceFile): boolean =>
  path.endsWith(".test.ts") || path.startsWith("engine/testing/")
const sources = files.filter((file) => !isTest(file))
const folderOf = (path: string): string => (path.startsWith("engine/") ? (path.split("/")[1] ?? "") : "")

/** Lists what breaks a rule; the message of a failure is that list. */
function none(broken: readonly string[]): void {
  assert.deepEqual(broken, [])
}

test("tidy: there are files to look at", () => {
  assert.ok(files.length > 100, `found only ${files.length} files`)
})

test("tidy: every folder of the engine has its place in the layers", () => {
  const folders = new Set(
    sources.map(({ path }) => folderOf(path)).filter((folder) => !folder.endsWith(".ts")),
  )
  none([...folders].filter((folder) => folder !== "" && MAY_IMPORT[folder] === undefined))
})

test("tidy: imports inside the engine run downwards only", () => {
  none(
    sources.flatMap(({ path, imports }) => {
      const from = folderOf(path)
      const allowed = MAY_IMPORT[from]
      if (allowed === undefined) return []
      return imports
        .filter((target) => folderOf(target) !== from && !allowed.includes(folderOf(target)))
        .map((target) => `${path} imports ${target}`)
    }),
  )
})

test("tidy: nothing but tests imports engine/testing", () => {
  // Vectors are made from the tests' seeded randomness.
  none(
    sources
      .filter(({ path }) => !path.startsWith("fixtures/"))
      .filter(({ imports }) => imports.some((one) => folderOf(one) === "testing"))
      .map(({ path }) => path),
  )
})

/** Used before the engine is loaded, or without it: what finds the cache of compiled code, and how text and errors are shown. */
const WITHOUT_ENGINE = ["cli/program/compiled-start.ts imports engine/home/home.ts"]
const SHOWN: readonly string[] = ["engine/base/show.ts", "engine/base/errno.ts", "engine/base/monotonic.ts"]

test("tidy: the command line and the benchmarks use engine/index.ts alone", () => {
  // A micro benchmark measures one stage from the inside.
  const outside = sources.filter(
    ({ path }) => /^(cli|bench)\//.test(path) && !path.startsWith("bench/micro/"),
  )
  none(
    outside.flatMap(({ path, imports }) =>
      imports
        .filter(
          (one) =>
            one.startsWith("engine/") &&
            one !== "engine/index.ts" &&
            !SHOWN.includes(one) &&
            !WITHOUT_ENGINE.includes(`${path} imports ${one}`),
        )
        .map((one) => `${path} imports ${one}`),
    ),
  )
})

test("tidy: pure folders touch no disk, clock or randomness", () => {
  const impure =
    /"node:(fs|os|child_process|worker_threads|net)|Date\.now|new Date\(\)|performance\.now|randomBytes|Math\.random/
  none(
    sources
      .filter(({ path }) => PURE.includes(folderOf(path)) && folderOf(path) !== "base")
      .filter(({ path }) => !LOADS_ONCE.includes(path))
      .flatMap(({ path, text }) => {
        const found = impure.exec(text)
        return found === null ? [] : [`${path} uses ${found[0]}`]
      }),
  )
})

test("tidy: the S3 library is named in engine/store alone, and loaded only when it is needed", () => {
  const engine = sources.filter(({ path }) => path.startsWith("engine/"))
  const isS3 = (path: string): boolean => path.startsWith("engine/store/s3-")
  none(engine.filter(({ path, text }) => text.includes('"@aws-sdk') && !isS3(path)).map(({ path }) => path))
  const eager = /^(import|export) (?!type)[^"]*"[^"]*\/s3-store\.ts"/m
  none(engine.filter(({ path, text }) => eager.test(text) && !isS3(path)).map(({ path }) => path))
})

test("tidy: no source is longer than 350 lines, no test file longer than 450", () => {
  const lengths = files.map((file) => ({ ...file, lines: file.text.split("\n").length - 1 }))
  const long = lengths.filter((file) => file.lines > (isTest(file) ? TEST_LINES_MAX : LINES_MAX))
  none(long.map(({ path, lines }) => `${path} has ${lines} lines`))
})

test("tidy: nothing is exported by default", () => {
  none(files.filter(({ text }) => /^export default/m.test(text)).map(({ path }) => path))
})

test("tidy: every file says at its top what it is", () => {
  none(sources.filter(({ text }) => !/^(#![^\n]*\n)?\/\*\*/.test(text)).map(({ path }) => path))
})

test("tidy: no test is skipped, left for later or run alone", () => {
  const marker = /\b(test|it|describe|suite)\.(skip|todo|only)\b|\b(skip|todo|only): |\bt\.(skip|todo)\(/
  none(
    files
      .filter(({ path }) => path.endsWith(".test.ts") && path !== "engine/tidy.test.ts")
      .filter(({ text }) => marker.test(text))
      .map(({ path }) => path),
  )
})

test("tidy: nothing is left to do", () => {
  const left = new RegExp(["TO", "DO|FIX", "ME|X", "XX"].join(""))
  none(files.filter(({ text }) => left.test(text)).map(({ path }) => path))
})

test("tidy: every test file belongs to one tier that a script runs", () => {
  const scripts = (JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> })
    .scripts
  const tiers = ["test", "test:slow", "test:long"].map((name) => {
    const pattern = /"([^"]*)"/.exec(scripts[name] ?? "")?.[1] ?? ""
    return globSync(pattern)
  })
  const all = files.map(({ path }) => path).filter((path) => path.endsWith(".test.ts"))
  none(all.filter((path) => tiers.filter((tier) => tier.includes(path)).length !== 1))
})

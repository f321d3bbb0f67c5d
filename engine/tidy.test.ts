/**
 * The house rules that a machine can hold: imports run downwards only and in no circle, pure folders stay
 * pure, the command line and the benchmarks use one door, files stay small, and no test is skipped. Function
 * sizes, default exports and parameters are oxlint's; .oxlintrc.json is the one place that says the limits.
 */
import assert from "node:assert/strict"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"

const PURE = ["format", "crypto", "chunks"]

/**
 * The floors of the engine, the lowest first: a room imports from lower floors alone, never from a neighbour.
 */
const FLOORS: readonly (readonly string[])[] = [
  ["base"],
  ["format", "chunks", "system", "secrets"],
  ["crypto", "store", "chunk-index", "home", "listing", "source", "target"],
  ["packs", "log"],
  ["trust"],
  ["session"],
  ["backup", "restore", "maintain", "queries"],
  ["index.ts"],
]

/** The floors of the command line, likewise. */
const CLI_FLOORS: readonly (readonly string[])[] = [
  ["output"],
  ["verbs"],
  ["secrets"],
  ["bridge"],
  ["commands"],
  ["program"],
  ["main.ts"],
]

/** The rooms of `cli/bridge/`; a loose file is a room of its own. */
const BRIDGE_FLOORS: readonly (readonly string[])[] = [
  ["results.ts", "problem.ts"],
  ["schemas.ts", "tools"],
  ["setup.ts"],
  ["config"],
  ["run"],
  ["recover"],
  ["agent.ts"],
  ["mcp", "hosts", "schedule", "openclaw"],
  ["door.ts"],
]

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
/** The room of a file in `engine/`; a loose file is a room of its own. */
const folderOf = (path: string, house = "engine"): string =>
  path.startsWith(`${house}/`) ? (path.slice(house.length + 1).split("/")[0] ?? "") : ""
const floorOf = (room: string, floors = FLOORS): number => floors.findIndex((floor) => floor.includes(room))

/** Lists what breaks a rule; the message of a failure is that list. */
function none(broken: readonly string[]): void {
  assert.deepEqual(broken, [])
}

test("tidy: there are files to look at", () => {
  assert.ok(files.length > 100, `found only ${files.length} files`)
})

test("tidy: every room has its floor", () => {
  const rooms = (house: string): string[] => [...new Set(sources.map(({ path }) => folderOf(path, house)))]
  none(rooms("engine").filter((room) => room !== "" && floorOf(room) < 0))
  const tools = ["", "demo", "testing"]
  none(rooms("cli").filter((room) => !tools.includes(room) && floorOf(room, CLI_FLOORS) < 0))
  none(rooms("cli/bridge").filter((room) => room !== "" && floorOf(room, BRIDGE_FLOORS) < 0))
})

function upwards(house: string, floors: readonly (readonly string[])[]): string[] {
  return sources.flatMap(({ path, imports }) => {
    const from = folderOf(path, house)
    if (floorOf(from, floors) < 0) return []
    return imports
      .map((target) => ({ target, room: folderOf(target, house) }))
      .filter(({ room }) => room !== "" && room !== from)
      .filter(({ room }) => floorOf(room, floors) < 0 || floorOf(room, floors) >= floorOf(from, floors))
      .map(({ target }) => `${path} imports ${target}`)
  })
}

test("tidy: imports run downwards only", (context) => {
  none([...upwards("engine", FLOORS), ...upwards("cli", CLI_FLOORS), ...upwards("cli/bridge", BRIDGE_FLOORS)])
  for (const room of FLOORS.flat()) {
    const imported = sources
      .filter(({ path }) => folderOf(path) === room)
      .flatMap(({ imports }) => imports.map((target) => folderOf(target)))
    const others = [...new Set(imported)].filter((other) => other !== room && other !== "")
    if (others.length > 0)
      context.diagnostic(`${room} imports ${others.toSorted((a, b) => floorOf(a) - floorOf(b)).join(", ")}`)
  }
})

/**
 * Ways of imports that lead back to a file on them. A depth-first search finds one in every group of circles.
 */
function circles(): string[] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]))
  const seen = new Set<string>()
  const found: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path)
    if (start >= 0) found.push([...way.slice(start), path].join(" imports "))
    if (seen.has(path)) return
    seen.add(path)
    for (const target of importsOf.get(path) ?? []) visit(target, [...way, path])
  }
  for (const path of importsOf.keys()) visit(path, [])
  return found
}

test("tidy: imports form no circle, not even those of types", () => {
  none(circles())
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

/** Used before the engine is loaded, or without it. */
const WITHOUT_ENGINE = ["cli/program/compiled-start.ts imports engine/home/home.ts"]
const SHOWN: readonly string[] = ["show", "errno", "ports", "version"].map((name) => `engine/base/${name}.ts`)

test("tidy: the command line and the benchmarks import only engine/index.ts", () => {
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

test("tidy: only engine/session/session.ts changes a session", () => {
  // The types say so too, but not against a cast.
  const change =
    /\bsession\.\w+(\.(push|pop|shift|unshift|splice|sort|reverse|fill)\b|\s*(\?\?|\|\||&&|[-+])?=(?![=>]))|\bassign\([^,]*session\b|\bas Mutable\b/
  none(
    files
      .filter(({ path }) => path !== "engine/session/session.ts" && path !== "engine/tidy.test.ts")
      .flatMap(({ path, text }) => {
        const found = change.exec(text)
        return found === null ? [] : [`${path}: ${found[0]}`]
      }),
  )
})

test("tidy: pure folders touch no disk, clock or randomness", () => {
  const impure =
    /"node:(fs|os|child_process|worker_threads|net)|Date\.now|new Date\(\)|performance\.now|randomBytes|Math\.random/
  none(
    sources
      .filter(({ path }) => PURE.includes(folderOf(path)))
      .filter(({ path }) => !LOADS_ONCE.includes(path))
      .flatMap(({ path, text }) => {
        const found = impure.exec(text)
        return found === null ? [] : [`${path} uses ${found[0]}`]
      }),
  )
})

test("tidy: the S3 library is named only in engine/store, and loaded only when needed", () => {
  const engine = sources.filter(({ path }) => path.startsWith("engine/"))
  const isS3 = (path: string): boolean => path.startsWith("engine/store/s3/")
  none(engine.filter(({ path, text }) => text.includes('"@aws-sdk') && !isS3(path)).map(({ path }) => path))
  const eager = /^(import|export) (?!type)[^"]*"[^"]*\/s3-store\.ts"/m
  none(engine.filter(({ path, text }) => eager.test(text) && !isS3(path)).map(({ path }) => path))
})

type Rules = Readonly<Record<string, readonly [string, { readonly max: number }]>>
const lint = JSON.parse(readFileSync(".oxlintrc.json", "utf8")) as {
  readonly rules: Rules
  readonly overrides: readonly { readonly rules: Rules }[]
}
const maxOf = (rules: Rules | undefined, rule: string): number => rules?.[rule]?.[1].max ?? 0
const LINES_MAX = maxOf(lint.rules, "max-lines")
const TEST_LINES_MAX = maxOf(lint.overrides[0]?.rules, "max-lines")

test("tidy: CONTRIBUTING.md states the limits that oxlint enforces", () => {
  const functionMax = maxOf(lint.rules, "max-lines-per-function")
  const parametersMax = maxOf(lint.rules, "max-params")
  const said = `at most ${LINES_MAX} lines (tests ${TEST_LINES_MAX}), a function ${functionMax}, a function's list of parameters ${parametersMax}.`
  assert.ok(readFileSync("CONTRIBUTING.md", "utf8").includes(said), said)
})

test("tidy: no source is longer than 350 lines, no test file longer than 450", () => {
  const lengths = files.map((file) => ({ ...file, lines: file.text.split("\n").length - 1 }))
  const long = lengths.filter((file) => file.lines > (isTest(file) ? TEST_LINES_MAX : LINES_MAX))
  none(long.map(({ path, lines }) => `${path} has ${lines} lines`))
})

test("tidy: nothing is exported by default", () => {
  none(files.filter(({ text }) => /^export default/m.test(text)).map(({ path }) => path))
})

test("tidy: every file starts with a comment that says what it is", () => {
  none(sources.filter(({ text }) => !/^(#![^\n]*\n)?\/\*\*/.test(text)).map(({ path }) => path))
})

test("tidy: no test is skipped, marked as to do, or run alone", () => {
  const marker = /\b(test|it|describe|suite)\.(skip|todo|only)\b|\b(skip|todo|only): |\bt\.(skip|todo)\(/
  none(
    files
      .filter(({ path }) => path.endsWith(".test.ts") && path !== "engine/tidy.test.ts")
      .filter(({ text }) => marker.test(text))
      .map(({ path }) => path),
  )
})

test("tidy: every test is made by test()", () => {
  const other = /^import \{[^}]*\b(it|suite)\b[^}]*\} from "node:test"/m
  none(files.filter(({ text }) => other.test(text)).map(({ path }) => path))
})

test("tidy: nothing is marked as to do", () => {
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

test("tidy: engine/README.md is one page that names every room, and every file it names exists", () => {
  const text = readFileSync("engine/README.md", "utf8")
  const named = [...text.matchAll(/`([\w./-]+)`/g)].map(([, name = ""]) => name)
  const paths = named.filter((name) => name.includes("/") || name.endsWith(".ts"))
  assert.ok(paths.length > 30, `found only ${paths.length} paths`)
  assert.ok(text.trimEnd().split("\n").length <= 60, "more than 60 lines")
  none(paths.filter((path) => !existsSync(join("engine", path))))
  none(FLOORS.flat().filter((room) => !named.includes(room) && !named.includes(`${room}/`)))
})

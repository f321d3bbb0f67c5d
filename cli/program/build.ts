/**
 * The build: esbuild bundles the command line and the workers into dist/, in well under a second. `npm ci` runs it
 * through `prepare`. Types are checked elsewhere.
 *
 * Each program is one file of CommonJS with its JavaScript packages inside, which Node loads 20 ms faster than many
 * modules: the code of an unused verb is only read. Packages with native parts, and large ones that are rarely used
 * (S3), are loaded from node_modules when needed. A concurrent run keeps its open file: equal files are left alone,
 * others are replaced by a rename.
 */
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { dirname, relative, resolve } from "node:path"
import { build as bundle, type BuildOptions, type Plugin } from "esbuild"
import { keptCode } from "./compiled-program.ts"
import { bundleVendors, VENDOR_IMPORTS, vendorApart } from "./vendor.ts"

const MAIN = "cli/main.ts"
const PROGRAMS = [
  "cli/program/start.ts",
  ...globSync("engine/**/*-worker.ts", { exclude: ["**/testing/**"] }).toSorted(),
]
/** What other programs import: `holdfast/engine` and `holdfast/bridge` (package.json). */
const ENGINE_DOOR = "engine/index.ts"
const BRIDGE_DOOR = "cli/bridge/door.ts"
const NATIVE_OR_LARGE = ["@aws-sdk/*", "@smithy/*", "@node-rs/argon2", "koffi", "string-width", "zstd-napi"]

/** better-sqlite3 looks for its native part from its own folder. */
const sqliteFolder: Plugin = {
  name: "sqlite-folder",
  setup: (build) =>
    build.onLoad({ filter: /better-sqlite3\/lib\/binding\.js$/ }, ({ path }) => ({
      contents: `const __dirname = require("node:path").dirname(require("node:module").createRequire(importMetaUrl).resolve("better-sqlite3"))
        ${readFileSync(path, "utf8")}`,
    })),
}

/** Parts of Node that most runs don't need, and that take a millisecond or more each: loaded at their first use. */
const LATE_BUILTINS = [
  "child_process",
  "readline",
  "stream",
  "stream/promises",
  "tty",
  "v8",
  "worker_threads",
  "zlib",
].map((name) => `node:${name}`)

/**
 * esbuild copies imported names one by one into each module, 1.5 ms for Node's own parts. It copies only own
 * properties; here all are on a prototype, so nothing is copied.
 */
const builtins: Plugin = {
  name: "builtins",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) =>
      typeof process.getBuiltinModule(path) === "object" ? { path, namespace: "builtin" } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const load = `process.getBuiltinModule("${path}")`
      if (!LATE_BUILTINS.includes(path)) return { contents: `module.exports = Object.create(${load})` }
      const names = JSON.stringify(Object.keys(process.getBuiltinModule(path) ?? {}))
      const getter = `Object.defineProperty(late, name, { get: () => ${load}[name] })`
      return {
        contents: `const late = {}; for (const name of ${names}) ${getter}
          module.exports = Object.create(late)`,
      }
    })
  },
}

/** The bridge's door uses the engine's: who imports both has each class of errors once. */
const engineApart: Plugin = {
  name: "engine-apart",
  setup(build) {
    build.onResolve({ filter: /engine\/index\.ts$/ }, () => ({ path: "engine", namespace: "engine" }))
    build.onResolve({ filter: /^#engine$/ }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /.*/, namespace: "engine" }, () => ({
      contents: `module.exports = Object.create(require("#engine"))`,
    }))
  },
}

/** The main program's own file is small: an older Node must be able to read all of it. */
const startApart: Plugin = {
  name: "start-apart",
  setup: (build) =>
    build.onResolve({ filter: /^\.\/program\/start\.ts$/ }, () => ({
      path: resolve("cli/program/compiled-start.ts"),
    })),
}

const COMMON: BuildOptions = {
  outdir: "dist",
  outbase: ".",
  format: "cjs",
  platform: "node",
  target: "node22",
  supported: { "dynamic-import": false }, // a compiled program has none
  // the same without code made at run time, which no value of ours needs, and scans of packages report
  alias: { "msgpackr/pack": "msgpackr/index-no-eval" },
  minifySyntax: true,
  minifyWhitespace: true, // names stay, for stack traces
  legalComments: "none",
  logLevel: "warning",
}
const PROGRAM: BuildOptions = {
  ...COMMON,
  bundle: true,
  external: NATIVE_OR_LARGE,
  define: { "import.meta.url": "importMetaUrl" },
  banner: { js: `const importMetaUrl = require("node:url").pathToFileURL(__filename).href` },
}
const programs = await bundle({
  ...PROGRAM,
  entryPoints: [...PROGRAMS, ENGINE_DOOR],
  plugins: [sqliteFolder, builtins, vendorApart()],
  metafile: true,
  write: false,
})
const bridge = await bundle({
  ...PROGRAM,
  entryPoints: [BRIDGE_DOOR],
  plugins: [engineApart, sqliteFolder, builtins, vendorApart()],
  write: false,
})
const vendors = await bundleVendors(COMMON)
const main = await bundle({
  ...COMMON,
  entryPoints: [MAIN],
  bundle: true,
  plugins: [startApart],
  target: "node14",
  define: { "import.meta.dirname": "__dirname" },
  write: false,
})
const manifest = {
  path: resolve("dist/package.json"),
  contents: Buffer.from(
    `${JSON.stringify({ type: "commonjs", imports: { ...VENDOR_IMPORTS, "#engine": "./engine/index.js" } })}\n`,
  ),
}

/** The bundled packages are copies; their licenses allow that if the license texts are included. */
const inside = [...Object.keys(programs.metafile.inputs), ...vendors.inputs].flatMap(
  (input) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [],
)
const texts = [...new Set(inside)].toSorted().map((folder) => {
  const [file] = globSync(`${folder}/{LICEN[CS]E,licen[cs]e}*`)
  if (file === undefined) throw new Error(`${folder} has no license file`)
  return `${folder.replace("node_modules/", "")}\n\n${readFileSync(file, "utf8")}`
})
const licenses = { path: resolve("dist/licenses.txt"), contents: Buffer.from(texts.join("\n\n")) }

/** Copied as it is; hosts/plugin-folder.ts finds it there. */
const skill = globSync("cli/bridge/hosts/skill/**/*.md").map((path) => ({
  path: resolve("dist", path),
  contents: readFileSync(path),
}))

const built = [
  manifest,
  licenses,
  ...skill,
  ...programs.outputFiles,
  ...bridge.outputFiles,
  ...vendors.files,
  ...main.outputFiles,
]
for (const { path, contents } of built) {
  if (existsSync(path) && readFileSync(path).equals(contents)) continue
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, contents)
  renameSync(`${path}.${process.pid}`, path)
}
chmodSync("dist/cli/main.js", 0o755)

const kept = new Set([...built.map(({ path }) => relative(".", path)), keptCode("dist/cli/program", "start")])
for (const path of globSync("dist/**/*.{js,code}"))
  if (!kept.has(path)) rmSync(resolve(path), { force: true })

const keeping = spawnSync(process.execPath, ["cli/program/keep-code.ts"], { encoding: "utf8" })
if (keeping.status !== 0)
  console.warn(`the compiled code was not saved; each start takes longer:\n${keeping.stderr}`)

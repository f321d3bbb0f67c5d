/**
 * Makes the plugin's archive: `node cli/bridge/openclaw/pack.ts FOLDER` writes FOLDER/session-sync-cloud/, the
 * installable folder, and FOLDER/session-sync-cloud-VERSION.tgz, which `openclaw plugins install npm-pack:` takes.
 *
 * The archive carries the whole `holdfast` package as a bundled dependency, so an install never asks a registry for
 * that name, which anybody could register. Its version is a `file:` tarball: an installer that ignores bundles fails
 * instead of asking a registry. npm installs nothing for a bundled package, so the plugin names the packages that
 * `holdfast` needs itself, each with the exact version of the project's own package.json.
 */
import { execFileSync } from "node:child_process"
import {
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createRequire, stripTypeScriptTypes } from "node:module"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { format } from "prettier"
import type { ToolName } from "../results.ts"

const ROOT = resolve(import.meta.dirname, "../../..")
const SOURCES = join(import.meta.dirname, "plugin")
const SKILL = join(import.meta.dirname, "../hosts/skill/session-sync-cloud")

/** Those that are not inside the built files. zstd-napi needs an install script; Node's own zstd takes its place. */
const NEEDED = ["@aws-sdk/client-s3", "@node-rs/argon2", "better-sqlite3", "fastcdc-wasm"]
const HELPFUL = ["koffi"]

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

export interface PackedPlugin {
  readonly folder: string
  readonly archive: string
}

/** The program must be built. @param out absolute; the folder `session-sync-cloud` in it is replaced */
export async function packPlugin(out: string): Promise<PackedPlugin> {
  const folder = join(out, "session-sync-cloud")
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const holdfast = readJson<Manifest>(join(ROOT, "package.json"))
  await writeSources(folder)
  writeTools(folder)
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"))
  cpSync(SKILL, join(folder, "skills", basename(SKILL)), { recursive: true })
  const tarball = carry(holdfast, folder)
  const pick = (names: readonly string[], from: Manifest["dependencies"]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, from[name] ?? missing(name)]))
  writeJson(join(folder, "package.json"), {
    ...readJson<object>(join(SOURCES, "package.json")),
    version: holdfast.version,
    dependencies: { holdfast: `file:${tarball}`, ...pick(NEEDED, holdfast.dependencies) },
    optionalDependencies: pick(HELPFUL, holdfast.optionalDependencies),
  })
  return { folder, archive: npmPack(folder, out) }
}

/** Types are taken away and nothing else: what is shipped reads like the source. */
async function writeSources(folder: string): Promise<void> {
  const style = readJson<object>(join(ROOT, ".prettierrc.json"))
  for (const path of globSync("*.ts", { cwd: SOURCES, exclude: ["*.d.ts", "host-api.ts"] })) {
    const plain = stripTypeScriptTypes(readFileSync(join(SOURCES, path), "utf8"))
    const linked = plain.replace(/(from "\.\/[^"]+)\.ts"/g, '$1.js"')
    const code = await format(linked, { ...style, parser: "babel" })
    writeFileSync(join(folder, path.replace(/\.ts$/, ".js")), code)
  }
  for (const name of ["openclaw.plugin.json", "README.md", "assets"])
    cpSync(join(SOURCES, name), join(folder, name), { recursive: true })
}

/** The texts and schemas of the tools, so that the host can register them without loading the bridge. */
function writeTools(folder: string): void {
  const { TOOLS, EXTRA_TOOLS, toolJsonSchemas } = createRequire(import.meta.url)(
    join(ROOT, "dist/cli/bridge/door.js"),
  ) as typeof import("holdfast/bridge")
  const names = Object.keys(TOOLS) as ToolName[]
  const tools = names.map((name) => {
    const { input, output } = toolJsonSchemas(name)
    const { title, description } = TOOLS[name]
    return {
      name,
      label: title,
      description,
      parameters: input,
      outputSchema: output,
      isExtra: EXTRA_TOOLS.includes(name),
    }
  })
  writeJson(join(folder, "tools.json"), tools)
}

/** @returns the name of the tarball whose files are bundled */
function carry(holdfast: Manifest, folder: string): string {
  const work = mkdtempSync(join(tmpdir(), "holdfast-plugin-"))
  try {
    const tarball = npmPack(ROOT, work)
    execFileSync("tar", ["xzf", tarball, "-C", work])
    const inside = join(folder, "node_modules", holdfast.name)
    mkdirSync(join(folder, "node_modules"), { recursive: true })
    cpSync(join(work, "package"), inside, { recursive: true })
    // compiled code of this machine's Node
    for (const path of globSync("**/*.code", { cwd: inside })) rmSync(join(inside, path))
    const manifest = readJson<Record<string, unknown>>(join(inside, "package.json"))
    for (const name of ["scripts", "devDependencies", "allowScripts", "dependencies", "optionalDependencies"])
      Reflect.deleteProperty(manifest, name)
    writeJson(join(inside, "package.json"), manifest)
    return basename(tarball)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @returns the archive's path */
function npmPack(folder: string, out: string): string {
  const words = ["pack", "--ignore-scripts", "--json", "--pack-destination", out]
  const [packed] = JSON.parse(
    execFileSync("npm", words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }),
  ) as { readonly filename: string }[]
  if (packed === undefined) throw new Error(`npm packed nothing of ${folder}`)
  return join(out, basename(packed.filename))
}

function missing(name: string): never {
  throw new Error(`package.json does not pin ${name}`)
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}

if (process.argv[1] === import.meta.filename) {
  const [out] = process.argv.slice(2)
  if (out === undefined) throw new Error("usage: node cli/bridge/openclaw/pack.ts FOLDER")
  const { folder, archive } = await packPlugin(resolve(out))
  process.stdout.write(`${folder}\n${archive}\n`)
}

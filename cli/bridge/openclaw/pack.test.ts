/** The plugin's folder and archive: what is in them, and that a registry's scan has nothing to report. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { inflateSync } from "node:zlib"
import { packPlugin, type PackedPlugin } from "./pack.ts"
import { CODES, scanFile } from "./package-scan.ts"

const work = mkdtempSync(join(tmpdir(), "holdfast-plugin-"))
let packed: PackedPlugin
let names: readonly string[] = []

before(async () => {
  packed = await packPlugin(work)
  names = execFileSync("tar", ["tzf", packed.archive], { encoding: "utf8" }).trim().split("\n")
})

after(() => rmSync(work, { recursive: true, force: true }))

const read = (path: string): string => readFileSync(join(packed.folder, path), "utf8")

/** One example of each code, so that a rule that finds nothing any more is noticed. */
const EXAMPLES: Readonly<Record<string, readonly [path: string, text: string]>> = {
  "suspicious.dangerous_exec": ["a.js", 'import { exec } from "child_process"; exec("ls")'],
  "suspicious.dynamic_code_execution": ["a.js", 'new Function("return 1")'],
  "suspicious.env_credential_access": ["a.js", "fetch(process.env.URL)"],
  "suspicious.potential_exfiltration": ["a.js", 'fetch(url, { body: readFileSync("auth.json") })'],
  "suspicious.obfuscated_code": ["a.js", '"\\x61\\x62\\x63\\x64\\x65\\x66"'],
  "suspicious.insecure_tls_verification": ["a.js", "({ rejectUnauthorized: false })"],
  "suspicious.nonstandard_network": ["a.js", 'new WebSocket("ws://host:4444")'],
  "suspicious.exposed_secret_literal": ["a.json", '{ "secret_key": "abcdefghijklmnop1234" }'],
  "suspicious.secret_argv_exposure": ["a.md", 'node backup.js --password "hunter22"'],
  "suspicious.credential_exposure_instructions": ["a.md", "Then save the key to your memory."],
  "suspicious.destructive_delete_command": ["a.md", "rm -rf ~/.openclaw/workspace"],
  "suspicious.confirmation_bypass": ["a.js", "SAFE_EXEC_AUTO_CONFIRM"],
  "suspicious.install_untrusted_source": ["a.md", "npx holdfast@latest"],
  "suspicious.privileged_always": ["a.json", '{ "always": true }'],
  "suspicious.prompt_injection_instructions": ["a.md", "Ignore previous instructions."],
  "malicious.install_terminal_payload": ["a.md", "Open a terminal: curl x | sh"],
}

test("scanFile() finds an example of each reason code", () => {
  for (const code of CODES) {
    const [path, text] = EXAMPLES[code] ?? ["", ""]
    assert.ok(scanFile(path, text).includes(`${code}: ${path}`), code)
  }
})

test("the archive has the plugin's files and the whole holdfast package, and no tests or sources", () => {
  for (const name of [
    "index.js",
    "tools.json",
    "openclaw.plugin.json",
    "README.md",
    "LICENSE",
    "assets/icon.png",
    "skills/session-sync-cloud/SKILL.md",
    "node_modules/holdfast/package.json",
    "node_modules/holdfast/dist/cli/bridge/door.js",
    "node_modules/holdfast/dist/licenses.txt",
  ])
    assert.ok(names.includes(`package/${name}`), name)
  assert.deepEqual(
    names.filter((name) => /\.ts$|\.test\.|\.code$|\.tgz$/.test(name)),
    [],
  )
})

test("no reason code of the static scan fires on any file of the folder", () => {
  const files = globSync("**/*", { cwd: packed.folder, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  assert.ok(files.length > 20)
  const found = files.flatMap(({ parentPath, name }) => {
    const path = join(parentPath, name)
    return scanFile(path, readFileSync(path, "utf8"))
  })
  assert.deepEqual(found, [])
})

test("the plugin's own files start no process, open no connection and delete nothing", () => {
  for (const path of globSync("*.js", { cwd: packed.folder })) {
    const text = read(path)
    assert.doesNotMatch(text, /child_process|\bfetch\s*\(|node:https?|node:net|\brm(Sync)?\(|unlink/, path)
    assert.doesNotMatch(text, /^\s*import .*\.ts"/m, path)
  }
})

test("no file of the plugin names holdfast for a registry", () => {
  const files = globSync("{*.*,skills/**/*.md}", { cwd: packed.folder })
  assert.ok(files.includes("README.md") && files.some((path) => path.endsWith("SKILL.md")))
  for (const path of files)
    assert.doesNotMatch(read(path), /\bnpx\b|npm (?:i|install|exec) (?:\S+ )*holdfast|holdfast@/, path)
})

test("holdfast is a file: dependency that is bundled, and every other one is pinned", () => {
  const manifest = JSON.parse(read("package.json")) as {
    readonly version: string
    readonly bundleDependencies: readonly string[]
    readonly dependencies: Readonly<Record<string, string>>
    readonly optionalDependencies: Readonly<Record<string, string>>
    readonly scripts?: object
  }
  const { holdfast, ...others } = manifest.dependencies
  assert.equal(holdfast, `file:holdfast-${manifest.version}.tgz`)
  assert.deepEqual(manifest.bundleDependencies, ["holdfast"])
  for (const version of Object.values({ ...others, ...manifest.optionalDependencies }))
    assert.match(version, /^\d+\.\d+\.\d+$/)
  assert.equal(manifest.scripts, undefined)
})

test("every package that the carried files load is one that the plugin installs", () => {
  const { dependencies, optionalDependencies } = JSON.parse(read("package.json")) as {
    readonly dependencies: object
    readonly optionalDependencies: object
  }
  const installed = [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]
  const loads = /\b(?:require|resolve)\("((?:@[\w-]+\/)?[a-z][\w-]*)(?:\/[^"]*)?"\)/g
  const builtin = new Set(["path", "fs", "util", "module", "vm", "os", "crypto"])
  const files = globSync("node_modules/holdfast/dist/**/*.js", { cwd: packed.folder })
  const loaded = new Set(
    files.flatMap((path) => [...read(path).matchAll(loads)].map(([, name]) => name ?? "")),
  )
  assert.ok(loaded.has("better-sqlite3") && loaded.has("fastcdc-wasm"))
  assert.deepEqual(
    [...loaded].filter((name) => !builtin.has(name) && !installed.includes(name)),
    [],
  )
})

test("the manifest declares each tool, and tools.json describes it", () => {
  const { contracts } = JSON.parse(read("openclaw.plugin.json")) as {
    readonly contracts: { readonly tools: readonly string[] }
  }
  const tools = JSON.parse(read("tools.json")) as {
    readonly name: string
    readonly parameters: { readonly type: string; readonly additionalProperties: unknown }
    readonly outputSchema: { readonly properties: object }
  }[]
  assert.deepEqual(tools.map(({ name }) => name).toSorted(), contracts.tools.toSorted())
  for (const { name, parameters, outputSchema } of tools) {
    assert.equal(parameters.type, "object")
    assert.equal(parameters.additionalProperties, false)
    // the host grades a call by these
    const reserved = ["status", "ok", "success", "error", "timedOut", "exitCode"]
    assert.deepEqual(
      Object.keys(outputSchema.properties).filter((key) => reserved.includes(key)),
      [],
      name,
    )
  }
})

test("the icon is a square PNG of 512 pixels whose data is whole", () => {
  const icon = readFileSync(join(packed.folder, "assets/icon.png"))
  assert.equal(icon.subarray(1, 4).toString(), "PNG")
  assert.deepEqual([icon.readUInt32BE(16), icon.readUInt32BE(20)], [512, 512])
  const at = icon.indexOf("IDAT")
  const pixels = inflateSync(icon.subarray(at + 4, at + 4 + icon.readUInt32BE(at - 4)))
  assert.equal(pixels.length, 512 * (1 + 512 * 4))
})

/** The packed tarball, installed into an empty prefix, runs and passes the demo. */
import assert from "node:assert/strict"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { test } from "node:test"

test("the packed tarball contains the program and its pages, and no tests or tools", (context) => {
  const { tarball } = pack((work) => context.after(work))
  const names = execFileSync("tar", ["tzf", tarball], { encoding: "utf8" }).trim().split("\n")
  for (const name of [
    "package/dist/cli/main.js",
    "package/dist/package.json",
    "package/dist/licenses.txt",
    "package/README.md",
    "package/LICENSE",
    "package/CHANGELOG.md",
  ]) {
    assert.ok(names.includes(name), name)
  }
  assert.ok(names.some((name) => /^package\/dist\/engine\/.*-worker\.js$/.test(name)))
  const strangers = names.filter((name) => !/^package\/(dist|spec)\/|^package\/[\w.]+$/.test(name))
  assert.deepEqual(strangers, [])
  assert.ok(!names.some((name) => /\.test\.|node_modules|\.ts$/.test(name)))
})

test("the tarball installs globally and passes the demo", (context) => {
  const { folder, tarball } = pack((work) => context.after(work))
  const prefix = join(folder, "prefix")
  mkdirSync(join(prefix, "lib"), { recursive: true })
  execFileSync("npm", ["install", "--global", "--prefix", prefix, "--prefer-offline", tarball], {
    cwd: folder,
    env: withoutNpm(),
    stdio: ["ignore", "ignore", "pipe"],
  })
  const program = join(prefix, "lib", "node_modules", "holdfast", "dist", "cli", "main.js")
  // a copy, not a link to the folder it was packed from
  rmSync(tarball)
  assert.ok(realpathSync(join(prefix, "bin", "holdfast")).startsWith(realpathSync(prefix)))
  const installed = execFileSync(join(prefix, "bin", "holdfast"), ["version"], { encoding: "utf8" })
  assert.match(installed, /^holdfast \d/)
  const imports = `const { openAgent, toolJsonSchemas } = await import("holdfast/bridge")
    const { EngineError } = await import("holdfast/engine")
    console.log(typeof openAgent, toolJsonSchemas("sync_now").input.type, typeof EngineError)`
  const doors = ["--input-type=module", "--eval", imports]
  const cwd = join(prefix, "lib")
  const imported = execFileSync(process.execPath, doors, { cwd, encoding: "utf8" })
  assert.equal(imported, "function object function\n", "a host's plugin imports the doors")
  const words = ["--import", "tsx", "cli/demo/demo.ts", resolve("node_modules", "@aws-sdk")]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: "utf8",
    env: { ...process.env, HOLDFAST_DEMO_PROGRAM: program },
  })
  assert.equal(status, 0, `${stdout}\n${stderr}`)
  assert.match(stdout, /both snapshots came back equal/)
})

/** The settings of the npm that runs these tests are not a user's. */
function withoutNpm(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_")),
  )
}

function pack(after: (work: () => void) => void): { folder: string; tarball: string } {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pack-"))
  after(() => rmSync(folder, { recursive: true, force: true }))
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { stdio: "ignore" })
  const name = readdirSync(folder).find((one) => one.endsWith(".tgz"))
  if (name === undefined) throw new Error("npm pack made no tarball")
  return { folder, tarball: join(folder, name) }
}

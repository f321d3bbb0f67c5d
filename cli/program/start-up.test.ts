/** Loaded modules: a program that runs every 15 minutes must start fast. */
import assert from "node:assert/strict"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type Sandbox } from "../testing/run-cli.ts"

/** The URLs of all modules that a run loads. */
function loaded(box: Sandbox, ...words: string[]): string {
  const log = box.path("loaded")
  writeFileSync(log, "")
  writeFileSync(
    box.path("hook.mjs"),
    `import { registerHooks } from "node:module"
     import { appendFileSync } from "node:fs"
     registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + "\\n"); return next(url, context) } })`,
  )
  const environment = {
    NODE_OPTIONS: `--import ${box.path("hook.mjs")}`,
    HOLDFAST_REPOSITORY: box.repository,
    HOLDFAST_KEY_FILE: box.keyFile,
    HOLDFAST_HOME: box.path("home"),
  }
  const { code, err } = box.runWith(environment, words)
  assert.equal(code, 0, err)
  return readFileSync(log, "utf8")
}

test("holdfast version loads neither the argument parser nor the engine", (context) => {
  const modules = loaded(sandbox(context), "version")
  assert.match(modules, /main\.js/)
  assert.doesNotMatch(modules, /node_modules/)
})

test("holdfast help loads no part of the engine", (context) => {
  assert.doesNotMatch(loaded(sandbox(context), "help"), /\.node$/m)
})

/** The parts of Node that a run has loaded at its end. */
function parts(box: Sandbox, ...words: string[]): string[] {
  const log = box.path("parts")
  writeFileSync(
    box.path("parts.cjs"),
    `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(log)}, process.moduleLoadList.join("\\n")))`,
  )
  const environment = {
    NODE_OPTIONS: `--require ${box.path("parts.cjs")}`,
    HOLDFAST_REPOSITORY: box.repository,
    HOLDFAST_KEY_FILE: box.keyFile,
    HOLDFAST_HOME: box.path("home"),
  }
  const { code, err } = box.runWith(environment, words)
  assert.equal(code, 0, err)
  return readFileSync(log, "utf8").split("\n")
}

/** Each takes a millisecond or more to load. */
const SELDOM_NEEDED =
  /^NativeModule (perf_hooks|child_process|readline|tty|v8|worker_threads|zlib|http|crypto\/webcrypto)$/

test("a run without change and a list of snapshots load no part of Node that they can do without", (context) => {
  const box = sandbox(context)
  for (const words of [["init"], ["backup", "key"], ["backup", "key"], ["snapshots"]]) {
    const loadedParts = parts(box, ...words)
    assert.ok(loadedParts.includes("NativeModule fs"), words.join(" "))
    if (words[0] !== "init")
      assert.deepEqual(
        loadedParts.filter((part) => SELDOM_NEEDED.test(part)),
        [],
        words.join(" "),
      )
  }
})

test("a list of plain text loads no library that measures other text", (context) => {
  const box = sandbox(context)
  loaded(box, "init")
  loaded(box, "backup", "key")
  assert.doesNotMatch(loaded(box, "snapshots"), /string-width/)
  assert.match(loaded(box, "backup", "key", "--tag", "日記", "--force-snapshot"), /main\.js/)
  assert.match(loaded(box, "snapshots"), /string-width/)
})

test("a local repository loads no S3 library", (context) => {
  const box = sandbox(context)
  assert.doesNotMatch(loaded(box, "init"), /aws-sdk|smithy/)
  assert.doesNotMatch(loaded(box, "backup", "key"), /aws-sdk|smithy/)
})

test("an agent's configuration is parsed once after a change, and never as it was approved", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("workspace"))
  writeFileSync(box.path("workspace", "MEMORY.md"), "# Memory\n")
  const words = ["--workspace", box.path("workspace")]
  box.must("agent", "init", "--yes", ...words)
  box.must("agent", "sync", ...words)
  const status = (): string => loaded(box, "agent", "status", ...words)
  assert.doesNotMatch(status(), /zod|jsonc/)
  const file = box.path("workspace", "session-sync-config.json")
  writeFileSync(file, readFileSync(file, "utf8").replace('"retention_days": 30', '"retention_days": 60'))
  assert.match(status(), /zod/)
  assert.doesNotMatch(status(), /zod|jsonc/)
  assert.match(box.must("agent", "status", ...words).out, /retention +60 days/)
})

test("verbs that are not an agent's load no library of the agents, and only holdfast mcp loads its protocol", (context) => {
  const box = sandbox(context)
  const libraries = (...words: string[]): string[] =>
    [...loaded(box, ...words).matchAll(/\/dist\/vendor\/(\w+)\.js/g)].map(([, name = ""]) => name)
  for (const words of [["init"], ["backup", "key"], ["snapshots"], ["help", "agent", "init"]])
    assert.deepEqual(libraries(...words), [], words.join(" "))
  assert.deepEqual(libraries("mcp", "--workspace", box.folder).toSorted(), ["mcp", "zod"])
})

/** The engine's door: every function is documented where it is defined, and the examples there run. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { test } from "node:test"
import * as engine from "./index.ts"

const INDEX = resolve(import.meta.dirname, "index.ts")
const FUNCTIONS = Object.entries(engine).flatMap(([name, value]) =>
  typeof value === "function" && name !== "EngineError" ? [name] : [],
)
/** In this order they are one program. */
const EXAMPLES = [
  "openHome",
  "openStore",
  "createRepository",
  "openRepository",
  "backup",
  "snapshots",
  "findSnapshot",
  "diffSnapshots",
  "restore",
  "check",
  "status",
  "copy",
]

/** The docstring above each exported function, without its stars. */
function docstrings(): Map<string, string> {
  const found = new Map<string, string>()
  for (const [, names = "", file = ""] of readFileSync(INDEX, "utf8").matchAll(
    /^export \{([^}]*)\} from "([^"]+)"/gm,
  )) {
    const text = readFileSync(resolve(import.meta.dirname, file), "utf8")
    for (const name of names.split(",").map((each) => each.trim().replace(/^type /, ""))) {
      const defined = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\nexport (?:async )?function\\*? ${name}[<(]`)
      const doc = defined.exec(text)?.[1]
      if (doc !== undefined) found.set(name, doc.replace(/^ \* ?/gm, ""))
    }
  }
  return found
}

test("engine/index.ts: every function has a docstring; a verb's says what it throws", () => {
  const docs = docstrings()
  assert.deepEqual(
    FUNCTIONS.filter((name) => !docs.has(name)),
    [],
  )
  const mayFail = [
    "createRepository",
    "openRepository",
    "backup",
    "restore",
    "check",
    "copy",
    "findSnapshot",
    "dump",
  ]
  assert.deepEqual(
    mayFail.filter((name) => !(docs.get(name) ?? "").includes("@throws")),
    [],
  )
})

test("engine/index.ts: the examples of the docstrings run, one after the other", (context) => {
  const docs = docstrings()
  const examples = EXAMPLES.map((name) => {
    const [, example] = (docs.get(name) ?? "").split("@example\n")
    assert.ok(example !== undefined, `${name} has an example`)
    return example
  })
  const others = [...docs].filter(([name, doc]) => doc.includes("@example") && !EXAMPLES.includes(name))
  assert.deepEqual(
    others.map(([name]) => name),
    [],
  )
  const folder = mkdtempSync(join(tmpdir(), "holdfast-examples-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, "notes"))
  writeFileSync(join(folder, "notes", "a.md"), "a note\n")
  const program = `import { ${FUNCTIONS.join(", ")} } from ${JSON.stringify(INDEX)}\n${examples.join("\n")}`
    .replaceAll("/mnt/", `${folder}/mnt/`)
    .replaceAll("/tmp/restored", `${folder}/restored`)
  const file = join(folder, "examples.mts")
  writeFileSync(file, `${program}\nconsole.log(errors.length, damage.length, sources.length)\n`)
  const tsx = import.meta.resolve("tsx")
  const out = execFileSync(process.execPath, ["--import", tsx, file], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOLDFAST_HOME: join(folder, "home") },
  })
  assert.match(out, /^0 0 1$/m)
  assert.equal(readFileSync(join(folder, "restored", "a.md"), "utf8"), "a note\n")
})

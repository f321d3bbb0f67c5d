/**
 * `npm run demo`: backs up and restores real files. Backs up a copy of the project's own node_modules, changes the
 * copy, backs up again, restores both snapshots, and compares every byte, mode and time. Uses the built command
 * line like a user; exits 1 on any difference.
 */
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { differences, pictureOf, showDifferences, type Picture } from "../../fixtures/picture.ts"
import { table } from "../output/columns.ts"
import { changeTree, copyTree } from "./demo-change.ts"
import { showBytes, showDuration } from "../output/format.ts"

type Line = Readonly<Record<string, unknown>>

const program = process.env["HOLDFAST_DEMO_PROGRAM"] ?? "dist/cli/main.js"
const source = resolve(process.argv[2] ?? "node_modules")
const folder = mkdtempSync(join(tmpdir(), "holdfast-demo-"))
const repository = join(folder, "repository")
const copy = join(folder, "source")
const environment = {
  ...process.env,
  HOLDFAST_HOME: join(folder, "home"),
  HOLDFAST_KEY_FILE: join(folder, "key"),
  HOLDFAST_REPOSITORY: repository,
}

/** Runs the command line and returns its JSON lines. */
function holdfast(...words: string[]): Line[] {
  const result = spawnSync(process.execPath, [program, ...words, "--json"], {
    env: environment,
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    stdio: ["ignore", "pipe", "inherit"],
  })
  if (result.status !== 0)
    throw new Error(`holdfast ${words.join(" ")} ended with ${result.status ?? "a signal"}`)
  return result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line)
}

function timed<T>(what: string, work: () => T): T {
  const started = performance.now()
  const result = work()
  console.log(`${what.padEnd(58)} ${showDuration(performance.now() - started).padStart(9)}`)
  return result
}

function backup(what: string): Line {
  const lines = timed(what, () => holdfast("backup", copy, "--series", "demo"))
  return lines.find(({ message_type: type }) => type === "summary") ?? {}
}

/** True if the restored tree equals the source at the time of the snapshot. */
function restoreAndCompare(name: string, snapshot: unknown, expected: Picture): boolean {
  const target = join(folder, `restored-${name}`)
  timed(`restore the ${name} snapshot`, () => holdfast("restore", String(snapshot), "--target", target))
  const found = timed(`compare ${expected.size} entries with the ${name} state`, () =>
    differences(expected, pictureOf(target)),
  )
  if (found.length > 0) console.log(showDifferences(found))
  rmSync(target, { recursive: true, force: true })
  return found.length === 0
}

function showFigures(first: Line, second: Line): void {
  const row = (label: string, field: string, show: (value: number) => string): string[] => [
    label,
    show(Number(first[field])),
    show(Number(second[field])),
  ]
  const rows = [
    row("files", "total_files_processed", String),
    row("new files", "files_new", String),
    row("changed files", "files_changed", String),
    row("bytes in the source", "total_bytes_processed", showBytes),
    row("new bytes", "data_added", showBytes),
    row("bytes stored, compressed and encrypted", "data_added_packed", showBytes),
  ]
  console.log()
  for (const line of table(["", "first backup", "second backup"], rows, [1, 2])) console.log(line)
  console.log()
}

function demo(): boolean {
  if (!existsSync(source)) throw new Error(`${source} is not there; run npm ci first`)
  console.log(`backing up ${source} to ${repository}\n`)
  writeFileSync(environment.HOLDFAST_KEY_FILE, `${randomBytes(32).toString("base64")}\n`, { mode: 0o600 })
  timed("copy the folder", () => copyTree(source, copy))
  timed("make a repository", () => holdfast("init", repository, "--recovery-sheet", join(folder, "sheet")))
  const firstState = timed("note every byte, mode and time", () => pictureOf(copy))
  const first = backup("first backup")
  const changes = timed("change the copy", () => changeTree(copy))
  const secondState = timed("note every byte, mode and time", () => pictureOf(copy))
  const second = backup("second backup")
  const third = backup("third backup, without changes")
  const equal = [
    restoreAndCompare("first", first["snapshot_id"], firstState),
    restoreAndCompare("second", second["snapshot_id"], secondState),
  ]
  timed("check, reading all data", () => holdfast("check", "--read-data"))
  showFigures(first, second)
  console.log(`between the two: ${changes.join(", ")}`)
  if (third["snapshot_id"] !== null) console.log("the third backup should have found nothing to do")
  return !equal.includes(false) && third["snapshot_id"] === null
}

try {
  const good = demo()
  console.log(good ? "\nboth snapshots came back equal in every byte, mode and time" : "\nThe demo failed")
  process.exitCode = good ? 0 : 1
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

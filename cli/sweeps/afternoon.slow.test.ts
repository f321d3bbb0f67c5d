/**
 * A new user's afternoon: the program is built and installed from a fresh copy of the project by README's own
 * lines. Then every command of README and every example of the help runs as printed, except for the substitutions
 * in `testing/afternoon.ts` and below.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { after, before, test, type TestContext } from "node:test"
import { startS3FaultServer, type S3FaultServer } from "../../engine/testing/s3-fault-server.ts"
import { openAfternoon, PASSPHRASE, type Afternoon } from "../testing/afternoon.ts"
import {
  agentAnswers,
  BEFORE_AGENT,
  makeWorkspace,
  protectWorkspace,
  recoveryAnswer,
  wordsIn,
  WORKSPACE,
  type Before,
} from "../testing/afternoon-agent.ts"
import type { Answer } from "../testing/on-terminal.ts"
import { VERBS } from "../verbs/table.ts"

/** Run by `.ci/run` and other tests, or no command. */
const ELSEWHERE = ["npm ci && npm run demo", "npm test", ".ci/run"]

const PASSPHRASE_ASKED: readonly Answer[] = [{ question: "passphrase for", typed: PASSPHRASE }]
const NEW_PASSPHRASE_ASKED: readonly Answer[] = [
  { question: "New passphrase: ", typed: PASSPHRASE },
  { question: "Repeat the passphrase: ", typed: PASSPHRASE },
]

const folder = mkdtempSync(join(tmpdir(), "holdfast-afternoon-"))
const clone = join(folder, "clone")
const bin = join(folder, "prefix", "bin")
after(() => rmSync(folder, { recursive: true, force: true }))

/** npm as a user has it: without the settings of the npm that runs these tests, and with a global folder of ours. */
function npmEnvironment(prefix: string): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_"))
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    npm_config_prefix: join(folder, prefix),
    npm_config_prefer_offline: "true",
    HOME: join(folder, "npm home"),
    npm_config_cache: process.env["npm_config_cache"] ?? join(process.env["HOME"] ?? "", ".npm"),
  }
}

/** A command on several lines, each but the last ending in a backslash, becomes one line. */
function oneEach(text: string): string {
  return text.replaceAll(/ \\\n +/g, " ")
}

/** Lines of code blocks, by heading. */
function commandsOf(heading: string): string[] {
  const text = readFileSync("README.md", "utf8")
  const [, section = ""] = new RegExp(`^#+ ${heading}\\n([^]*?)(?=^#)`, "m").exec(`${text}\n#`) ?? []
  const lines = oneEach(section)
    .split("\n")
    .flatMap((line) => (line.startsWith("    ") ? [line.slice(4)] : []))
  return lines.filter((line) => /^(holdfast|npm|export|source|\d+ \*|ExecStart=)/.test(line))
}

before(() => {
  const files = execFileSync("git", ["ls-files", "-z"]).toString().split("\0").filter(Boolean)
  mkdirSync(clone)
  const list = join(folder, "list")
  writeFileSync(list, files.join("\0"))
  execFileSync("sh", ["-c", `tar c --null -T '${list}' | tar x -C '${clone}'`])
})

test("README's lines install the program from a fresh copy, also with a Node that is too old", () => {
  mkdirSync(join(folder, "npm home"))
  const lines = commandsOf("Install")
  assert.equal(lines.length, 6, lines.join("\n"))
  for (const line of lines) {
    const prefix = line.includes("node@24") ? "prefix with node" : "prefix"
    const environment = npmEnvironment(prefix)
    const PATH = `${join(folder, prefix, "bin")}:${environment["PATH"] ?? ""}`
    execFileSync("sh", ["-c", line], { cwd: clone, env: { ...environment, PATH }, stdio: "pipe" })
  }
  const places = [bin, join(folder, "prefix with node", "bin"), join(folder, "npm home", ".local", "bin")]
  for (const place of places) {
    const out = execFileSync(join(place, "holdfast"), ["version"], { encoding: "utf8" })
    assert.match(out, /^holdfast \d/)
  }
})

async function afternoon(context: TestContext, name: string): Promise<Afternoon> {
  const root = join(folder, name)
  mkdirSync(root)
  const start = async (bucket: string): Promise<S3FaultServer> => {
    const server = await startS3FaultServer({ bucket })
    context.after(() => server.close())
    return server
  }
  const buckets = {
    bucket: await start("bucket"),
    "my-bucket": await start("my-bucket"),
    "my-mirror": await start("my-mirror"),
  }
  return openAfternoon({ root, bin, buckets })
}

test("every command of README works as it is printed", async (context) => {
  const place = await afternoon(context, "readme")
  const { type, path } = place
  const sections = ["Quick start", "Every hour, by cron or systemd", "Look, compare, get back", "In a bucket"]
  const exported: string[] = []
  let words = ""
  for (const line of sections.flatMap(commandsOf)) {
    const command = line.replace(/^(\d+|\*)( \*)* |^ExecStart=/, "")
    if (command.startsWith("holdfast backup")) place.work()
    if (command.startsWith("export ")) {
      exported.push(`${command}; `)
      continue
    }
    const asks = command.startsWith("holdfast init") ? NEW_PASSPHRASE_ASKED : undefined
    const output = await type(exported.join("") + command, asks)
    if (command.includes("init /mnt")) words = output
  }
  assert.deepEqual(readFileSync(path("tmp/notes/today.md"), "utf8"), "today\n")

  // an empty machine, with the written words
  rmSync(path("home"), { recursive: true })
  mkdirSync(path("home"))
  const written = [...words.matchAll(/\d+\. ([a-z]+)/g)].map(([, word]) => word)
  assert.equal(written.length, 24)
  writeFileSync(path("home/words.txt"), written.join(" "), { mode: 0o600 })
  for (const line of commandsOf("If all is lost")) if (!line.startsWith("npm ")) await type(line)
  assert.deepEqual(readFileSync(path("home/restored/today.md"), "utf8"), "today\n")
})

test("the commands that protect an agent's memory work as they are printed", async (context) => {
  const place = await afternoon(context, "agent")
  const { type, path } = place
  const workspace = path(WORKSPACE)
  const memory = join(workspace, "MEMORY.md")
  makeWorkspace(place, "remember this\n")
  /** With what a new host makes by itself. */
  const newMachine = (): void => {
    for (const name of [".local", ".cache", ".openclaw"]) rmSync(path("home", name), { recursive: true })
    makeWorkspace(place, "a template\n")
  }
  let exported = ""
  let words = ""
  const go = async (heading: string): Promise<string> => {
    let output = ""
    for (const line of commandsOf(heading)) {
      if (line.startsWith("export ")) {
        exported = `${line}; `
        continue
      }
      if (line.startsWith("holdfast agent restore latest  ")) writeFileSync(memory, "changed\n")
      const typed = agentAnswers(line)
      const isNew = line.startsWith("holdfast agent restore") && line.includes(" -r ")
      if (isNew) newMachine()
      const screen = await type(exported + line, isNew ? [recoveryAnswer(words), ...(typed ?? [])] : typed)
      if (line.startsWith("holdfast agent init")) words = wordsIn(screen).join(" ")
      if (line.startsWith("holdfast agent restore latest"))
        assert.equal(readFileSync(memory, "utf8"), "remember this\n")
      output += screen
    }
    exported = ""
    return output
  }
  assert.match(await go("An agent's memory"), /the recovery words are confirmed/)
  assert.equal(readFileSync(memory, "utf8"), "changed\n", "the undo took the restore back")
  assert.match(await type("holdfast schedule status"), /cron +enabled/)

  const [, section = ""] = /### To a bucket later\n([^]*?)\n###/.exec(readFileSync("README.md", "utf8")) ?? []
  const fields = section.split("\n").filter((line) => line.startsWith('    "'))
  assert.ok(fields.length > 3)
  await type(`cat > /tmp/fields <<'E'\n${fields.join("\n")}\nE`)
  const config = join(workspace, "session-sync-config.json")
  const edited = readFileSync(config, "utf8")
    .replace(/^ *"repository".*\n/m, "")
    .replace(/^ *"provider".*\n/m, () => readFileSync(path("tmp/fields"), "utf8"))
  writeFileSync(config, edited)
  writeFileSync(memory, "remember this\n")
  assert.match(await go("To a bucket later"), /bucket: \(not set\) → my-bucket[^]*approved[^]*backed up/)

  await go("On a new machine")
})

test("no line of README that looks like a command is left out", () => {
  const text = oneEach(readFileSync("README.md", "utf8"))
  const all = text.split("\n").flatMap((line) => (/^ {4}\S/.test(line) ? [line.slice(4)] : []))
  const known = new Set(
    ["Install", "Quick start", "Every hour, by cron or systemd", "Look, compare, get back", "In a bucket"]
      .concat("An agent's memory", "To a bucket later", "On a new machine", "If all is lost")
      .flatMap(commandsOf),
  )
  const left = all.filter((line) => !known.has(line) && !ELSEWHERE.some((one) => line.startsWith(one)))
  for (const line of left)
    assert.match(line, /^(\[\w+\]|Type=|OnCalendar=|Persistent=|WantedBy=|"\w+": ")/, line)
})

const forgetAll = (place: Afternoon): void => {
  for (const name of [".local", ".cache"]) rmSync(place.path("home", name), { recursive: true, force: true })
}
const nothingYet = (place: Afternoon): void => {
  forgetAll(place)
  rmSync(place.path("mnt/disk/backups"), { recursive: true })
}
const secondKey: Before["replace"] = async (place) => {
  await place.type(`HOLDFAST_PASSWORD='${PASSPHRASE}' holdfast key add --new-password-file second.txt`)
  const listed = await place.type("holdfast key list --json")
  const ids = [...listed.matchAll(/"id":"([0-9a-f]+)"/g)].map(([, id = ""]) => id)
  return ["3fa9", ids.at(-1)?.slice(0, 12) ?? ""]
}
const withPassphrase: Before["prepare"] = ({ environment }) => {
  environment["HOLDFAST_PASSWORD"] = PASSPHRASE
}

/** Preparations for an example of the help; the others run in the saved state. */
const BEFORE: Readonly<Record<string, Before>> = {
  ...BEFORE_AGENT,
  "holdfast init /mnt/disk/backups": { prepare: nothingYet, typed: NEW_PASSPHRASE_ASKED },
  "holdfast init /mnt/disk/backups --key-file ~/.keys/holdfast --recovery-sheet ~/sheet.txt": {
    prepare: nothingYet,
  },
  "holdfast connect /mnt/disk/backups": { prepare: forgetAll, typed: PASSPHRASE_ASKED },
  "holdfast connect s3://bucket/backups --recovery-words-file words.txt": {
    prepare: async (place) => {
      await place.type(
        "holdfast init s3://bucket/backups --password-file old.txt --recovery-words-file words.txt",
      )
      forgetAll(place)
    },
  },
  "holdfast key add --recovery": {
    typed: [{ question: "Current passphrase: ", typed: PASSPHRASE }],
  },
  "holdfast key add --new-password-file second.txt": { prepare: withPassphrase },
  "holdfast key remove 3fa9": { prepare: withPassphrase, replace: secondKey },
  "holdfast key remove 3fa9 --dry-run": { prepare: withPassphrase, replace: secondKey },
  "holdfast key passwd": {
    typed: [
      { question: "Current passphrase: ", typed: PASSPHRASE },
      { question: "New passphrase: ", typed: "another passphrase" },
      { question: "Repeat the passphrase: ", typed: "another passphrase" },
    ],
  },
}

test("every example of the help works as it is printed", async (context) => {
  const place = await afternoon(context, "help")
  const { type, work, environment } = place
  await type("holdfast init /mnt/disk/backups", NEW_PASSPHRASE_ASKED)
  for (let turn = 0; turn < 3; turn++) {
    work()
    await type("holdfast backup ~/notes")
  }
  await type("holdfast copy /mnt/disk/mirror")
  await protectWorkspace(place)
  place.keep()
  for (const { name, examples } of VERBS) {
    for (const { line } of examples) {
      place.begin()
      delete environment["HOLDFAST_PASSWORD"]
      delete environment["HOLDFAST_RECOVERY_WORDS_FILE"]
      const { prepare, typed, replace } = BEFORE[line] ?? {}
      await prepare?.(place)
      const [printed, here] = (await replace?.(place)) ?? ["", ""]
      const output = await type(
        printed === "" ? line : line.replace(printed, here),
        typed ?? agentAnswers(line),
      )
      assert.doesNotMatch(output, /internal error/, name)
    }
  }
})

test("the substitutions replace only places, endpoints and the home", () => {
  const source = readFileSync(resolve("cli/testing/afternoon.ts"), "utf8")
  const [, table = ""] = /const substitutions[^=]*= \[\n([^]*?)\n {2}\]/.exec(source) ?? []
  const printed = [...table.matchAll(/^ {4}\["([^"]+)"/gm)].map(([, text = ""]) => text)
  assert.ok(printed.length > 3)
  for (const text of printed) assert.match(text, /^(s3:)?https:\/\/s3\.example\.|^\/(mnt|tmp)\/$|^%h\//)
})

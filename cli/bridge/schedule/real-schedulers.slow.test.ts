/**
 * The texts in the hands of the programs that read them: systemd's own parser, the cron daemon, `crontab`, and XML
 * parsers for launchd and the Task Scheduler. Names of workspaces are random; each must come back as it was.
 * `crontab` and `cron` run in a mount namespace with a spool of their own.
 */
import assert from "node:assert/strict"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { isRoot } from "../../../fixtures/native.ts"
import { seededRandom } from "../../../fixtures/random.ts"
import { ordinaryFolder, ORDINARY_USER } from "../../../engine/testing/ordinary-user.ts"
import { cronBlock } from "./cron.ts"
import { type Job, jobOf } from "./job.ts"
import { launchdPlist } from "./launchd.ts"
import { systemdUnit } from "./systemd.ts"
import { taskXml } from "./task-scheduler.ts"

const SEED = process.env["HOLDFAST_SEED"] ?? Math.random().toString(16).slice(2, 10)
const COUNT = 60

/** Pieces that some language gives a meaning to. */
const PIECES = [
  ...Array.from("abc \"'\\%$&<>`#;!*?[]{}()|~^=,.@-é漢😀"),
  ..."\\x41 \\n %% %h %n $$ ${HOME} $HOME '' \\\\ \\% && ]]> &amp; é".split(" "),
]

function randomJobs(program: Job["program"]): Job[] {
  const random = seededRandom(SEED)
  const name = (): string => {
    let text = ""
    for (let left = random.between(1, 12); left > 0; left--) text += random.pick(PIECES)
    return text.replaceAll("/", "")
  }
  return Array.from({ length: COUNT }, () =>
    jobOf({
      workspace: `/home/${name()}/${name()}`,
      program,
      environment: { HOLDFAST_HOME: `/home/${name()}` },
      intervalMinutes: 15,
    }),
  )
}

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-schedulers-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const wordsOfService = ({ program, workspace }: Job): string[] => [
  program.node,
  program.script,
  "agent",
  "run",
  "--workspace",
  workspace,
]

/** systemd's private folder for a user; its manager in test mode, which only parses, refuses to run as root. */
function userFolder(context: TestContext): { home: string; units: string; environment: NodeJS.ProcessEnv } {
  const home = ordinaryFolder(context)
  const units = join(home, ".config/systemd/user")
  for (const folder of [units, join(units, "default.target.wants"), join(home, "run")])
    mkdirSync(folder, { recursive: true })
  execFileSync("chmod", ["-R", "go-w", home])
  if (isRoot) execFileSync("chown", ["-R", `${ORDINARY_USER.uid}:${ORDINARY_USER.gid}`, home])
  chmodSync(join(home, "run"), 0o700)
  return {
    home,
    units,
    environment: { PATH: process.env["PATH"], HOME: home, XDG_RUNTIME_DIR: join(home, "run") },
  }
}

test(`systemd reads every unit without a remark, and gets the words and the home back (seed ${SEED})`, (context) => {
  const { home, units, environment } = userFolder(context)
  const how = { ...ORDINARY_USER, cwd: home, env: environment, encoding: "utf8", maxBuffer: 2 ** 28 } as const
  const program = { node: "/bin/sh", script: "/opt/100% $ure/main.js" }
  const jobs = [
    ...randomJobs(program),
    jobOf({ workspace: "/w", program, environment: {}, intervalMinutes: 15 }),
  ]
  const files = jobs.map((job, i) => {
    const file = join(units, `holdfast-agent-${i}.service`)
    writeFileSync(file, systemdUnit(job))
    symlinkSync(file, join(units, "default.target.wants", `holdfast-agent-${i}.service`))
    return file
  })
  const verified = spawnSync("systemd-analyze", ["--user", "verify", ...files], how)
  assert.deepEqual([verified.status, verified.stdout + verified.stderr], [0, ""])
  // the check can fail: systemd-analyze ends with 0 for a value that it can't read
  writeFileSync(
    join(home, "wrong.service"),
    systemdUnit(jobs[0] as Job).replace("RestartSec=60", "RestartSec=x"),
  )
  const wrong = spawnSync("systemd-analyze", ["--user", "verify", join(home, "wrong.service")], how)
  assert.match(wrong.stdout + wrong.stderr, /Failed to parse sec value/)

  const dump = spawnSync("/lib/systemd/systemd", ["--user", "--test"], how)
  assert.equal(dump.status, 0, dump.stderr)
  const parts = dump.stdout.split(/^\t-> Unit /m)
  for (const [i, job] of jobs.entries()) {
    const part = parts.find((text) => text.startsWith(`holdfast-agent-${i}.service:`)) ?? ""
    const [, command = ""] = /^\t+Command Line: (.*)$/m.exec(part) ?? []
    assert.deepEqual(shellWords(command).map(withoutDollars), wordsOfService(job), `seed ${SEED}, ${command}`)
    const [, place] = /^\t+Environment: HOLDFAST_HOME=(.*)$/m.exec(part) ?? []
    assert.equal(place, job.environment["HOLDFAST_HOME"])
    assert.match(part, /^\t+Type: exec$/m)
    assert.match(part, /^\t+Restart: on-failure$/m)
    assert.match(part, /^\t+Nice: 10$/m)
    assert.match(part, /^\t+IOSchedulingClass: idle$/m)
  }
})

/** systemd prints words as a shell takes them. */
function shellWords(line: string): string[] {
  const out = execFileSync("bash", ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
  return out.split("\0").slice(0, -1)
}

/** It replaces these only when it starts the command; see systemd.service(5), "Command lines". */
function withoutDollars(word: string): string {
  assert.doesNotMatch(word.replaceAll("$$", ""), /\$/, "systemd would expand it")
  return word.replaceAll("$$", "$")
}

/** Runs a shell script as root of a mount namespace in which the spool of crontabs is the folder's. */
function namespaced(folder: string, script: string): string[] {
  const spool = join(folder, "spool")
  mkdirSync(spool, { recursive: true })
  const enter = isRoot ? ["unshare", "--mount"] : ["unshare", "--map-root-user", "--mount"]
  return [...enter, "bash", "-ec", `mount --bind '${spool}' /var/spool/cron/crontabs; ${script}`]
}

const LATE_MS = 150_000

test(`the cron daemon runs every line with the words and the home that were meant (seed ${SEED})`, async (context) => {
  const folder = folderFor(context)
  const script = join(folder, "100% record.mjs")
  const record = join(folder, "record")
  writeFileSync(
    script,
    `import { appendFileSync } from "node:fs"
    const line = JSON.stringify({ words: process.argv.slice(2), home: process.env.HOLDFAST_HOME })
    appendFileSync(${JSON.stringify(record)}, line + "\\n")`,
  )
  const jobs = randomJobs({ node: process.execPath, script })
  // in the next minute, and not all in the same second on two cores
  const crontab = jobs.map((job) => cronBlock(job).replace(/^[\d*].* \* \* \*/m, "* * * * *")).join("")
  writeFileSync(join(folder, "tab"), crontab)
  for (const name of ["cron.d", "none"]) mkdirSync(join(folder, name))
  writeFileSync(join(folder, "crontab"), "")
  const [program = "", ...words] = namespaced(
    folder,
    `cd '${folder}'; mount --bind cron.d /etc/cron.d; mount --bind crontab /etc/crontab; mount -t tmpfs none /run
    crontab -n tab >&2; crontab tab; exec cron -f`,
  )
  const daemon = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] })
  let errors = ""
  daemon.stderr.on("data", (bytes: Buffer) => (errors += bytes.toString()))
  const lines = (): string[] => (existsSync(record) ? readFileSync(record, "utf8").trim().split("\n") : [])
  try {
    const end = Date.now() + LATE_MS
    while (lines().length < COUNT && Date.now() < end && daemon.exitCode === null)
      await new Promise((done) => setTimeout(done, 500))
  } finally {
    daemon.kill()
  }
  const expected = jobs.map(({ workspace, environment }) =>
    JSON.stringify({
      words: ["agent", "sync", "--quiet", "--trigger", "cron", "--workspace", workspace],
      home: environment["HOLDFAST_HOME"],
    }),
  )
  assert.deepEqual(
    [...new Set(lines())].toSorted(),
    [...new Set(expected)].toSorted(),
    `${errors} seed ${SEED}`,
  )
})

test(`Python's plistlib and expat read every plist and task as it was meant (seed ${SEED})`, (context) => {
  const folder = folderFor(context)
  const jobs = randomJobs({ node: "/usr/bin/node", script: "/opt/100% <&>/main.js" })
  for (const [i, job] of jobs.entries()) {
    writeFileSync(join(folder, `${i}.plist`), launchdPlist(job))
    writeFileSync(join(folder, `${i}.xml`), Buffer.from(`\ufeff${taskXml(job, "PC\\<me>")}`, "utf16le"))
  }
  const out = execFileSync("python3", ["-c", PYTHON, folder, String(jobs.length)], { encoding: "utf8" })
  const read = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { plist: object; task: string[] })
  for (const [i, job] of jobs.entries()) {
    assert.deepEqual(read[i]?.plist, {
      Label: job.name,
      ProgramArguments: wordsOfService(job),
      EnvironmentVariables: job.environment,
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 60,
      ProcessType: "Background",
      Nice: 10,
      LowPriorityIO: true,
    })
    const [command, words = "", user] = read[i]?.task ?? []
    assert.deepEqual([command, user], [job.program.node, "PC\\<me>"])
    assert.deepEqual(windowsWords(words), wordsOfService(job).slice(1), words)
  }
})

const PYTHON = `
import json, plistlib, sys
from xml.etree import ElementTree
folder, count = sys.argv[1], int(sys.argv[2])
space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
for i in range(count):
    with open(f"{folder}/{i}.plist", "rb") as file: plist = plistlib.load(file)
    root = ElementTree.parse(f"{folder}/{i}.xml").getroot()
    task = [root.find(f".//{space}{name}").text for name in ("Command", "Arguments", "UserId")]
    print(json.dumps({"plist": plist, "task": task}))
`

/** As CommandLineToArgvW splits a command line: 2n backslashes and a quote are n and a switch, 2n+1 are n and a quote. */
function windowsWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let isQuoted = false
  for (const [part] of line.matchAll(/\\+"|"|\\+|[^\\"]/g)) {
    if (part.endsWith('"')) {
      const slashes = part.length - 1
      word = (word ?? "") + "\\".repeat(slashes >> 1)
      if (slashes % 2 === 1) word += '"'
      else isQuoted = !isQuoted
    } else if (part === " " && !isQuoted) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? "") + part
  }
  return word === undefined ? words : [...words, word]
}

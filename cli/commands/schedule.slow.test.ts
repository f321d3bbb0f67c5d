/**
 * `holdfast schedule` as a user runs it, with the real `systemctl` and `crontab`. systemd is not running here:
 * `systemctl --user enable` then makes the link itself. The spool of crontabs is the test's own, in a mount namespace.
 */
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import {
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join, resolve } from "node:path"
import { test, type TestContext } from "node:test"
import { isRoot } from "../../fixtures/native.ts"
import { approve, proposeApproval } from "../bridge/config/approve.ts"
import type { ScheduleChange, ScheduleStatus } from "../bridge/schedule/plan.ts"
import { onTerminal } from "../testing/on-terminal.ts"
import { outcomeOf, sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"

const PROGRAM = resolve("dist/cli/main.js")
/** For `unshare`. */
const ENTER = isRoot ? ["--mount"] : ["--map-root-user", "--mount"]
const CANARY = "canary-5f1d"

interface Place {
  readonly box: Sandbox
  readonly user: string
  readonly environment: Record<string, string>
  /** Makes a workspace with an approved configuration, and returns its path. */
  readonly workspace: (name: string, changes?: object) => Promise<string>
  readonly run: (...words: string[]) => Outcome
  readonly must: (...words: string[]) => Outcome
  /** The same in a namespace with a spool of its own. */
  readonly inSpool: (...words: string[]) => Outcome
}

function place(context: TestContext): Place {
  const box = sandbox(context)
  const user = realpathSync(box.folder)
  for (const folder of ["tmp", "spool", "run"]) mkdirSync(join(user, folder), { mode: 0o700 })
  const environment: Record<string, string> = {
    HOME: user,
    HOLDFAST_HOME: join(user, "ho me"),
    XDG_RUNTIME_DIR: join(user, "run"),
    // the checkout may be in the usual folder for temporary files
    TMPDIR: join(user, "tmp"),
    AWS_SECRET_ACCESS_KEY: CANARY,
    HOLDFAST_PASSWORD: CANARY,
  }
  const run = (...words: string[]): Outcome => box.runWith(environment, words)
  const script = `mount --bind '${join(user, "spool")}' /var/spool/cron/crontabs; exec "$@"`
  return {
    box,
    user,
    environment,
    async workspace(name, changes = {}) {
      const workspace = join(user, name)
      mkdirSync(workspace, { recursive: true })
      const config = {
        profile: "custom",
        provider: "local",
        repository: join(user, "repository"),
        include: ["**"],
      }
      writeFileSync(join(workspace, "session-sync-config.json"), JSON.stringify({ ...config, ...changes }))
      approve(await proposeApproval({ workspace, environment }))
      return workspace
    },
    run,
    must(...words) {
      const outcome = run(...words)
      assert.equal(outcome.code, 0, outcome.err)
      return outcome
    },
    inSpool(...words) {
      const [program = "", ...rest] = words[0] === "crontab" ? words : [process.execPath, PROGRAM, ...words]
      const all = [...ENTER, "bash", "-ec", script, "bash", program, ...rest]
      const env = { PATH: process.env["PATH"], ...environment }
      const { status, stdout, stderr } = spawnSync("unshare", all, { env, encoding: "latin1" })
      return outcomeOf(status, stdout, stderr)
    },
  }
}

/** Every file below the folder, with its mode and content. */
function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .toSorted()
    .flatMap((path) => {
      const file = join(folder, path)
      const found = lstatSync(file)
      if (found.isDirectory()) return []
      const content = found.isSymbolicLink() ? readlinkSync(file) : readFileSync(file, "latin1")
      return [`${path} ${found.mode.toString(8)} ${content}`]
    })
}

function changeOf(outcome: Outcome): ScheduleChange {
  return outcome.last as unknown as ScheduleChange
}

function statusOf(outcome: Outcome): ScheduleStatus {
  return outcome.last as unknown as ScheduleStatus
}

test("schedule install with systemd enables a valid unit, and remove leaves every other file as it was", async (context) => {
  const { user, workspace, must, environment } = place(context)
  const [first, second] = [await workspace(`a %h "q" $HOME é`), await workspace("other/nero")]
  const units = join(user, ".config/systemd/user")
  mkdirSync(units, { recursive: true })
  writeFileSync(join(units, "mine.service"), "[Service]\nExecStart=/bin/true\n")
  const before = listing(join(user, ".config"))
  const systemd = ["--with", "systemd"]
  const planned = changeOf(
    must("schedule", "install", "--workspace", first, ...systemd, "--dry-run", "--json"),
  )
  assert.equal(planned.outcome, "planned")
  assert.deepEqual(listing(join(user, ".config")), before)

  const shown = must("schedule", "install", "--workspace", first, ...systemd, "--yes").out
  for (const line of planned.text?.trim().split("\n") ?? []) assert.ok(shown.includes(`    ${line}\n`), line)
  assert.match(shown, /systemctl --user enable holdfast-agent-/)
  assert.match(shown, /loginctl enable-linger /)
  const path = join(units, `${planned.name}.service`)
  assert.equal(readFileSync(path, "utf8"), planned.text)
  assert.equal(readlinkSync(join(units, "default.target.wants", `${planned.name}.service`)), path)
  assert.match(planned.text ?? "", /Environment="HOLDFAST_HOME=.*\/ho me"/)
  assert.ok(!listing(join(user, ".config")).join().includes(CANARY))
  const verified = spawnSync("systemd-analyze", ["--user", "verify", path], {
    env: { PATH: process.env["PATH"], ...environment },
    encoding: "utf8",
  })
  assert.deepEqual([verified.status, verified.stdout + verified.stderr], [0, ""])
  assert.equal(
    changeOf(must("schedule", "install", "--workspace", first, ...systemd, "--yes", "--json")).outcome,
    "unchanged",
  )

  must("schedule", "install", "--workspace", second, ...systemd, "--yes")
  const services = statusOf(must("schedule", "status", "--workspace", first, "--json")).services
  assert.deepEqual(services, [
    { with: "systemd", where: path, enabled: true, running: null, difference: null },
  ])
  must("schedule", "remove", "--workspace", first, "--yes")
  assert.equal(statusOf(must("schedule", "status", "--workspace", first, "--json")).services.length, 0)
  assert.equal(statusOf(must("schedule", "status", "--workspace", second, "--json")).services.length, 1)
  must("schedule", "remove", "--workspace", second, "--yes")
  assert.deepEqual(listing(join(user, ".config")), before)
  assert.equal(
    changeOf(must("schedule", "remove", "--workspace", second, "--yes", "--json")).outcome,
    "absent",
  )
})

test("schedule install and remove show what was edited by hand, and ask", async (context) => {
  const { box, user, workspace, run, must, environment } = place(context)
  const folder = await workspace("nero")
  const install = ["schedule", "install", "--workspace", folder, "--with", "systemd"]
  const refused = run(...install)
  assert.equal(refused.code, 1)
  assert.match(refused.err, /nothing was changed. Add --yes/)
  const answered = async (typed: string, question: string, words: readonly string[]): Promise<string> => {
    const answers = [{ question, typed: `${typed}\r` }]
    const { code, screen } = await onTerminal(box, "unused", words, { answers, environment })
    assert.equal(code, 0, screen)
    return screen
  }
  const units = join(user, ".config/systemd/user")
  const asked = await answered("n", "Install it? [y/N]", install)
  assert.match(asked, /WantedBy=default.target[^]*Install it\? \[y\/N\]/, "shown before it is asked")
  assert.deepEqual(readdirSync(user).includes(".config"), false)
  await answered("y", "Install it? [y/N]", install)
  const name = readdirSync(units).find((file) => file.endsWith(".service")) ?? ""
  const edited = readFileSync(join(units, name), "utf8").replace("Nice=10", "Nice=7")
  writeFileSync(join(units, name), edited)
  const status = statusOf(must("schedule", "status", "--workspace", folder, "--json"))
  assert.deepEqual(status.services[0]?.difference, [
    "  RestartSec=60",
    "- Nice=7",
    "+ Nice=10",
    "  IOSchedulingClass=idle",
  ])
  const screen = await answered("n", "Replace what is there? [y/N]", install)
  assert.match(screen, /- Nice=7\s+\+ Nice=10/)
  await answered("n", "Remove it nevertheless? [y/N]", ["schedule", "remove", "--workspace", folder])
  assert.equal(readFileSync(join(units, name), "utf8"), edited)
  await answered("y", "Replace what is there? [y/N]", install)
  assert.equal(readFileSync(join(units, name), "utf8"), edited.replace("Nice=7", "Nice=10"))
})

test("schedule install with cron keeps every other byte of the crontab, and remove brings it back", async (context) => {
  const { user, workspace, inSpool } = place(context)
  const folder = await workspace("ne'ro %", { interval_minutes: 30 })
  const other = await workspace("other")
  const own = Buffer.from("# caf\xe9\n\n  MAILTO=me\n*/5 * * * * echo 100\\% \t \n#last\n", "latin1")
  writeFileSync(join(user, "tab"), own)
  assert.equal(inSpool("crontab", join(user, "tab")).code, 0)
  const list = (): string => inSpool("crontab", "-l").out
  assert.equal(list(), own.toString("latin1"))
  const must = (...words: string[]): Outcome => {
    const outcome = inSpool(...words)
    assert.equal(outcome.code, 0, outcome.err)
    return outcome
  }
  must("schedule", "install", "--workspace", other, "--yes")
  const cron = ["--with", "cron", "--yes"]
  const shown = must("schedule", "install", "--workspace", folder, ...cron).out
  const installed = list()
  assert.ok(installed.startsWith(own.toString("latin1")), installed)
  assert.match(
    installed,
    /^\d+-59\/30 \* \* \* \* HOLDFAST_HOME='.*ho me' .*agent sync --quiet --trigger cron --workspace .*ne'"'"'ro \\%'$/m,
  )
  assert.ok(!installed.includes(CANARY))
  assert.match(shown, /agent sync --quiet --trigger cron --workspace/)
  assert.equal(
    changeOf(must("schedule", "install", "--workspace", folder, ...cron, "--json")).outcome,
    "unchanged",
  )
  assert.equal(list(), installed)

  // a shorter interval needs no approval, and its line replaces the old one
  await workspace("ne'ro %", { interval_minutes: 10 })
  const { difference } = changeOf(must("schedule", "install", "--workspace", folder, ...cron, "--json"))
  assert.match(difference?.join("\n") ?? "", /^- \d+-59\/30 .*\n\+ \d+-59\/10 /m)
  assert.equal(list().split("\n").length, installed.split("\n").length)
  const { services } = statusOf(must("schedule", "status", "--workspace", folder, "--json"))
  assert.deepEqual(
    services.map(({ with: scheduler, enabled, running, difference: none }) => [
      scheduler,
      enabled,
      running,
      none,
    ]),
    [["cron", true, null, null]],
  )
  must("schedule", "remove", "--workspace", other, "--yes")
  must("schedule", "remove", "--workspace", folder, "--yes")
  assert.equal(list(), own.toString("latin1"))
})

test("schedule remove leaves no crontab where none was, and a crontab with half a block is refused", async (context) => {
  const { user, workspace, inSpool } = place(context)
  const folder = await workspace("nero")
  assert.equal(inSpool("schedule", "install", "--workspace", folder, "--with", "cron", "--yes").code, 0)
  const [, ...rest] = inSpool("crontab", "-l").out.split("\n")
  assert.equal(inSpool("schedule", "remove", "--workspace", folder, "--yes").code, 0)
  assert.match(inSpool("crontab", "-l").err, /no crontab for/)
  assert.deepEqual(readdirSync(join(user, "spool")), [])
  writeFileSync(join(user, "tab"), rest.join("\n"))
  assert.equal(inSpool("crontab", join(user, "tab")).code, 0)
  for (const verb of ["install", "remove", "status"]) {
    const words = [
      "schedule",
      verb,
      "--workspace",
      folder,
      ...(verb === "install" ? ["--with", "cron", "--yes"] : []),
    ]
    const { code, err } = inSpool(...words)
    assert.equal(code, 1)
    assert.match(err, /exactly one line "# BEGIN .*Remove these lines with `crontab -e`/)
  }
  assert.equal(inSpool("crontab", "-l").out, rest.join("\n"))
})

test("the installed line backs the agent up when the cron daemon runs it", async (context) => {
  const { user, must, inSpool, environment } = place(context)
  const folder = join(user, `ne'ro 100%`)
  mkdirSync(folder)
  writeFileSync(join(folder, "MEMORY.md"), "remember this\n")
  environment["HOLDFAST_PASSWORD"] = ""
  must("agent", "init", "--workspace", folder, "--profile", "custom", "--yes")
  const installed = inSpool("schedule", "install", "--workspace", folder, "--with", "cron", "--yes")
  assert.equal(installed.code, 0, installed.err)
  const everyMinute = inSpool("crontab", "-l").out.replace(/^\d+-59\/15 /m, "* ")
  assert.match(everyMinute, /^\* \* \* \* \* HOLDFAST_HOME/m)
  writeFileSync(join(user, "tab"), Buffer.from(everyMinute, "latin1"))
  assert.equal(inSpool("crontab", join(user, "tab")).code, 0)
  const script = [
    `mkdir '${user}/cron.d' && : > '${user}/crontab'`,
    `mount --bind '${user}/spool' /var/spool/cron/crontabs`,
    `mount --bind '${user}/cron.d' /etc/cron.d && mount --bind '${user}/crontab' /etc/crontab`,
    "mount -t tmpfs none /run && exec cron -f",
  ].join(" && ")
  const daemon = spawn("unshare", [...ENTER, "bash", "-ec", script], { stdio: "ignore" })
  context.after(() => daemon.kill())
  const status = (): ScheduleStatus => statusOf(must("schedule", "status", "--workspace", folder, "--json"))
  for (let tries = 0; tries < 50 && status().lastBackup === null; tries++)
    await new Promise((done) => setTimeout(done, 2000))
  assert.equal(status().lastBackup?.trigger, "cron")
})

test("schedule install warns of credentials in variables, which a schedule does not have", async (context) => {
  const { box, workspace, environment } = place(context)
  const bucket = { provider: "backblaze", region: "eu-central-003", bucket: "memory", repository: undefined }
  const tried = (folder: string, more: Record<string, string> = {}): string[] => {
    const words = ["schedule", "install", "--workspace", folder, "--with", "systemd", "--dry-run", "--json"]
    const outcome = box.runWith({ ...environment, AWS_SECRET_ACCESS_KEY: "", ...more }, words)
    assert.equal(outcome.code, 0, outcome.err)
    return changeOf(outcome).warnings.flatMap(({ code, message }) =>
      code === "shell-variables" ? [message] : [],
    )
  }
  const named = await workspace("named", { ...bucket, key_id: "env:B2_ID", secret_key: "${B2_KEY}" })
  assert.match(tried(named).join("|"), /does not have: B2_ID, B2_KEY$/)
  const files = await workspace("files", { ...bucket, credentials: "file:/home/a/b2" })
  assert.deepEqual(tried(files, { AWS_SECRET_ACCESS_KEY: CANARY }), [])
  const usual = await workspace("usual", bucket)
  assert.deepEqual(tried(usual), [])
  assert.match(
    tried(usual, { AWS_SECRET_ACCESS_KEY: CANARY }).join("|"),
    /does not have: AWS_SECRET_ACCESS_KEY$/,
  )
  assert.deepEqual(tried(await workspace("local"), { AWS_PROFILE: "x" }), [])
})

test("schedule install says what to do where a scheduler is missing or the program is a temporary copy", async (context) => {
  const { box, user, workspace, environment, run } = place(context)
  const folder = await workspace("nero")
  const empty = join(user, "bin")
  mkdirSync(empty)
  const without = { ...environment, PATH: empty }
  const tried = (scheduler: string): Outcome =>
    box.runWith(without, ["schedule", "install", "--workspace", folder, "--with", scheduler, "--yes"])
  assert.match(tried("cron").err, /crontab is not installed. Install cron \(Debian/)
  assert.match(tried("systemd").err, /no systemd. Use --with cron/)
  assert.match(tried("launchd").err, /launchd does not exist on this system \(linux\). Use --dry-run/)
  assert.match(
    box.runWith(without, ["schedule", "install", "--workspace", folder, "--yes"]).err,
    /neither a running systemd manager nor crontab here. Install cron/,
  )
  assert.equal(run("schedule", "install", "--workspace", join(user, "nothing"), "--yes").code, 2)

  const copy = join(user, "openclaw-plugin-build-x1", "node_modules", "holdfast")
  cpSync("dist", join(copy, "dist"), { recursive: true })
  symlinkSync(resolve("node_modules"), join(copy, "node_modules"))
  const words = [join(copy, "dist/cli/main.js"), "schedule", "install", "--workspace", folder, "--yes"]
  const { status, stderr } = spawnSync(process.execPath, words, { env: environment, encoding: "utf8" })
  assert.equal(status, 1)
  assert.match(stderr, /temporary copy, which will be deleted. Install holdfast/)
})

/** The texts that schedulers read, against golden files, and their names, times and refusals. */
import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import fc from "fast-check"
import { cronBlock, cronTimes, splitCrontab, withBlock } from "./cron.ts"
import { differenceOf } from "./difference.ts"
import { refuseTemporary } from "../config/program-copies.ts"
import { type Job, jobName, jobOf } from "./job.ts"
import { launchdPlist } from "./launchd.ts"
import { systemdUnit } from "./systemd.ts"
import { taskXml } from "./task-scheduler.ts"

const NODE = "/opt/node 24/bin/node"
const SCRIPT = "/opt/100% $ure/holdfast/dist/cli/main.js"
const WORKSPACE = `/home/zoë/O'Neil "q" \\ $HOME %h <&>/nero`

/** Each kind of character that one of the four languages has a rule for. */
const AWKWARD: Job = jobOf({
  workspace: WORKSPACE,
  program: { node: NODE, script: SCRIPT },
  environment: {
    HOLDFAST_HOME: "/home/zoë/hold fast %",
    XDG_DATA_HOME: "/not/carried",
    AWS_SECRET_ACCESS_KEY: "canary",
    HOLDFAST_PASSWORD: "canary",
  },
  intervalMinutes: 15,
})

const WINDOWS: Job = jobOf({
  workspace: "C:\\Users\\Zoë Müller\\100% <&>\\nero\\",
  program: { node: "C:\\Program Files\\nodejs\\node.exe", script: "C:\\npm\\holdfast\\dist\\cli\\main.js" },
  environment: {},
  intervalMinutes: 15,
})

const golden: readonly (readonly [string, string])[] = [
  ["systemd.service", systemdUnit(AWKWARD)],
  ["crontab", cronBlock(AWKWARD)],
  ["launchd.plist", launchdPlist(AWKWARD)],
  ["task.xml", taskXml(WINDOWS, "DESKTOP\\Zoë")],
]

for (const [name, text] of golden)
  test(`the text equals fixtures/schedule/${name}, and has no secret of the environment`, () => {
    assert.equal(text, readFileSync(join("fixtures/schedule", name), "utf8"))
    assert.doesNotMatch(text, /canary|not\/carried/)
  })

test("jobName() is readable, has only letters, digits and dashes, and differs for two workspaces of one name", () => {
  assert.match(jobName("/home/a/.openclaw/workspace"), /^holdfast-agent-workspace-[0-9a-f]{8}$/)
  assert.notEqual(jobName("/home/a/workspace"), jobName("/home/b/workspace"))
  assert.match(jobName("/"), /^holdfast-agent-[0-9a-f]{8}$/)
  const property = fc.property(fc.string({ unit: "binary" }), (name) =>
    assert.match(jobName(`/home/${name}`), /^holdfast-agent(-[a-z0-9]+)*-[0-9a-f]{8}$/),
  )
  fc.assert(property)
})

test("jobOf() carries the places of the home, and refuses names that no schedule can have", () => {
  const request = { workspace: "/w", program: { node: NODE, script: SCRIPT }, intervalMinutes: 15 }
  const { environment } = jobOf({
    ...request,
    environment: {
      XDG_DATA_HOME: "/data",
      XDG_CACHE_HOME: "relative",
      OPENCLAW_STATE_DIR: "/claw",
      HOME: "/h",
    },
  })
  assert.deepEqual(environment, { XDG_DATA_HOME: "/data" })
  for (const workspace of ["/a\nb", "/a\x1bb", "/\ud800"])
    assert.throws(() => jobOf({ ...request, workspace, environment: {} }), { code: "unusable-path" })
})

test("refuseTemporary() refuses a plugin's temporary copy, npx and the temporary folder, and nothing else", () => {
  const copies = [
    "/home/a/.openclaw/tmp/plugin-captures/1/captures/openclaw-plugin-build-x/node_modules/holdfast/dist/cli/main.js",
    "/var/tmp/openclaw-plugin-captures-Ab12/captures/x/main.js",
    "/home/a/.npm/_npx/0123/node_modules/holdfast/dist/cli/main.js",
    join(tmpdir(), "anything", "main.js"),
  ]
  for (const script of copies)
    assert.throws(() => refuseTemporary({ node: NODE, script }), { code: "temporary-program" }, script)
  for (const script of [SCRIPT, "/home/a/tmp/holdfast/main.js", `${tmpdir()}x/main.js`])
    refuseTemporary({ node: NODE, script })
})

test("refuseTemporary() follows a temporary folder that is a link", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-schedule-"))
  context.after(() => rmSync(folder, { recursive: true }))
  assert.throws(() => refuseTemporary({ node: join(folder, "node"), script: SCRIPT }), {
    code: "temporary-program",
  })
})

/** The minutes of a day at which crontab(5) starts the line. */
function startsOf(times: string): number[] {
  const [minutes = "", hours = ""] = times.split(" ")
  const values = (field: string, count: number): number[] => {
    if (field === "*") return Array.from({ length: count }, (_, value) => value)
    const [, from = "", , to = from, step = "1"] = /^(\d+)(-(\d+))?(?:\/(\d+))?$/.exec(field) ?? []
    const found: number[] = []
    for (let value = Number(from); value <= Number(to); value += Number(step)) found.push(value)
    return found
  }
  return values(hours, 24).flatMap((hour) => values(minutes, 60).map((minute) => hour * 60 + minute))
}

test("cronTimes() starts evenly over the day, and at least every interval", () => {
  for (let interval = 1; interval <= 1440; interval++)
    for (const name of ["a", "b", "c"]) {
      const starts = startsOf(cronTimes({ name, intervalMinutes: interval } as Job))
      const gaps = starts.map(
        (start, i) => ((starts[i + 1] ?? (starts[0] ?? 0) + 1440) - start + 1440) % 1440 || 1440,
      )
      assert.equal(new Set(gaps).size, 1, `${interval} ${name}: ${gaps.join(" ")}`)
      assert.ok(
        (gaps[0] ?? 0) <= interval && (gaps[0] ?? 0) * 3 > interval,
        `${interval} minutes: ${gaps[0]}`,
      )
    }
  const minutes = Array.from(
    { length: 100 },
    (_, i) => startsOf(cronTimes({ ...AWKWARD, name: `agent ${i}` }))[0],
  )
  assert.ok(new Set(minutes).size > 10, "agents start at different minutes")
})

const block = (): string => Buffer.from(cronBlock(AWKWARD)).toString("latin1")

test("withBlock() puts the block into any crontab and takes it out byte for byte", () => {
  const lines = fc.array(
    fc.oneof(fc.constantFrom("", "# comment", "MAILTO=x", "* * * * * true"), fc.string()),
  )
  const property = fc.property(lines, lines, (before, after) => {
    const text = (all: readonly string[]): string => all.map((line) => `${line}\n`).join("")
    const crontab = Buffer.from(text(before) + text(after)).toString("latin1")
    const installed = withBlock(splitCrontab(crontab, AWKWARD), cronBlock(AWKWARD))
    assert.equal(installed, crontab + block())
    assert.equal(withBlock(splitCrontab(installed, AWKWARD), cronBlock(AWKWARD)), installed)
    assert.equal(withBlock(splitCrontab(installed, AWKWARD), undefined), crontab)
    // moved by the user, and edited
    const moved = text(before) + block().replace("* * * *", "1 * * *") + text(after)
    assert.equal(
      withBlock(splitCrontab(moved, AWKWARD), cronBlock(AWKWARD)),
      text(before) + block() + text(after),
    )
    assert.equal(withBlock(splitCrontab(moved, AWKWARD), undefined), text(before) + text(after))
  })
  fc.assert(property)
})

test("splitCrontab() refuses a crontab with half a block or two", () => {
  const text = block()
  const [begin = "", , end = ""] = text.split("\n")
  for (const crontab of [`${begin}\n`, `${end}\n`, `${end}\n${begin}\n`, text + text, `${begin}\n${text}`])
    assert.throws(() => splitCrontab(crontab, AWKWARD), { code: "crontab-markers" }, crontab)
  // the markers of another agent, and a line that only contains one
  const other = `${cronBlock(WINDOWS)}echo ${begin}\n`
  assert.deepEqual(splitCrontab(other, AWKWARD), { before: other, block: undefined, after: "" })
})

test("differenceOf() shows the lines that differ and one line around them", () => {
  const lines = "one\ntwo\nthree\nfour\nfive\n"
  assert.deepEqual(differenceOf(lines, lines.replace("three", "3\n3b")), [
    "  two",
    "- three",
    "+ 3",
    "+ 3b",
    "  four",
  ])
  assert.deepEqual(differenceOf("a", "b"), ["- a", "+ b"])
  assert.deepEqual(differenceOf("a\na", "a"), ["  a", "- a"])
})

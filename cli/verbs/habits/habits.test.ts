/** Commands of restic, borg and kopia: they work, or one line names the command to type. */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { UsageError } from "../../output/exit-codes.ts"
import { checkArguments, parse } from "../parse.ts"
import { knownFlags } from "../read-words.ts"
import { findVerb, splitVerb } from "../split-verb.ts"
import { sandbox } from "../../testing/run-cli.ts"
import { flagsOf, VERBS } from "../table.ts"
import { FLAG_HABITS } from "./flags.ts"
import { VERB_HABITS } from "./verbs.ts"

/** The verb that the words lead to, or the line that answers them. */
function outcome(words: readonly string[]): { verb: string } | { line: string } {
  try {
    const split = splitVerb(words)
    if (split.verb === undefined) return { line: `no verb in ${words.join(" ")}` }
    checkArguments(parse(split.verb, split.rest))
    return { verb: split.verb.name }
  } catch (error) {
    if (error instanceof UsageError) return { line: error.message }
    throw error
  }
}

test("VERB_HABITS: every word means one of our verbs or is answered with commands that exist", () => {
  const all = VERB_HABITS.flatMap(({ words }) => words)
  assert.equal(new Set(all).size, all.length, "a word stands there twice")
  for (const { words, use, say } of VERB_HABITS) {
    assert.ok((use === undefined) !== (say === undefined), words.join())
    if (use !== undefined)
      assert.ok(
        VERBS.some(({ name }) => name === use),
        `${words.join()}: ${use}`,
      )
    for (const word of words) assert.ok(!VERBS.some(({ name }) => name === word), `${word} is a verb of ours`)
  }
})

test("VERB_HABITS and FLAG_HABITS: the commands and flags that a line names are ours", () => {
  const lines = [...VERB_HABITS, ...FLAG_HABITS].flatMap(({ say }) => (say === undefined ? [] : [say]))
  assert.ok(lines.length > 50)
  for (const line of lines) {
    for (const [, command = ""] of line.matchAll(/`holdfast ([^`]+)`/g)) {
      const found = outcome(command.replaceAll(/[…]/g, "").split(" "))
      if ("line" in found) assert.match(found.line, /needs an? /, `${line}: ${found.line}`)
    }
    const known = VERBS.flatMap((verb) => flagsOf(verb).map(({ name }) => `--${name}`))
    for (const [flag] of line.matchAll(/--[a-z-]+/g)) assert.ok(known.includes(flag), `${line}: ${flag}`)
  }
})

test("FLAG_HABITS: each flag is new to its verbs, and its meaning is a flag of each of them", () => {
  for (const { flags, verbs, use, drop, say, value } of FLAG_HABITS) {
    const kinds = [use, drop, say].filter((kind) => kind !== undefined)
    assert.equal(kinds.length, 1, flags.join())
    for (const verb of VERBS.filter(({ name }) => verbs?.includes(name) ?? true)) {
      const own = flagsOf(verb)
      if (verbs !== undefined) {
        const names = own.flatMap(({ name, short }) => [`--${name}`, `-${short ?? "-"}`])
        for (const flag of flags) assert.ok(!names.includes(flag), `${verb.name} has ${flag} itself`)
      }
      if (use === undefined) continue
      const [name = "", fixed] = use.split("=")
      const meant = own.find((flag) => `--${flag.name}` === name)
      assert.ok(meant !== undefined, `${verb.name} has no ${use}`)
      assert.equal(
        meant.value !== undefined,
        value === true || fixed !== undefined,
        `${flags.join()}: ${use}`,
      )
    }
    for (const name of verbs ?? [])
      assert.ok(
        VERBS.some((verb) => verb.name === name),
        name,
      )
  }
})

test("every command of other tools in the README's table works, or is answered with the verb in its row", () => {
  const rows = readFileSync("README.md", "utf8")
    .split("\n")
    .filter((line) => /^\| `|^\| no locks/.test(line))
  assert.ok(rows.length >= 12)
  for (const row of rows) {
    const [ours = "", ...others] = row.split("|").slice(1, -1)
    const [verb = ""] = commands(ours)
    const [first = "", second] = verb.split(" ")
    const name = first.startsWith("-") || first === "" ? undefined : findVerb(first, second)?.verb.name
    for (const command of others
      .flatMap(commands)
      .filter((each) => !/^-|^[a-z]+,? ?[a-z]*$/.test(each) || each.includes("-l"))) {
      const found = outcome(command.split(" "))
      if ("verb" in found) continue
      assert.ok(name === undefined || found.line.includes(`holdfast ${name}`), `${command}: ${found.line}`)
      assert.doesNotMatch(found.line, /^unknown/, command)
    }
    for (const command of others.flatMap(commands)) {
      if (command.startsWith("-")) continue
      const found = outcome(command.split(" "))
      if ("verb" in found || /^[a-z ]+ needs an? /.test(found.line)) continue
      assert.doesNotMatch(found.line, /^unknown/, command)
      assert.ok(name === undefined || found.line.includes(`holdfast ${name}`), `${command}: ${found.line}`)
    }
  }
})

/** The text between backquotes in one cell. */
function commands(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, command = ""]) => command)
}

test("the usual verbs of restic, borg and kopia are all known", () => {
  const usual = `backup cache cat check copy diff dump find forget generate init key list ls migrate mount
    options prune rebuild-index recover repair restore rewrite self-update snapshots stats tag unlock version
    create extract info delete compact rename recreate break-lock with-lock export-tar import-tar serve config
    umount benchmark upgrade debug repo-create repo-list repo-info repo-delete transfer
    snapshot repository repo policy server maintenance content blob index manifest session logs show`
  for (const word of usual.split(/\s+/)) {
    const found = outcome([word])
    if ("line" in found) assert.doesNotMatch(found.line, /^unknown/, word)
  }
  for (const words of [
    "snapshot create",
    "snapshot list",
    "snapshot restore",
    "snapshot verify",
    "snapshot delete",
    "snapshot expire",
    "snapshot estimate",
    "repository create",
    "repository connect",
    "repository status",
    "repository change-password",
    "key change-passphrase",
    "key export",
    "list locks",
  ]) {
    const found = outcome(words.split(" "))
    if ("line" in found) assert.doesNotMatch(found.line, /^unknown/, words)
  }
})

const MEANT: readonly (readonly [string, string])[] = [
  ["snapshot create dir", "backup"],
  ["create dir", "backup"],
  ["backup --exclude-from f --list --files-from-verbatim g -vv --verbose=2", "backup"],
  ["backup dir --no-lock --skip-if-unchanged -H host --dry-run=false", "backup"],
  ["list", "snapshots"],
  ["info", "status"],
  ["repository status --json", "status"],
  ["list keys", "key list"],
  ["extract latest --delete-extra --skip-owners -t x", "restore"],
  ["--cacert pem snapshots", "snapshots"],
  ["check --verify-data", "check"],
]

test("words of other tools that mean a verb of ours become it, with its flags", () => {
  for (const [typed, verb] of MEANT) assert.deepEqual(outcome(typed.split(" ")), { verb }, typed)
  const split = splitVerb(["backup", "d", "--cacert", "a.pem", "--exclude-from=f", "--paths-from-stdin"])
  assert.ok(split.verb !== undefined)
  const { options } = parse(split.verb, split.rest)
  assert.equal(options.text("ca-file"), "a.pem")
  assert.deepEqual(options.list("exclude-file"), ["f"])
  assert.deepEqual(options.list("files-from"), ["-"])
  assert.equal(knownFlags(split.verb).get("--wibble"), undefined)
})

const ANSWERED: readonly (readonly [string, RegExp])[] = [
  ["unlock", /^unlock: a repository has no locks/],
  ["forget --keep-last 3 --prune", /^forget: freeing space is not available yet/],
  ["mount /mnt/x", /^mount: .*`holdfast restore/],
  ["rewrite", /^rewrite: .*`holdfast backup FOLDER --exclude/],
  ["info ::monday", /^::monday: use `holdfast snapshots SNAPSHOT`/],
  ["create ::monday dir", /^::monday: .*`holdfast backup -r REPOSITORY FOLDER`/],
  ["create /mnt/repo::monday dir", /^\/mnt\/repo::monday: .*`holdfast backup/],
  ["extract ::monday", /^::monday: use `holdfast restore latest --target/],
  ["list ::monday", /^::monday: use `holdfast ls SNAPSHOT`/],
  ["repository connect filesystem --path x", /^repository connect: use `holdfast connect LOCATION`/],
  ["snapshots --last 3", /^--last: use --latest N/],
  ["init -e repokey x", /^-e: every repository is encrypted/],
  [
    "restore latest dir",
    /restore takes one snapshot; unexpected: "dir"; use `holdfast restore SNAPSHOT --target FOLDER`/,
  ],
]

test("words of other tools that mean something else are answered in one line, exit code 2", (context) => {
  const { run } = sandbox(context)
  for (const [typed, line] of ANSWERED) {
    const found = outcome(typed.split(" "))
    assert.ok("line" in found, typed)
    assert.match(found.line, line, typed)
    assert.ok(!found.line.includes("\n"))
  }
  for (const [typed, line] of ANSWERED.slice(0, 4)) {
    const { code, out, err } = run(...typed.split(" "))
    assert.deepEqual([code, out], [2, ""], typed)
    assert.match(err.replace(/^holdfast: /, ""), line)
  }
})

test("a secret after -p or --password is never repeated, whatever is around it", (context) => {
  const { runWith, path } = sandbox(context)
  const secret = "Tr0ub4dor"
  for (const typed of [
    `-p ${secret} snapshots`,
    `-p${secret} snapshots`,
    `snapshots -p ${secret}`,
    `snapshots -p${secret}`,
    `snapshots -vp${secret}`,
    `snapshots -p=${secret}`,
    `--password ${secret} snapshots`,
    `--password=${secret} snapshots`,
    `snapshots --password ${secret}`,
    `snapshots --password=${secret}`,
    `backup ~/x --password ${secret}`,
    `--passwrod ${secret} snapshots`,
    `--passwrod=${secret} snapshots`,
    `snapshots --passwrod ${secret}`,
    `snapshot create dir -p ${secret}`,
    `repository connect filesystem --path x -p ${secret}`,
    `repository create s3 --password=${secret}`,
    `-p ${secret} wibble`,
    `-p ${secret}`,
    `wibble -p ${secret}`,
    `help -p ${secret}`,
    `unlock -p ${secret}`,
  ]) {
    for (const more of [[], ["--json"]]) {
      const environment = { HOLDFAST_HOME: path("home"), HOLDFAST_DEBUG: "1" }
      const { code, out, err } = runWith(environment, [...typed.split(" "), ...more])
      assert.equal(code, 2, typed)
      assert.ok(!`${out}${err}`.includes(secret), `${typed}: ${err}`)
    }
  }
})

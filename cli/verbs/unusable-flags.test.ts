/** Flags and variables that contradict each other or would be ignored: exit 2 with the reason, without any change. */
import assert from "node:assert/strict"
import { existsSync, mkdirSync } from "node:fs"
import { test } from "node:test"
import { sandbox, type Outcome } from "../testing/run-cli.ts"

function isRefused({ code, out, err }: Outcome, words: string, reason: RegExp): void {
  assert.equal(code, 2, `${words}: ${err}`)
  assert.equal(out, "", words)
  assert.match(err, reason, words)
  assert.equal(err.trimEnd().split("\n").length, 1, err)
}

/** Verb with its arguments, flags, and the reason. */
type Row = readonly [verb: string, flags: string, reason: RegExp]

const ONE_SECRET = /can't be used with .*: give one secret that opens the repository/
const NO_FILES = /can't be used with --stdin.*: a stream has no files to skip/
const ONE_NEW = /can't be used with .*: give one new secret at a time/
const OPENING = [
  "--password-file a --key-file b",
  "--password-file a --password-command b",
  "--password-command a --key-file b",
]
const WORDS = ["--recovery-words-file w --key-file k", "--password-file a --recovery-words-file w"]

const ROWS: readonly Row[] = [
  ...[
    "backup x",
    "estimate x",
    "restore latest -t x",
    "snapshots",
    "ls latest",
    "find x",
    "log x",
    "diff latest",
  ]
    .concat([
      "dump latest:x",
      "stats",
      "check",
      "copy x",
      "key list",
      "key remove x",
      "device list",
      "connect",
    ])
    .map((verb, at): Row => [verb, [...OPENING, ...WORDS][at % 5] ?? "", ONE_SECRET]),
  ...[...OPENING, ...WORDS].map((flags): Row => ["doctor", flags, ONE_SECRET]),
  ...["key add", "key passwd"].flatMap((verb) => OPENING.map((flags): Row => [verb, flags, ONE_SECRET])),
  ["init", "--password-file a --password-command b", /give one passphrase; `holdfast key add` adds another/],
  ["init x", "-r y", /--repo can't be used with a LOCATION/],
  ["connect x", "-r y", /--repo can't be used with a LOCATION/],
  ["connect", "--read-only --accept-head", /--read-only writes nothing/],
  ...[
    "--new-password-file a --new-password-command b",
    "--new-password-file a --new-key-file b",
    "--recovery --new-password-file a",
    "--recovery --new-password-command a",
    "--recovery --new-key-file a",
  ].map((flags): Row => ["key add", flags, ONE_NEW]),
  ["key passwd", "--new-password-file a --new-password-command b", ONE_NEW],
  ["key add", "--recovery-words-file w", /--recovery-words-file needs --recovery/],
  ["key add", "--recovery-sheet w", /--recovery-sheet needs --recovery/],
  ...[
    "--sqlite",
    "--include a",
    "--exclude a",
    "--iexclude a",
    "--exclude-file a",
    "--exclude-caches",
    "--exclude-if-present a",
  ]
    .concat(["--exclude-larger-than 1M", "--one-file-system", "--git-ignore", "--no-holdfast-ignore"])
    .map((flags): Row => ["backup --stdin", flags, NO_FILES]),
  ["backup", "--exclude a --stdin-from-command -- echo", NO_FILES],
  ["backup", "--stdin --stdin-from-command -- echo", /only one stream can be saved/],
  ["backup --stdin", "--files-from -", /a stream is saved alone/],
  ["backup --stdin", "--budget 1M", /a budget reads the source twice/],
  ["backup --stdin x", "", /--stdin backs up standard input alone\. Give no paths with it/],
  ["backup", "--stdin-from-command", /--stdin-from-command needs a command/],
  ["backup x", "--stdin-filename y", /--stdin-filename needs --stdin or --stdin-from-command/],
  ["backup x", "--provider aws", /--provider needs --budget/],
  ["restore latest", "--target x --in-place", /give one destination/],
  ["restore latest", "--target x --dry-run --verify", /a dry run restores nothing to verify/],
  ["diff a b", "--with x", /--with can't be used with a second snapshot/],
  ["check", "--store-only --read-data", /--store-only can't be used with --read-data: --store-only reads/],
  ["check", "--store-only --read-data-subset 5%", /--store-only can't be used with --read-data-subset/],
  ["check", "--read-data --read-data-subset 5%", /--read-data can't be used with --read-data-subset/],
  ["copy --promote x", "--to-endpoint https://a.example", /nothing is copied; use --endpoint/],
  ["copy --promote x", "--to-credentials env:A", /nothing is copied/],
  ["copy --promote x", "--to-region a", /nothing is copied/],
  ["copy --promote x", "-r y", /--repo can't be used with a LOCATION/],
  ["cache", "--clear -r x", /the caches of all repositories are cleared/],
  ["snapshots", "--quiet --verbose", /--quiet can't be used with --verbose/],
]

test("flags that can't be used together are refused before anything is done", (context) => {
  const { runWith, path } = sandbox(context)
  for (const [verb, flags, reason] of ROWS) {
    const words = `${verb} ${flags}`.trim()
    isRefused(runWith({ HOLDFAST_HOME: path("home") }, words.split(" ")), words, reason)
  }
  assert.ok(!existsSync(path("home")))
})

const FOLDER = /--[a-z-]+ is for S3, and folder is a folder/
/** A folder's repository, one in a bucket, and one with an endpoint of its own. No request is made to them. */
const PLACES: readonly Row[] = [
  ...[
    "--endpoint http://127.0.0.1:9",
    "--ca-file no.pem",
    "--credentials env:A",
    "--region a",
    "--addressing path",
  ].map((flags): Row => ["snapshots -r folder", flags, FOLDER]),
  ...["backup x", "init", "connect", "check --store-only", "status"].map((verb): Row => [
    `${verb} -r folder`,
    "--region a",
    FOLDER,
  ]),
  ["doctor -r folder", "--probe", /--probe is for S3, and folder is a folder/],
  ["snapshots -r s3:http://127.0.0.1:9/bucket", "--endpoint http://127.0.0.1:8", /has its own endpoint/],
  ["init s3:http://127.0.0.1:9/bucket", "--endpoint http://127.0.0.1:8", /has its own endpoint/],
  [
    "copy mirror -r folder",
    "--endpoint http://127.0.0.1:9",
    /folder is a folder; it is for S3, and mirror is a folder/,
  ],
  ["copy mirror -r folder", "--region a", /folder is a folder/],
  [
    "copy mirror -r folder",
    "--to-endpoint http://127.0.0.1:9",
    /--to-endpoint is for S3, and mirror is a folder/,
  ],
  ["copy mirror -r s3://bucket", "--to-endpoint foo", /--to-endpoint is for S3, and mirror is a folder/],
  ["copy mirror -r folder", "--to-credentials env:A", /--to-credentials is for S3, and mirror is a folder/],
  ["copy mirror -r folder", "--to-region a", /--to-region is for S3/],
  ["copy s3://mirror -r folder", "--region a --to-region b", /--region is for S3, and folder is a folder/],
  ["copy s3:http://127.0.0.1:9/mirror -r folder", "--to-endpoint http://127.0.0.1:8", /has its own endpoint/],
  ["copy --promote mirror", "--region a", /--region is for S3, and mirror is a folder/],
]

test("flags for S3 are refused for a folder, and an endpoint for a location with its own", (context) => {
  const { runWith, path } = sandbox(context)
  for (const [verb, flags, reason] of PLACES) {
    const words = `${verb} ${flags}`
    isRefused(runWith({ HOLDFAST_HOME: path("home") }, words.split(" ")), words, reason)
  }
})

test("a flag for S3 is used where one place of two is a bucket, and an endpoint may be named twice", (context) => {
  const box = sandbox(context)
  box.must("init")
  const isTried = (words: string): void => {
    const { code, err } = box.run(...words.split(" "), "--limit-upload", "fast")
    assert.equal(code, 2)
    assert.match(err, /--limit-upload needs a whole number/, words)
  }
  isTried("copy s3://mirror --region a --endpoint http://127.0.0.1:9")
  isTried("copy s3://mirror --to-region a --to-endpoint http://127.0.0.1:9")
  isTried("snapshots -r s3:http://127.0.0.1:9/bucket --endpoint http://127.0.0.1:9/")
  isTried("snapshots -r s3://bucket --endpoint http://127.0.0.1:9")
})

test("two variables that name a secret contradict each other, and a flag overrides all of them", (context) => {
  const box = sandbox(context)
  box.must("init")
  const names = ["PASSWORD", "PASSWORD_FILE", "PASSWORD_COMMAND", "KEY_FILE", "RECOVERY_WORDS_FILE"].map(
    (name) => `HOLDFAST_${name}`,
  )
  const home = { HOLDFAST_HOME: box.path("other"), HOLDFAST_REPOSITORY: box.repository }
  for (const [at, first] of names.entries()) {
    for (const second of names.slice(at + 1)) {
      const outcome = box.runWith({ ...home, [first]: "x", [second]: "y" }, ["snapshots"])
      isRefused(outcome, `${first} ${second}`, new RegExp(`${first} and ${second} are both set`))
    }
  }
  const two = { ...home, HOLDFAST_PASSWORD: "x", HOLDFAST_RECOVERY_WORDS_FILE: "y" }
  assert.equal(box.runWith(two, ["snapshots", "--key-file", box.keyFile]).code, 0)
  assert.equal(
    box.runWith({ ...home, HOLDFAST_PASSWORD: "", HOLDFAST_KEY_FILE: box.keyFile }, ["stats"]).code,
    0,
  )
  assert.equal(box.runWith(two, ["version", "--verbose"]).code, 0)
  isRefused(
    box.runWith({ ...home, HOLDFAST_PASSWORD: "x", HOLDFAST_KEY_FILE: "y" }, ["init", "z"]),
    "init",
    /both set/,
  )
})

test("variables for the mirror that would be ignored are refused", (context) => {
  const box = sandbox(context)
  box.must("init")
  const cases: [Record<string, string>, RegExp][] = [
    [{ ACCESS_KEY_ID: "a" }, /TO_ACCESS_KEY_ID is set, and HOLDFAST_TO_SECRET_ACCESS_KEY is not/],
    [{ SECRET_ACCESS_KEY: "a" }, /TO_SECRET_ACCESS_KEY is set, and HOLDFAST_TO_ACCESS_KEY_ID is not/],
    [{ CREDENTIALS: "env:A", ACCESS_KEY_ID: "a", SECRET_ACCESS_KEY: "b" }, /are both set/],
  ]
  for (const [variables, reason] of cases) {
    const named = Object.fromEntries(
      Object.entries(variables).map(([key, value]) => [`HOLDFAST_TO_${key}`, value]),
    )
    isRefused(
      box.runWith({ ...box.environment, ...named }, ["copy", "s3://mirror"]),
      Object.keys(named).join(),
      reason,
    )
  }
})

test("init takes a passphrase and a key file at once, a keyslot each", (context) => {
  const box = sandbox(context)
  box.must("init", "--password-command", "echo correct horse", "--key-file", box.keyFile)
  const kinds = box.must("key", "list", "--json").lines.map(({ kind }) => String(kind))
  assert.deepEqual(new Set(kinds), new Set(["key", "passphrase"]))
})

test("an invalid time or series is refused", (context) => {
  const box = sandbox(context)
  box.must("init")
  mkdirSync(box.path("notes"))
  const cases: [RegExp, ...string[]][] = [
    [/series/, "backup", "notes", "--series", ""],
    ...["2026-02-30", "2026-13-01", "2026-01-01 or so", "yesterday", "2026-01-01T25:00"].map(
      (time): [RegExp, ...string[]] => [/--time needs a time/, "backup", "notes", "--time", time],
    ),
  ]
  for (const [reason, ...words] of cases) {
    const { code, err } = box.run(...words)
    assert.equal(code, 2, `${words.join(" ")}: ${err}`)
    assert.match(err, reason)
  }
  assert.equal(box.must("snapshots", "--json").lines.length, 0)
})

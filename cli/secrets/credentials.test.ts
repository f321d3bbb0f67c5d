/** S3 credentials by reference, on the built program. spec/secrets.md. */
import assert from "node:assert/strict"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import {
  startS3FaultServer,
  type S3FaultServer,
  type S3FaultServerOptions,
} from "../../engine/testing/s3-fault-server.ts"
import { sandbox, type Outcome, type Sandbox } from "../testing/run-cli.ts"
import { besides, type Beside } from "../testing/run-cli-beside.ts"

const SECRET = "a-secret-key-that-nobody-may-see"
const PAIR = `TESTACCESSKEY:${SECRET}`

interface Setting {
  readonly box: Sandbox
  readonly server: S3FaultServer
  /** Without any credentials in its environment. */
  readonly cli: Beside
  readonly location: string
  readonly source: string
}

async function setting(
  context: TestContext,
  options: S3FaultServerOptions = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<Setting> {
  const server = await startS3FaultServer({ secretAccessKey: SECRET, ...options })
  context.after(() => server.close())
  const box = sandbox(context)
  const source = box.path("notes")
  mkdirSync(source)
  writeFileSync(join(source, "a.md"), "first\n")
  const cli = besides(box, { AWS_EC2_METADATA_DISABLED: "true", ...environment })
  return { box, server, cli, location: `s3:${server.endpoint}/${server.bucket}/x`, source }
}

/** The ways a secret leaks: into output, and into stored files. */
function assertSecret(box: Sandbox, outcomes: readonly Outcome[]): void {
  for (const { out, err } of outcomes) assert.ok(!`${out}${err}`.includes(SECRET), "printed")
  for (const entry of readdirSync(box.path("home"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    assert.ok(!readFileSync(file).includes(SECRET), `kept in ${file}`)
  }
}

test("--credentials takes a file, a command, a keychain, a variable and a profile", async (context) => {
  const keychain = sandbox(context).folder
  writeFileSync(
    join(keychain, "secret-tool"),
    `#!/bin/sh\ntest "$*" = "lookup service holdfast account b2" && echo "${PAIR}"\n`,
    { mode: 0o755 },
  )
  const { box, cli, location, source } = await setting(
    context,
    {},
    { MY_KEYS: PAIR, PATH: `${keychain}:${process.env["PATH"] ?? ""}` },
  )
  writeFileSync(box.path("keys"), `${PAIR}\n`, { mode: 0o600 })
  mkdirSync(box.path("user", ".aws"), { recursive: true })
  writeFileSync(
    box.path("user", ".aws", "credentials"),
    `[back]\naws_access_key_id = TESTACCESSKEY\naws_secret_access_key = ${SECRET}\n`,
    { mode: 0o600 },
  )
  const outcomes = [
    await cli.must(["init", location, "--credentials", `file:${box.path("keys")}`]),
    await cli.must(["backup", source, "--credentials", `command:cat '${box.path("keys")}'`, "--verbose"]),
    await cli.must(["stats", "--credentials", "keychain:b2", "--json"]),
    await cli.must(["check", "--credentials", "env:MY_KEYS", "--json"]),
    await cli.must(["doctor", "--credentials", "profile:back", "--verbose"]),
  ]
  assertSecret(box, outcomes)
})

test("HOLDFAST_CREDENTIALS does the same, --credentials overrides it, and both override the AWS chain", async (context) => {
  const { box, cli, location } = await setting(
    context,
    {},
    {
      HOLDFAST_CREDENTIALS: "file:keys",
      AWS_ACCESS_KEY_ID: "OTHER",
      AWS_SECRET_ACCESS_KEY: "of another store",
      GOOD: PAIR,
    },
  )
  writeFileSync(box.path("keys"), PAIR, { mode: 0o600 })
  await cli.must(["init", location])
  writeFileSync(box.path("keys"), "OTHER:wrong", { mode: 0o600 })
  assert.match((await cli.run(["check"])).err, /does not know this access key/)
  await cli.must(["check", "--credentials", "env:GOOD"])
})

interface Refused {
  readonly what: string
  readonly reference: string
  readonly code: number
  readonly says: RegExp
}

const REFUSED: readonly Refused[] = [
  {
    what: "a literal secret",
    reference: PAIR,
    code: 2,
    says: /expected a reference, not the secret itself/,
  },
  {
    what: "a file that others can read",
    reference: "file:open",
    code: 1,
    says: /other users can read open. Run: chmod 600 open/,
  },
  { what: "a file that is not there", reference: "file:gone", code: 2, says: /the file gone does not exist/ },
  {
    what: "a command that fails",
    reference: `command:echo ${SECRET}; false`,
    code: 1,
    says: /the command exited with 1/,
  },
  {
    what: "a variable that is not set",
    reference: "env:NONE",
    code: 2,
    says: /the variable NONE is not set/,
  },
  {
    what: "a file that holds something else",
    reference: "file:other",
    code: 2,
    says: /expected KEY_ID:SECRET_KEY/,
  },
]

for (const { what, reference, code, says } of REFUSED) {
  test(`${code}: ${what} is refused as credentials, reported, and not repeated`, async (context) => {
    const { box, server, cli, location } = await setting(context)
    writeFileSync(box.path("open"), PAIR)
    chmodSync(box.path("open"), 0o644)
    writeFileSync(box.path("other"), SECRET, { mode: 0o600 })
    for (const words of [["--json"], []]) {
      const outcome = await cli.run(["init", location, "--credentials", reference, ...words])
      assert.equal(outcome.code, code, outcome.err)
      assert.match(outcome.err, says)
      assert.ok(!`${outcome.out}${outcome.err}`.includes(SECRET))
      assert.doesNotMatch(outcome.err, /internal error|\n\s+at /)
    }
    const debug = besides(box, { HOLDFAST_DEBUG: "1" })
    const traced = await debug.run(["init", location, "--credentials", reference])
    assert.ok(!`${traced.out}${traced.err}`.includes(SECRET), "not in a stack trace either")
    assert.equal(server.requests.length, 0)
    assert.ok(!existsSync(box.path("home", "identity")))
  })
}

test("backup continues when its token expires meanwhile: it runs the command again", async (context) => {
  const { box, server, cli, location, source } = await setting(context, { sessionToken: "token-0" })
  for (let i = 0; i < 12; i++)
    writeFileSync(join(source, `${i}`), Buffer.alloc(5_000_000, `${i} of many ${i * 7919}`))
  let rotations = 0
  const tell = (): void => {
    const lines = [`AWS_ACCESS_KEY_ID=TESTACCESSKEY`, `AWS_SECRET_ACCESS_KEY=${SECRET}`]
    writeFileSync(
      box.path("token"),
      [...lines, `AWS_SESSION_TOKEN=${server.sessionToken ?? ""}`].join("\n"),
      {
        mode: 0o600,
      },
    )
  }
  tell()
  const reference = `command:echo asked >> '${box.path("asked")}'; cat '${box.path("token")}'`
  await cli.must(["init", location, "--credentials", reference])
  const before = server.requests.length
  server.plan = ({ number, method }) => {
    // Before the second request, and before the commit.
    if (number === before + 1 || (method === "PUT" && rotations === 1)) {
      server.sessionToken = `token-${++rotations}`
      tell()
    }
    return undefined
  }
  const saved = await cli.must(["backup", source, "--credentials", reference, "--json"])
  assert.equal(saved.last["errors"], 0)
  assert.ok(rotations >= 2, `${rotations} rotations`)
  assert.equal(readFileSync(box.path("asked"), "utf8").trim().split("\n").length, 2 + rotations)

  // And without any other credentials, it reports that.
  writeFileSync(join(source, "a.md"), "second\n")
  server.plan = () => undefined
  server.sessionToken = "token-of-nobody"
  const refused = await cli.run(["backup", source, "--credentials", reference])
  assert.equal(refused.code, 1, refused.err)
  assert.match(refused.err, /the session token is expired or invalid\. Log in again or get new credentials/)
  assertSecret(box, [saved, refused])
})

test("copy takes each store's own credentials", async (context) => {
  const { box, cli, location, source } = await setting(
    context,
    {},
    { FROM: PAIR, TO: "OTHERKEY:other-secret" },
  )
  const other = await startS3FaultServer({ accessKeyId: "OTHERKEY", secretAccessKey: "other-secret" })
  context.after(() => other.close())
  await cli.must(["init", location, "--credentials", "env:FROM"])
  await cli.must(["backup", source, "--credentials", "env:FROM"])
  const mirror = `s3:${other.endpoint}/${other.bucket}/mirror`
  const words = ["copy", mirror, "--credentials", "env:FROM"]
  assert.match((await cli.run(words)).err, /does not know this access key/)
  const copied = await cli.must([...words, "--to-credentials", "env:TO", "--json"])
  const { put: putThere = 0, bytes_up: bytesUp = 0 } = copied.last["requests_to"] as Record<string, number>
  const { put = 0, get = 0, bytes_down: bytesDown = 0 } = copied.last["requests"] as Record<string, number>
  assert.ok(putThere > 0 && put === putThere, `${put} PUT`)
  assert.ok(get > 0 && bytesDown > 0 && bytesUp > 0, `${get} GET, ${bytesDown} bytes`)
  assert.match((await cli.run([...words, "--to-credentials", "other-secret"])).err, /expected a reference/)
  const again = await besides(box, {
    FROM: PAIR,
    HOLDFAST_TO_CREDENTIALS: "env:TO",
    TO: "OTHERKEY:other-secret",
  }).must(words)
  assert.match(again.out, /copied 0 objects/)
})

/**
 * Secrets of an agent's set-up, used in earnest and then looked for: in the store, the home, the log, results, errors,
 * stack traces, and the process list.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { after, test } from "node:test"
import { startS3Server } from "../../fixtures/s3-servers.ts"
import { agentPlace, type AgentPlace } from "../testing/agent-place.ts"

const PROGRAM = resolve("dist/cli/main.js")
const server = await startS3Server("versitygw")
after(() => server.close())

interface Seen {
  readonly code: number | null
  /** Standard output, standard error, and the command lines that other users saw meanwhile. */
  readonly text: string
}

async function run(
  { environment, folder }: AgentPlace,
  words: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const { PATH = "" } = process.env
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    cwd: folder,
    env: { PATH, HOLDFAST_DEBUG: "1", ...environment, ...more },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let text = ""
  const add = (data: Buffer): void => void (text += data.toString("latin1"))
  child.stdout.on("data", add)
  child.stderr.on("data", add)
  const look = setInterval(() => (text += commandLines()), 20)
  const code = await new Promise<number | null>((done) => void child.once("close", done))
  clearInterval(look)
  return { code, text }
}

/** Of all processes: this program may start others. */
function commandLines(): string {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  return pids.map((pid) => readOrNothing(`/proc/${pid}/cmdline`)).join("\n")
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "latin1")
  } catch {
    return ""
  }
}

/** Each secret as it may appear: as it was written, and as bytes, in hex and in base64. */
function forms(secret: string, bytes?: Buffer): string[] {
  const raw =
    bytes === undefined ? [] : [bytes.toString("latin1"), bytes.toString("hex"), bytes.toString("base64url")]
  return [secret, ...raw, Buffer.from(secret).toString("base64").replace(/=+$/, "")]
}

function filesIn(folder: string, leftOut: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .filter((file) => !leftOut.includes(file))
}

test("the secrets of an agent appear nowhere: store, home, log, results, errors, process list", async (t) => {
  const place = await agentPlace(t)
  const { folder, workspace, environment } = place
  const key = randomBytes(32)
  const secretFiles = {
    key: join(folder, "secret-key.b64"),
    id: join(folder, "secret-id"),
    s3: join(folder, "secret-s3"),
    wrong: join(folder, "secret-wrong"),
  }
  const wrong = "canary-wrong-secret-0123456789"
  writeFileSync(secretFiles.key, key.toString("base64"), { mode: 0o600 })
  writeFileSync(secretFiles.id, server.credentials.accessKeyId, { mode: 0o600 })
  writeFileSync(secretFiles.s3, server.credentials.secretAccessKey, { mode: 0o600 })
  writeFileSync(secretFiles.wrong, wrong, { mode: 0o600 })
  const texts: Seen[] = []
  const remember = async (...parts: Parameters<typeof run>): Promise<Seen> => {
    const seen = await run(...parts)
    texts.push(seen)
    return seen
  }
  const s3 = {
    provider: "custom",
    repository: undefined,
    endpoint: server.endpoint,
    bucket: server.bucket,
    region: server.region,
  }
  const config = {
    ...s3,
    path_prefix: "agent/",
    key_id: `file:${secretFiles.id}`,
    secret_key: `file:${secretFiles.s3}`,
    encryption_key: `file:${secretFiles.key}`,
  }
  const made = await remember(
    place,
    [
      "init",
      `s3:${server.endpoint}/${server.bucket}/agent`,
      "--key-file",
      secretFiles.key,
      "--recovery-words-file",
      join(folder, "words"),
    ],
    {
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
      AWS_REGION: server.region,
    },
  )
  assert.equal(made.code, 0, made.text)
  rmSync(environment["HOLDFAST_HOME"] ?? "", { recursive: true }) // the agent enrols by its own references
  await place.configure(config)
  const sync = ["agent", "sync", "--json", "--workspace", workspace]
  const first = await remember(place, sync)
  assert.equal(first.code, 0, first.text)
  assert.equal((await remember(place, ["agent", "status", "--verbose", "--workspace", workspace])).code, 0)
  place.write("memory/more.md", "more\n")
  await place.configure({ ...config, secret_key: `file:${secretFiles.wrong}` })
  assert.notEqual((await remember(place, sync)).code, 0, "a wrong secret key")
  await place.configure({ ...config, endpoint: "http://127.0.0.1:9" })
  assert.notEqual((await remember(place, sync)).code, 0, "a store that does not answer")
  assert.equal((await remember(place, ["agent", "status", "--json", "--workspace", workspace])).code, 0)
  rmSync(environment["HOLDFAST_HOME"] ?? "", { recursive: true })
  await place.configure({ ...config, encryption_key: `file:${secretFiles.wrong}` })
  assert.notEqual((await remember(place, sync)).code, 0, "a wrong key")

  const canaries = [
    ...forms(key.toString("base64"), key),
    ...forms(server.credentials.secretAccessKey),
    ...forms(wrong),
  ]
  const own = [...Object.values(secretFiles), join(folder, "words")]
  const words = readFileSync(join(folder, "words"), "utf8").trim().split(/\s+/).slice(0, 4).join(" ")
  for (const canary of [...canaries, words]) {
    const name = createHash("sha256").update(canary).digest("hex").slice(0, 8)
    for (const { text } of texts) assert.ok(!text.includes(canary), `canary ${name} in ${text.slice(0, 300)}`)
    for (const file of filesIn(folder, own))
      assert.ok(!readFileSync(file).includes(Buffer.from(canary, "latin1")), `canary ${name} in ${file}`)
  }
})

/** A new machine whose backups are in a bucket: the built program on a real S3 server. */
import assert from "node:assert/strict"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, test } from "node:test"
import { differences, pictureOf, showDifferences, type Picture } from "../../../fixtures/picture.ts"
import { startS3Server } from "../../../fixtures/s3-servers.ts"
import { sandbox } from "../../testing/run-cli.ts"
import { besides } from "../../testing/run-cli-beside.ts"

const server = await startS3Server("versitygw")
after(() => server.close())

function picture(workspace: string): Picture {
  return new Map([...pictureOf(workspace)].filter(([path]) => !path.includes("sync-")))
}

test("agent restore on a new machine takes place and credentials from its flags", async (t) => {
  const box = sandbox(t)
  const credentials = box.path("credentials")
  const { accessKeyId, secretAccessKey } = server.credentials
  const lines = [
    "[default]",
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
  ]
  writeFileSync(credentials, `${lines.join("\n")}\n`, { mode: 0o600 })
  const cli = besides(box, {})
  const workspace = box.path("workspace")
  mkdirSync(join(workspace, "memory"), { recursive: true })
  writeFileSync(join(workspace, "MEMORY.md"), "what I know\n")
  writeFileSync(join(workspace, "memory/day.md"), "a day\n")
  const bucket = ["-r", `s3://${server.bucket}/agents`, "--endpoint", server.endpoint]
  const place = [...bucket, "--region", server.region, "--credentials", `file:${credentials}`]
  await cli.must([
    "agent",
    "init",
    "--yes",
    "--workspace",
    workspace,
    ...place,
    "--recovery-words-file",
    box.path("words"),
  ])
  await cli.must(["agent", "sync", "--workspace", workspace])
  const fresh = box.path("fresh")
  const restore = [
    "agent",
    "restore",
    "latest",
    "--workspace",
    fresh,
    ...place,
    "--yes",
    "--recovery-words-file",
    box.path("words"),
  ]
  const first = await cli.run([...restore, "--json"], "other home")
  assert.equal(first.code, 2, first.err)
  const { sha256 } = (first.last["config"] ?? {}) as { sha256: string }
  const shown = await cli.run(restore, "other home")
  assert.match(shown.out, /Repository: {2}[0-9a-f]{8} at s3:[^\n]*, with 1 device\nDevices: /)
  await cli.must([...restore, "--accept-config", sha256], "other home")
  const differing = differences(picture(workspace), picture(fresh))
  assert.equal(differing.length, 0, showDifferences(differing))
  const config = readFileSync(join(fresh, "session-sync-config.json"), "utf8")
  assert.ok(!config.includes(secretAccessKey))
  await cli.must(["agent", "sync", "--workspace", fresh], "other home")
})

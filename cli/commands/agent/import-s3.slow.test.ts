/** The user's own example of a configuration, imported and used on a real S3 server. */
import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, test } from "node:test"
import { differences, pictureOf } from "../../../fixtures/picture.ts"
import { startS3Server } from "../../../fixtures/s3-servers.ts"
import { sandbox } from "../../testing/run-cli.ts"
import { besides } from "../../testing/run-cli-beside.ts"

const server = await startS3Server("minio")
after(() => server.close())

const { accessKeyId, secretAccessKey } = server.credentials
/** As in the example: the configuration of a user who has typed the secrets into it. */
const EXAMPLE = readFileSync("fixtures/agent/users-example.jsonc", "utf8")
  .replace("https://s3.amazonaws.com", server.endpoint)
  .replace("my-agent-backups", server.bucket)
  .replace("EXAMPLE-KEY-ID", accessKeyId)
  .replace("EXAMPLE-SECRET-KEY", secretAccessKey)
  .replace("us-east-1", server.region)

test("agent import makes a working set-up of the user's example, and no secret of it is anywhere else", async (context) => {
  const box = sandbox(context)
  const workspace = box.path("user", "nero")
  mkdirSync(join(workspace, "memory"), { recursive: true })
  writeFileSync(join(workspace, "MEMORY.md"), "# Memory\n")
  writeFileSync(join(workspace, "memory/2026-11-01.md"), "a day\n")
  writeFileSync(join(workspace, "session-sync-config.json"), EXAMPLE)
  const cli = besides(box, { HOLDFAST_KEY_FILE: "" })
  const at = ["--workspace", workspace]
  const said = [await cli.must(["agent", "import", "--yes", ...at])]
  const before = pictureOf(workspace)
  said.push(await cli.must(["agent", "sync", "--json", ...at]))
  assert.equal(said[1]?.last["outcome"], "created")
  said.push(await cli.must(["agent", "status", "--verbose", "--json", ...at]))
  assert.match(JSON.stringify(said[2]?.last["repository"]), /openclaw\/nero/)
  said.push(await cli.run(["agent", "doctor", ...at]))
  assert.match(said[3]?.out ?? "", /S3 key may delete objects/)

  const key = box.path("example-key")
  writeFileSync(key, "RVhBTVBMRS1LRVktT0YtMzItQllURVMtRk9SLVRFU1Q=\n", { mode: 0o600 })
  const credentials = box.path("credentials")
  writeFileSync(credentials, `${accessKeyId}:${secretAccessKey}\n`, { mode: 0o600 })
  const place = ["-r", `s3://${server.bucket}/openclaw/nero`, "--endpoint", server.endpoint]
  const words = ["restore", "latest", "--target", box.path("out"), "--key-file", key, ...place]
  await cli.must(
    [...words, "--region", server.region, "--credentials", `file:${credentials}`],
    "another home",
  )
  assert.deepEqual(differences(before, pictureOf(box.path("out", "workspace"))), [])

  const everywhere = [
    ...said.flatMap(({ out, err }) => [out, err]),
    ...filesIn(workspace),
    ...filesIn(box.path("home")).filter((text) => ![accessKeyId, secretAccessKey].includes(text.trim())),
  ].join("\n")
  assert.ok(!everywhere.includes(secretAccessKey), "the secret key is somewhere")
})

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), "latin1")] : [],
  )
}

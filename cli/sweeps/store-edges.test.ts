/** Odd locations and objects: a location that contains a secret, and objects that are not regular files. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { ready, sandbox } from "../testing/run-cli.ts"

const FORMS = [
  "s3://KEY:hunter2@host",
  "s3://KEY:hunter2@host/bucket/prefix",
  "s3://KEY:hunter2/with/slashes@host/bucket",
  "s3:https://KEY:hunter2@host/bucket",
  "s3:KEY:hunter2@host/bucket",
  "minio://KEY:hunter2@host/bucket",
  "sftp://me:hunter2@host/repository",
  "me:hunter2@host:/repository",
]

test("a credential in a location is refused, and no message, JSON line or file of the home repeats it", (context) => {
  const box = sandbox(context)
  ready(box)
  const calls = (location: string): string[][] => [
    ["init", location],
    ["connect", location],
    ["snapshots", "-r", location],
    ["backup", box.path("notes"), "-r", location, "--json"],
    ["check", "--store-only", "-r", location],
    ["copy", location],
    ["doctor", "-r", location],
    ["doctor", "-r", location, "--json"],
    ["snapshots", "--endpoint", location.replace(/^s3:/, ""), "-r", "s3://bucket"],
  ]
  for (const [i, location] of FORMS.entries()) {
    for (const words of calls(location).slice(0, i === 0 ? undefined : 2)) {
      const { code, out, err } = box.run(...words)
      assert.notEqual(code, 0, words.join(" "))
      assert.doesNotMatch(`${out}${err}`, /hunter2|internal error/, words.join(" "))
    }
    const byVariable = box.runWith({ HOLDFAST_REPOSITORY: location }, ["snapshots", "--json"])
    assert.equal(byVariable.code, 2, byVariable.err)
    assert.doesNotMatch(`${byVariable.out}${byVariable.err}`, /hunter2/)
  }
  for (const name of readdirSync(box.path("home"), { recursive: true, encoding: "utf8" })) {
    const file = join(box.path("home"), name)
    if (statSync(file).isFile()) assert.doesNotMatch(readFileSync(file, "latin1"), /hunter2/, name)
  }
})

test("a FIFO in any object's place is damage, and no verb waits for it", (context) => {
  const box = sandbox(context)
  const source = ready(box)
  const names = readdirSync(box.repository, { recursive: true, encoding: "utf8" })
  const objects = names.filter((name) => statSync(join(box.repository, name)).isFile())
  assert.ok(objects.length >= 5)
  for (const object of objects) {
    const file = join(box.repository, object)
    const bytes = readFileSync(file)
    rmSync(file)
    execFileSync("mkfifo", [file])
    for (const words of [
      ["check", "--read-data"],
      ["restore", "latest", "--target", box.path("out")],
      ["ls"],
    ]) {
      rmSync(box.path("out"), { recursive: true, force: true })
      const fresh = { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_HOME: box.path("fresh") }
      rmSync(box.path("fresh"), { recursive: true, force: true })
      const { code, err } = box.runWith({ ...fresh, HOLDFAST_KEY_FILE: box.keyFile }, words)
      assert.notEqual(code, null, `${words[0]} waits for ${object}`)
      if (!object.startsWith("keys/")) assert.notEqual(code, 0, `${words[0]} ${object}: ${err}`)
      assert.doesNotMatch(err, /internal error/)
    }
    assert.notEqual(box.run("backup", source, "--force").code, null)
    rmSync(file)
    writeFileSync(file, bytes)
  }
})

test("an unknown key and an unknown snapshot have the same exit code", (context) => {
  const box = sandbox(context)
  ready(box)
  const [key, snapshot] = [box.run("key", "remove", "0123456789"), box.run("ls", "0123456789")]
  assert.deepEqual([key.code, snapshot.code], [1, 1], `${key.err}${snapshot.err}`)
  assert.match(key.err, /no key starts with "0123456789"/)
})

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { maskSecrets, scanSecrets, secretsInText } from "./scan-secrets.ts"

/** Put together here, since a scanner of this repository would report them. */
const TOKENS: readonly (readonly [string, string])[] = [
  ["private key", `-----BEGIN OPENSSH ${"PRIVATE"} KEY-----`],
  ["AWS access key", `the key is ${"AKIA"}IOSFODNN7ABCDEFG`],
  ["AWS secret key", `aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/${"bPxRfiCYzABCDEFKEY"}`],
  ["GitHub token", `${"ghp"}_${"aB3".repeat(12)}`],
  ["Slack token", `${"xoxb"}-123456789012-${"Ab1".repeat(8)}`],
  ["Anthropic key", `${"sk"}-ant-api03-${"aB3_".repeat(12)}`],
  ["OpenAI key", `${"sk"}-proj-${"aB3_".repeat(12)}`],
  ["Google API key", `${"AIza"}${"aB3_x".repeat(7)}`],
  ["npm token", `${"npm"}_${"aB3".repeat(12)}`],
  ["password or key", `password: "gT7#kQ9!zLm2pX"`],
  ["password or key", `ENCRYPTION_KEY=q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=`],
]

const HARMLESS = [
  "Ask Anna for the password of the router.",
  "password: env:ROUTER_PASSWORD",
  'secret_key: "file:/home/me/.local/share/holdfast/secrets/a.secret-key"',
  "api_key = ${OPENAI_API_KEY}",
  "api_key: your-api-key-goes-here1",
  "password = correcthorsebatterystaple",
  "secret: process.env.SECRET_TOKEN_1",
  "The commit 3f786850e387550fdab836ed7e6dc881de23001b fixed it.",
]

test("secretsInText() finds each published form of token, and its line", () => {
  for (const [kind, text] of TOKENS) {
    assert.deepEqual(secretsInText(`one\n${text}\nthree`), [{ line: 2, kind }], kind)
  }
})

test("secretsInText() passes over prose, references, variables and placeholders", () => {
  for (const text of HARMLESS) assert.deepEqual(secretsInText(text), [], text)
})

test("secretsInText() finds a secret behind a placeholder in the same line", () => {
  const line = JSON.stringify({ password: "your-password-here", api_key: "Zx9qT4vLm2Rk8Wp3Yd7N" })
  assert.deepEqual(secretsInText(line), [{ line: 1, kind: "password or key" }])
})

test("secretsInText() takes linear time on hostile lines", () => {
  const lines = ["aws ".repeat(5000), "password=".repeat(2000), "eyJ".repeat(6000), "xoxb-a-".repeat(2500)]
  const start = performance.now()
  for (const line of lines) secretsInText(line)
  assert.ok(performance.now() - start < 2000)
})

test("scanSecrets() names file and line, and never follows a link or waits for a pipe", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-scan-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const token = TOKENS[3]?.[1] ?? ""
  writeFileSync(join(folder, "a.md"), `# Notes\n\ntoken ${token}\n`)
  writeFileSync(join(folder, "b.bin"), `\0${token}`)
  symlinkSync("a.md", join(folder, "link.md"))
  execFileSync("mkfifo", [join(folder, "pipe.md")])
  const found = scanSecrets(folder, ["a.md", "b.bin", "link.md", "pipe.md", "missing.md"])
  assert.deepEqual(found, [{ path: "a.md", line: 3, kind: "GitHub token" }])
  assert.ok(!JSON.stringify(found).includes(token))
})

test("maskSecrets() hides credentials in a location, and whole values with tokens", () => {
  assert.equal(maskSecrets("https://me:hunter2@host/x"), "https://(hidden)@host/x")
  assert.equal(maskSecrets(TOKENS[1]?.[1] ?? ""), "(hidden)")
  assert.equal(maskSecrets("https://s3.eu-west-1.amazonaws.com"), "https://s3.eu-west-1.amazonaws.com")
})

import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { openHome } from "../../../engine/index.ts"
import type { Reference } from "./config.ts"
import { encryptionKey, keyBytes, PRIVATE_NAME, type SecretSources } from "./secrets.ts"
import { madeKeyPath, secretsFolderOf } from "./places.ts"

const KEY = Buffer.alloc(32, 1).toString("base64")
const OTHER = Buffer.alloc(32, 2).toString("base64")

interface Desk {
  readonly folder: string
  readonly sources: (reference?: Reference, variables?: Readonly<Record<string, string>>) => SecretSources
  readonly private: (name: string, text: string) => string
}

function desk(context: TestContext): Desk {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-secrets-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, ".openclaw"))
  const home = openHome({ directory: join(folder, "home"), environment: {} })
  return {
    folder,
    sources: (encryption_key, variables = {}) => ({
      config: {
        workspace_id: "0123456789abcdef",
        ...(encryption_key === undefined ? {} : { encryption_key }),
      },
      stateFolder: folder,
      home,
      environment: { HOME: folder, ...variables },
      hostSecrets: undefined,
    }),
    private(name, text) {
      const path = join(folder, name)
      writeFileSync(path, text, { mode: 0o600 })
      return path
    },
  }
}

async function firstByte(sources: SecretSources): Promise<number | undefined> {
  const secret = await encryptionKey(sources)
  return secret?.kind === "key" ? secret.bytes[0] : undefined
}

test("encryptionKey() takes the host's value, then private.json, then the configuration, then the made key", async (context) => {
  const { sources, private: put } = desk(context)
  assert.equal(await firstByte(sources()), undefined)
  const bare = sources()
  mkdirSync(secretsFolderOf(bare.home), { recursive: true })
  writeFileSync(madeKeyPath(bare.home, "0123456789abcdef"), KEY, { mode: 0o600 })
  assert.equal(await firstByte(bare), 1)
  const named = sources("env:OTHER", { OTHER })
  assert.equal(await firstByte(named), 2)
  put(
    PRIVATE_NAME,
    JSON.stringify({ encryption_key: `command:echo ${Buffer.alloc(32, 3).toString("base64")}` }),
  )
  assert.equal(await firstByte(named), 3)
  const hosts = { encryptionKey: Buffer.alloc(32, 4).toString("base64") }
  assert.equal(await firstByte({ ...named, hostSecrets: hosts }), 4)
})

test("encryptionKey() resolves OpenClaw's SecretRefs of env and file, and says where others are resolved", async (context) => {
  const { sources, private: put } = desk(context)
  const keys = put("keys.json", JSON.stringify({ "a/b": { key: KEY } }))
  const single = put("single", `${OTHER}\n`)
  const providers = {
    mine: { source: "file", path: keys },
    one: { source: "file", path: single, mode: "singleValue" },
    vault: { source: "exec", command: "/bin/vault" },
  }
  put(".openclaw/openclaw.json", `{ secrets: { providers: ${JSON.stringify(providers)} } } // JSON5`)
  const ref = (source: string, provider: string, id: string): Reference => ({ source, provider, id })
  assert.equal(await firstByte(sources(ref("env", "default", "MY_KEY"), { MY_KEY: KEY })), 1)
  assert.equal(await firstByte(sources("${MY_KEY}", { MY_KEY: KEY })), 1)
  assert.equal(await firstByte(sources(ref("file", "mine", "/a~1b/key"))), 1)
  assert.equal(await firstByte(sources(ref("file", "one", "value"))), 2)
  const refused: readonly (readonly [Reference, RegExp])[] = [
    [ref("exec", "vault", "x"), /only inside OpenClaw/],
    [ref("file", "vault", "/x"), /no file provider/],
    [ref("file", "mine", "/a~1b/other"), /no text at/],
    [ref("env", "default", "MISSING"), /MISSING is not set/],
  ]
  for (const [reference, message] of refused)
    await assert.rejects(encryptionKey(sources(reference)), { message })
})

test("encryptionKey() refuses a file that others can read, and never repeats its content", async (context) => {
  const { folder, sources } = desk(context)
  const path = join(folder, "open")
  writeFileSync(path, KEY, { mode: 0o644 })
  await assert.rejects(encryptionKey(sources(`file:${path}`)), (error: Error) => {
    assert.match(error.message, /other users can read/)
    return !error.message.includes(KEY)
  })
})

test("keyBytes() takes 32 bytes in base64 or hex, and repeats nothing else", () => {
  assert.equal(keyBytes(`${KEY}\n`).length, 32)
  assert.equal(keyBytes(Buffer.alloc(32, 255).toString("base64url")).length, 32)
  assert.equal(keyBytes("ab".repeat(32)).length, 32)
  for (const text of ["hunter2", KEY.slice(1), `${KEY}A`, ""])
    assert.throws(
      () => keyBytes(text),
      (error: Error) => text === "" || !error.message.includes(text),
    )
})

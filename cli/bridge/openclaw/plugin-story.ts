/**
 * The stage of the plugin's tests: a host with the packed plugin, a workspace with memory, a repository in a folder, a
 * fake model, and what a test does with them. Tests only.
 */
import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import type { SyncStatus } from "../results.ts"
import { startFakeModel, type FakeModel } from "./fake-model.ts"
import { onboardHost, runProgram, until, type OpenClaw, type Ran } from "./host.ts"
import { startHostileRegistry, type HostileRegistry } from "./hostile-registry.ts"
import { packPlugin } from "./pack.ts"

export const ID = "session-sync-cloud"
/** A line of an old note, which nothing else has. */
export const LINE = "The zebra crossing outside the office was repainted in vermilion."
const PROGRAM = resolve("dist/cli/main.js")
const MINUTE_MS = 60_000

type Recent = SyncStatus["recent"]

export interface Story {
  readonly folder: string
  readonly repository: string
  readonly wordsFile: string
  readonly model: FakeModel
  readonly registry: HostileRegistry
  readonly host: OpenClaw
  /** Values of secrets that must appear nowhere. */
  readonly canaries: readonly string[]
  /** Everything that the host and the program have answered. */
  readonly said: string[]
  /** @returns the structured object */
  tool<T>(name: string, parameters?: object): Promise<T>
  status(): Promise<SyncStatus>
  /** Sends a message and waits for the model's last answer. */
  turn(message: string, scopes?: readonly string[]): Promise<void>
  /** Sends a chat command of the plugin and waits for its reply. */
  command(text: string, scopes?: readonly string[]): Promise<string>
  /** Sends `/wrap_up`. @returns the snapshots that this made, and the time until the first */
  wrapUp(): Promise<{ readonly made: Recent; readonly ms: number }>
  /** The program on that machine. */
  holdfastTry(machine: OpenClaw, ...words: string[]): Promise<Ran>
  /** Fails unless the exit code is 0. */
  holdfast(machine: OpenClaw, ...words: string[]): Promise<Ran>
  stop(): Promise<void>
}

export async function openStory(folder: string): Promise<Story> {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string }
  const model = await startFakeModel()
  const registry = await startHostileRegistry(version)
  const host = await onboardHost(join(folder, "a"), model.port)
  const [keyId = "", secretKey = ""] = [18, 30].map((bytes) => randomBytes(bytes).toString("hex"))
  Object.assign(host.environment, {
    npm_config_registry: registry.url,
    STORE_KEY_ID: keyId,
    STORE_SECRET_KEY: secretKey,
  })
  const said: string[] = []
  const story: Story = {
    folder,
    repository: join(folder, "repository"),
    wordsFile: join(folder, "words"),
    model,
    registry,
    host,
    said,
    canaries: [keyId, secretKey],
    async tool<T>(name: string, parameters: object = {}): Promise<T> {
      const answer = await host.door(name, parameters)
      said.push(JSON.stringify(answer))
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      return answer.body.result?.details as T
    },
    status: () => story.tool<SyncStatus>("sync_status"),
    turn: (message, scopes) => turn(story, message, scopes),
    command: (text, scopes) => command(story, text, scopes),
    wrapUp: () => wrapUp(story),
    async holdfastTry(machine, ...words) {
      const at = { env: machine.environment, cwd: folder }
      const ran = await runProgram(process.execPath, [PROGRAM, ...words], at)
      said.push(ran.out, ran.err)
      return ran
    },
    async holdfast(machine, ...words) {
      const ran = await story.holdfastTry(machine, ...words)
      assert.equal(ran.code, 0, `holdfast ${words.join(" ")}\n${ran.out}\n${ran.err}`)
      return ran
    },
    async stop() {
      await host.stop()
      await model.stop()
      await registry.stop()
    },
  }
  await setUp(story)
  return story
}

async function setUp(story: Story): Promise<void> {
  const { host, folder, repository, wordsFile } = story
  const write = (path: string, text: string): void => {
    mkdirSync(join(host.workspace, path, ".."), { recursive: true })
    writeFileSync(join(host.workspace, path), text)
  }
  const skill = '---\nname: wrap-up\ndescription: "Write the notes of the day."\n---\nAppend notes.\n'
  write("skills/wrap-up/SKILL.md", skill)
  write("memory/2026-11-30.md", `# Notes\n\n${LINE}\n`)
  write("MEMORY.md", "# Memory\n\nThe office is on the third floor.\n")
  rmSync(join(host.workspace, "BOOTSTRAP.md"), { force: true })
  const init = ["agent", "init", "--workspace", host.workspace, "--yes", "-r", repository]
  await story.holdfast(host, ...init, "--recovery-words-file", wordsFile)
  const { archive } = await packPlugin(join(folder, "packed"))
  await host.must("plugins", "install", `npm-pack:${archive}`, "--force", "--accept-capabilities")
  const secret = (id: string): object => ({ source: "env", provider: "default", id })
  host.configure((config) => {
    config.plugins ??= {}
    config.plugins.entries ??= {}
    config.plugins.entries[ID] = {
      enabled: true,
      config: { key_id: secret("STORE_KEY_ID"), secret_key: secret("STORE_SECRET_KEY") },
    }
  })
  await host.start()
}

async function turn({ model, host }: Story, message: string, scopes?: readonly string[]): Promise<void> {
  const seen = model.requests.length
  await host.say(message, scopes)
  await until(`the model was asked: ${message}`, MINUTE_MS, () => model.requests.length > seen)
  for (let known = 0; known !== model.requests.length;) {
    known = model.requests.length
    await setTimeout(2000)
  }
}

interface History {
  readonly messages: readonly { readonly role?: string; readonly content?: unknown }[]
}

async function command({ host, said }: Story, text: string, scopes?: readonly string[]): Promise<string> {
  const replies = async (): Promise<string[]> => {
    const { messages } = (await host.call("chat.history", { sessionKey: "main" })) as History
    return messages.filter(({ role }) => role === "assistant").map(({ content }) => JSON.stringify(content))
  }
  const before = (await replies()).length
  await host.say(text, scopes)
  await until(`a reply to ${text}`, MINUTE_MS, async () => (await replies()).length > before)
  const reply = (await replies()).at(-1) ?? ""
  said.push(reply)
  return reply
}

/** Longer than any other way to a snapshot would take, so that a second one would be seen. */
const WATCHED_MS = 8000

async function wrapUp(story: Story): Promise<{ readonly made: Recent; readonly ms: number }> {
  const known = new Set((await story.status()).recent.map(({ snapshot }) => snapshot))
  const fresh = async (): Promise<Recent> =>
    (await story.status()).recent.filter(({ snapshot }) => !known.has(snapshot))
  const asked = story.model.requests.length
  const start = performance.now()
  await story.host.say("/wrap_up")
  await until("a snapshot of the turn", 2 * MINUTE_MS, async () => (await fresh()).length > 0)
  const ms = performance.now() - start
  assert.ok(story.model.requests.length > asked, "the snapshot was made before the turn")
  await setTimeout(WATCHED_MS)
  return { made: await fresh(), ms }
}

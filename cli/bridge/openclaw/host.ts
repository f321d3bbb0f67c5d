/**
 * The real OpenClaw for tests: installed once below ~/.cache/holdfast-ci, onboarded into a folder of the test, with a
 * gateway on a free port of this machine, its tool door, and calls as the owner or as somebody else. It runs on the
 * project's own Node, as npm does too: on an older one npm quietly installs older packages. Tests only.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { callGateway, OWNER } from "./gateway-call.ts"

const VERSION = "2026.9.6"
const CLAWHUB = "0.23.3"
const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "holdfast-ci")
const TOKEN = "not-a-secret-only-this-test"
const START_MS_MAX = 180_000

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface DoorAnswer {
  readonly status: number
  readonly body: {
    readonly result?: {
      readonly content: readonly { readonly text: string }[]
      readonly details: Readonly<Record<string, unknown>>
    }
    readonly error?: { readonly message: string }
  }
}

export interface OpenClaw {
  readonly stateDir: string
  readonly workspace: string
  readonly temporary: string
  readonly port: number
  readonly token: string
  readonly environment: NodeJS.ProcessEnv
  pid(): number | undefined
  /** The host's own command line. */
  run(...words: string[]): Promise<Ran>
  /** Like `run`; fails unless the exit code is 0. @returns its standard output */
  must(...words: string[]): Promise<string>
  /** Edits openclaw.json. A gateway that runs takes the change by itself. */
  configure(change: (config: HostConfigFile) => void): void
  start(): Promise<void>
  stop(): Promise<void>
  /** POST /tools/invoke: a tool without a model. */
  door(tool: string, parameters?: object): Promise<DoorAnswer>
  /** A message to the main session. Without `scopes` it comes from the owner. */
  say(message: string, scopes?: readonly string[]): Promise<void>
  call(method: string, parameters: object): Promise<unknown>
}

export interface HostConfigFile {
  plugins?: { entries?: Record<string, Record<string, unknown>> }
  [key: string]: unknown
}

/** @returns the folder with `node_modules`; downloads 700 MB at the first time */
export async function installHost(): Promise<string> {
  const folder = join(CACHE, `openclaw-${VERSION}`)
  const program = join(folder, "node_modules/openclaw/openclaw.mjs")
  if (existsSync(program) && existsSync(join(folder, "node_modules/clawhub"))) return folder
  mkdirSync(CACHE, { recursive: true })
  // Into a folder of its own first: an install that is interrupted leaves no broken host.
  const installing = mkdtempSync(join(CACHE, "installing-"))
  try {
    writeFileSync(join(installing, "package.json"), '{ "private": true }\n')
    const packages = [`openclaw@${VERSION}`, `clawhub@${CLAWHUB}`]
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...packages]
    const { code, err } = await runProgram("npm", words, { env: hostEnvironment(), cwd: installing })
    if (code !== 0) throw new Error(`the OpenClaw host cannot be installed: ${err}`)
    rmSync(folder, { recursive: true, force: true })
    renameSync(installing, folder)
    return folder
  } finally {
    rmSync(installing, { recursive: true, force: true })
  }
}

/** A fresh host with its templates in place, as `openclaw onboard` leaves it. `folder` is empty or not there. */
export async function onboardHost(folder: string, modelPort: number): Promise<OpenClaw> {
  const packages = join(await installHost(), "node_modules")
  const program = join(packages, "openclaw/openclaw.mjs")
  const workspace = join(folder, "workspace")
  const stateDir = join(folder, "state")
  const temporary = join(folder, "tmp")
  const port = await freePort()
  for (const path of [join(folder, "home"), temporary]) mkdirSync(path, { recursive: true })
  const authorities = process.env["NODE_EXTRA_CA_CERTS"]
  const base = hostEnvironment()
  const environment: NodeJS.ProcessEnv = {
    ...base,
    PATH: `${base["PATH"]}:${join(packages, ".bin")}`,
    HOME: join(folder, "home"),
    TMPDIR: temporary,
    HOLDFAST_HOME: join(folder, "holdfast"),
    OPENCLAW_STATE_DIR: stateDir,
    OPENCLAW_GATEWAY_TOKEN: TOKEN,
    OPENCLAW_DISABLE_BONJOUR: "1",
    OPENCLAW_SKIP_CHANNELS: "1",
    npm_config_cache: join(CACHE, "npm"),
    npm_config_userconfig: join(homedir(), ".npmrc"),
    // The host takes NODE_EXTRA_CA_CERTS away from the npm that it runs.
    ...(authorities === undefined ? {} : { npm_config_cafile: authorities }),
  }
  const run = (...words: string[]): Promise<Ran> =>
    runProgram(process.execPath, [program, ...words], { env: environment, cwd: folder })
  const must = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await run(...words)
    if (code !== 0) throw new Error(`openclaw ${words.join(" ")} ended with ${code}\n${out}\n${err}`)
    return out
  }
  await must("onboard", ...onboardWords({ workspace, port, modelPort }))
  return {
    stateDir,
    workspace,
    temporary,
    port,
    environment,
    run,
    must,
    token: TOKEN,
    configure(change) {
      const file = join(stateDir, "openclaw.json")
      const config = JSON.parse(readFileSync(file, "utf8")) as HostConfigFile
      change(config)
      writeFileSync(`${file}.new`, JSON.stringify(config, null, 2), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    ...gatewayOf({ program, folder, environment, port }),
    ...callsOf(port),
  }
}

interface GatewayPlace {
  readonly program: string
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  readonly port: number
}

function gatewayOf({
  program,
  folder,
  environment,
  port,
}: GatewayPlace): Pick<OpenClaw, "pid" | "start" | "stop"> {
  let gateway: ChildProcess | undefined
  return {
    pid: () => gateway?.pid,
    async start() {
      const log = join(folder, "gateway.log")
      const note = (chunk: Buffer): void => writeFileSync(log, chunk, { flag: "a" })
      const child = spawn(process.execPath, [program, "gateway", "run"], {
        env: environment,
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
      })
      gateway = child
      child.stdout.on("data", note)
      child.stderr.on("data", note)
      await until("the gateway is ready", START_MS_MAX, async () => {
        if (child.exitCode !== null) throw new Error(`the gateway ended: ${readFileSync(log, "utf8")}`)
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
        return answer?.ok
      })
    },
    async stop() {
      const running = gateway
      gateway = undefined
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
      const closed = new Promise((resolve) => running.once("close", resolve))
      running.kill("SIGTERM")
      await closed
    },
  }
}

function callsOf(port: number): Pick<OpenClaw, "door" | "say" | "call"> {
  let said = 0
  return {
    async door(tool, parameters = {}) {
      const response = await fetch(`http://127.0.0.1:${port}/tools/invoke`, {
        method: "POST",
        headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
        body: JSON.stringify({ tool, args: parameters }),
      })
      return { status: response.status, body: (await response.json()) as DoorAnswer["body"] }
    },
    async say(message, scopes = OWNER) {
      const turn = { sessionKey: "main", message, idempotencyKey: `turn-${process.pid}-${++said}` }
      await callGateway({ port, token: TOKEN, scopes }, "chat.send", turn)
    },
    call: (method, parameters) => callGateway({ port, token: TOKEN, scopes: OWNER }, method, parameters),
  }
}

function onboardWords(at: {
  readonly workspace: string
  readonly port: number
  readonly modelPort: number
}): string[] {
  const values = {
    mode: "local",
    workspace: at.workspace,
    "auth-choice": "custom-api-key",
    "custom-base-url": `http://127.0.0.1:${at.modelPort}/v1`,
    "custom-model-id": "fake-1",
    "custom-provider-id": "fake",
    "custom-api-key": "k",
    "gateway-bind": "loopback",
    "gateway-port": String(at.port),
  }
  const skipped = ["daemon", "health", "skills", "ui", "channels", "search", "hooks"]
  return [
    "--non-interactive",
    "--accept-risk",
    "--custom-text-input",
    "--json",
    ...Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]),
    ...skipped.map((name) => `--skip-${name}`),
  ]
}

/** Nothing of npm's or OpenClaw's own settings; the Node that runs the tests comes first. */
function hostEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|OPENCLAW_|HOLDFAST_|NODE_)/i.test(name))
  return {
    ...Object.fromEntries(own),
    PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`,
    NO_COLOR: "1",
  }
}

export async function runProgram(
  program: string,
  words: readonly string[],
  { env, cwd }: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
): Promise<Ran> {
  const child = spawn(program, words, { env, cwd, stdio: ["ignore", "pipe", "pipe"] })
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", resolve)
  })
  return { code, out, err }
}

/** Polls until `look` gives something, or fails after `msMax`. */
export async function until<T>(
  what: string,
  msMax: number,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + msMax
  while (performance.now() < end) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await setTimeout(100)
  }
  throw new Error(`after ${msMax / 1000} s still not: ${what}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

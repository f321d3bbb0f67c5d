/**
 * The time to the server's first answer, against an empty Node program that loads the same files and answers at once.
 * Runs in turns, and the fastest of each: what else the machine does only adds time.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { resolve } from "node:path"
import { test } from "node:test"
import { agentPlace } from "../../testing/agent-place.ts"
import { PROGRAM } from "../../testing/mcp-client.ts"

const TURNS = 15
const FACTOR_MAX = 1.6

const LOADED = ["program/start.js", "../vendor/zod.js", "../vendor/mcp.js"].map((file) =>
  resolve("dist/cli", file),
)
const EMPTY = `${LOADED.map((file) => `require(${JSON.stringify(file)})`).join("\n")}
  process.stdin.once("data", () => process.stdout.write("{}\\n"))`

const INITIALIZE = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}\n`

test(`holdfast mcp answers within ${FACTOR_MAX} times an empty program that loads the same files`, async (t) => {
  const place = await agentPlace(t)
  await place.configure()
  const answerMs = async (words: readonly string[]): Promise<number> => {
    const started = performance.now()
    const child = spawn(process.execPath, words, {
      env: { PATH: process.env["PATH"] ?? "", ...place.environment },
      stdio: ["pipe", "pipe", "inherit"],
    })
    child.stdin.write(INITIALIZE)
    await once(child.stdout, "data")
    const took = performance.now() - started
    child.stdin.end()
    await once(child, "exit")
    return took
  }
  const server = [PROGRAM, "mcp", "--workspace", place.workspace]
  await answerMs(server) // stores its compiled code, as every first run does
  const empty: number[] = []
  const own: number[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    empty.push(await answerMs(["-e", EMPTY]))
    own.push(await answerMs(server))
  }
  const factor = Math.min(...own) / Math.min(...empty)
  t.diagnostic(`${Math.min(...own).toFixed(0)} ms, ${factor.toFixed(2)} times`)
  assert.ok(factor <= FACTOR_MAX, `${own.join(" ")} against ${empty.join(" ")} ms`)
})

/**
 * The time to the server's first answer, against an empty Node program that loads the same files and answers at once.
 * Pairs of runs, and the median of their quotients: the machine's load changes both alike.
 */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { agentPlace } from "../../testing/agent-place.ts"
import { PROGRAM } from "../../testing/mcp-client.ts"

const PAIRS = 15
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
  const cached = { NODE_COMPILE_CACHE: join(place.folder, "compiled") }
  const answerMs = async (words: readonly string[], variables: object = {}): Promise<number> => {
    const started = performance.now()
    const child = spawn(process.execPath, words, {
      env: { PATH: process.env["PATH"] ?? "", ...place.environment, ...variables },
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
  // both store their compiled code
  await answerMs(server)
  await answerMs(["-e", EMPTY], cached)
  const quotients: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    const empty = await answerMs(["-e", EMPTY], cached)
    quotients.push((await answerMs(server)) / empty)
  }
  const median = quotients.toSorted((a, b) => a - b)[Math.floor(PAIRS / 2)] ?? Infinity
  t.diagnostic(`${median.toFixed(2)} times`)
  assert.ok(median <= FACTOR_MAX, quotients.map((one) => one.toFixed(2)).join(" "))
})

import assert from "node:assert/strict"
import { test } from "node:test"
import { measure } from "./measure.ts"

const env = { PATH: process.env["PATH"] ?? "" }

test("measure() returns output, exit code, wall and processor time of a command and its child", async () => {
  // by processor time: with other work, a fifth of a second on the clock is less of it
  const busy = "for (;;) { const { user, system } = process.cpuUsage(); if (user + system > 200_000) break }"
  const parent = `require("node:child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(busy)}]); console.log("done"); console.error("said"); process.exit(3)`
  const outcome = await measure({ program: process.execPath, args: ["-e", parent], env })
  assert.equal(outcome.exitCode, 3)
  assert.equal(outcome.stdout, "done\n")
  assert.equal(outcome.stderr, "said\n")
  assert.ok(outcome.seconds > 0.1, `${outcome.seconds} s`)
  assert.ok(outcome.cpuSeconds > 0.1, `${outcome.cpuSeconds} s of processor`)
})

test("measure() sees the memory that a command touches", async () => {
  const touch = "const held = Buffer.alloc(200 * 2 ** 20, 1); setTimeout(() => held.length, 150)"
  const outcome = await measure({ program: process.execPath, args: ["-e", touch], env })
  assert.ok(outcome.peakBytes > 200 * 2 ** 20, `${outcome.peakBytes} bytes`)
})

/**
 * A restore in a process of its own, which kills itself before a given step, or is killed from outside. It prints
 * "planned", then waits for a line on standard input. Tests only: `restore-child.ts SETUP PLAN STEP`.
 */
import { readSync } from "node:fs"
import { openRepository, openStore, openSwapPlace, type SwapPlace } from "../../engine/index.ts"
import { restoreAgent } from "../bridge/recover/restore.ts"
import type { Setup } from "../bridge/setup.ts"

const [setupText = "", planId = "", stepText = "0"] = process.argv.slice(2)
const plain = JSON.parse(setupText) as Omit<Setup, "openRepository">
const setup: Setup = {
  ...plain,
  openRepository: async () =>
    await openRepository({
      store: await openStore(plain.destination.location),
      home: plain.home,
      write: true,
    }),
}

let left = Number(stepText)
const step = (): void => {
  if (--left === 0) process.kill(process.pid, "SIGKILL")
}

function openPlace(root: Parameters<typeof openSwapPlace>[0]): SwapPlace {
  const place = openSwapPlace(root)
  const wrapped = Object.entries(place).map(([name, call]) => [
    name,
    (...given: unknown[]): unknown => {
      step()
      return (call as (...given: unknown[]) => unknown)(...given)
    },
  ])
  return Object.fromEntries(wrapped) as SwapPlace
}

process.stdout.write("planned\n")
readSync(0, Buffer.alloc(1))
const input = { timestamp: "latest", confirm: true, planId }
const { outcome } = await restoreAgent(
  { setup, by: "cli" },
  input,
  { mayWrite: true },
  { ports: { openPlace, step } },
)
process.stdout.write(`${outcome}\n`)

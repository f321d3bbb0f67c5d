/**
 * Runs tests both as root and as an ordinary user. Root may do almost everything, so tests as root
 * miss what a user meets. If run as root, a file's tests run again in a child with the ids of
 * "nobody". Otherwise they run once, as the current user.
 */
import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative, sep } from "node:path"
import { test, type TestContext } from "node:test"
import { fileURLToPath } from "node:url"
import { isRoot } from "../../fixtures/native.ts"

/** Nobody and nogroup on Linux. */
export const ORDINARY_ID = 65534

/** Options for `spawn` with an ordinary user's ids, whoever runs the test. */
export const ORDINARY_USER: { readonly uid?: number; readonly gid?: number } = isRoot
  ? { uid: ORDINARY_ID, gid: ORDINARY_ID }
  : {}

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url))

/** Returns a folder owned by the ordinary user. Removed when the test ends. */
export function ordinaryFolder(context: TestContext): string {
  const folder = openFolder(context)
  if (isRoot) chownSync(folder, ORDINARY_ID, ORDINARY_ID)
  return folder
}

/**
 * Registers one more test, which runs the whole file as an ordinary user and fails with that run's
 * output. Call it at the end of the file.
 * @param url `import.meta.url`
 */
export function alsoAsOrdinaryUser(url: string): void {
  if (!isRoot) return
  test("the whole file passes as an ordinary user", async (context) => {
    const file = relative(CHECKOUT, fileURLToPath(url))
    const { code, output } = await runOrdinary(context, ["--import", "tsx", "--test-reporter=tap", file])
    assert.equal(code, 0, output)
    const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1])
    assert.ok(count("pass") > 0, output)
    assert.deepEqual([count("fail"), count("cancelled"), count("skipped")], [0, 0, 0], output)
    context.diagnostic(`${count("pass")} tests as an ordinary user`)
  })
}

export interface OrdinaryRun {
  readonly code: number | null
  readonly output: string
}

/** Runs this Node in the checkout as an ordinary user, with its own temporary folder. */
export async function runOrdinary(context: TestContext, words: readonly string[]): Promise<OrdinaryRun> {
  const checkout = readableCheckout(context)
  const environment: NodeJS.ProcessEnv = { ...process.env, TMPDIR: ordinaryFolder(context) }
  delete environment["NODE_TEST_CONTEXT"] // the child is a separate run
  delete environment["HOME"]
  const child = spawn(inCheckout(checkout, process.execPath), words, {
    ...ORDINARY_USER,
    cwd: checkout,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", resolve)
  })
  return { code, output }
}

/** Returns the checkout, or a copy if a folder above it is closed to other users. */
function readableCheckout(context: TestContext): string {
  const probe = spawnSync(process.execPath, ["--version"], { ...ORDINARY_USER, cwd: CHECKOUT })
  if (probe.status === 0) return CHECKOUT
  const copy = openFolder(context)
  chmodSync(copy, 0o755)
  cpSync(CHECKOUT, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith(`${sep}.git`),
  })
  return copy
}

function inCheckout(checkout: string, path: string): string {
  const inside = relative(CHECKOUT, path)
  return inside.startsWith("..") ? path : join(checkout, inside)
}

/** Returns a folder that every user can reach. TMPDIR may be closed to other users. */
function openFolder(context: TestContext): string {
  const parents =
    process.env["TMPDIR"] === undefined ? ["/dev/shm", tmpdir()] : [tmpdir(), "/tmp", "/var/tmp"]
  const parent = parents.find((each) => spawnSync("true", { ...ORDINARY_USER, cwd: each }).status === 0)
  assert.ok(parent !== undefined, `an ordinary user can reach none of ${parents.join(", ")}`)
  const folder = mkdtempSync(join(parent, "holdfast-ordinary-"))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

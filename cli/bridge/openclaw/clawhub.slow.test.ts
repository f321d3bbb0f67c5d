/** ClawHub's own validation of the plugin's folder, offline. */
import assert from "node:assert/strict"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { installHost, runProgram } from "./host.ts"
import { packPlugin } from "./pack.ts"

test("`clawhub package validate` passes without a network", { timeout: 600_000 }, async (context) => {
  const work = mkdtempSync(join(tmpdir(), "holdfast-clawhub-"))
  context.after(() => rmSync(work, { recursive: true, force: true }))
  const packages = join(await installHost(), "node_modules")
  const { folder } = await packPlugin(work)
  const [home, out] = [join(work, "home"), join(work, "out")]
  for (const path of [home, out]) mkdirSync(path)
  const nowhere = "http://127.0.0.1:1/"
  const env = { ...process.env, HOME: home, npm_config_registry: nowhere, CLAWHUB_REGISTRY: nowhere }
  const words = ["package", "validate", folder, "--openclaw", join(packages, "openclaw"), "--out", out]
  const program = join(packages, "clawhub/bin/clawdhub.js")
  const ran = await runProgram(process.execPath, [program, ...words], { env, cwd: work })
  assert.equal(ran.code, 0, `${ran.out}\n${ran.err}`)
  assert.match(ran.out, /PASS/)
  assert.match(ran.out, /Breakages: 0\s+Warnings: 0/)
})

import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { after, describe, test } from "node:test"
import type { SecretPorts } from "./run-program.ts"
import { isEngineError } from "../base/errors.ts"
import { readSecret } from "./read-secret.ts"

const SECRET = "key:hunter2 with spaces"
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-secrets-"))
after(() => fs.rmSync(scratch, { recursive: true }))

const ports = (more: Record<string, string> = {}, platform: NodeJS.Platform = "linux"): SecretPorts => ({
  environment: { PATH: process.env["PATH"], HOME: scratch, ...more },
  platform,
})

function file(name: string, mode: number, text = `${SECRET}\n`): string {
  const place = path.join(scratch, name)
  fs.writeFileSync(place, text)
  fs.chmodSync(place, mode)
  return place
}

/** Writes a stand-in for a program and returns its folder, for PATH. */
function standIn(name: string, script: string): string {
  const folder = fs.mkdtempSync(path.join(scratch, "bin-"))
  fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return folder
}

async function refused(reference: string, code: string, says: RegExp, how = ports()): Promise<void> {
  await assert.rejects(readSecret(reference, "keys", how), (error) => {
    assert.ok(isEngineError(error, code), String(error))
    assert.match(error.message, says)
    assert.ok(!`${error.stack ?? ""}${String(error.cause)}`.includes("hunter2"))
    return true
  })
}

describe("readSecret()", () => {
  test("reads a variable, a private file, and a command's output, without the final newline", async () => {
    assert.equal(await readSecret("env:MINE", "keys", ports({ MINE: SECRET })), SECRET)
    assert.equal(await readSecret(`file:${file("a", 0o600)}`, "keys", ports()), SECRET)
    assert.equal(await readSecret(`file:${file("b", 0o400)}`, "keys", ports()), SECRET)
    assert.equal(await readSecret("file:~/a", "keys", ports()), SECRET)
    assert.equal(
      await readSecret('command:printf "%s\\r\\n" "$MINE"', "keys", ports({ MINE: SECRET })),
      SECRET,
    )
  })

  test("refuses a file that others can read, and says which chmod to type", async () => {
    for (const mode of [0o644, 0o640, 0o604, 0o660, 0o620]) {
      const place = file(`open-${mode.toString(8)}`, mode)
      await refused(`file:${place}`, "secret-open", new RegExp(`Run: chmod 600 ${place}$`))
    }
    await refused(`file:${file("it's mine", 0o644)}`, "secret-open", /Run: chmod 600 '\/.*\/it'\\''s mine'$/)
  })

  test("reports what is missing", async () => {
    await refused("env:MINE", "secret-missing", /the variable MINE is not set/)
    await refused("env:MINE", "secret-missing", /is not set/, ports({ MINE: "" }))
    await refused("file:/nowhere/keys", "secret-file", /\/nowhere\/keys does not exist/)
    await refused(`file:${scratch}`, "secret-file", /cannot be read: is a folder/)
    await refused(`file:${file("empty", 0o600, "\n")}`, "secret-empty", /file: is empty/)
    await refused(`file:${file("large", 0o600, "x".repeat(70_000))}`, "secret-file", /too large/)
  })

  test("reports a failed command, and repeats neither the command nor its output", async () => {
    await refused("command:echo hunter2; exit 3", "secret-command", /^keys: the command exited with 3$/)
    await refused("command:kill -9 $$", "secret-command", /was killed by SIGKILL/)
    await refused("command:no-such-program-hunter2 2>/dev/null", "secret-command", /exited with 127/)
    await refused("command:yes hunter2 2>&1", "secret-command", /printed too much for a secret/)
    await refused("command:true", "secret-empty", /command: is empty/)
  })
})

describe("readSecret() of a keychain", () => {
  // Stand-ins for the programs, since not every session has a keyring. spec/secrets.md says what was
  // tried with real ones.
  const asks = 'test "$*" = "lookup service holdfast account b2" && printf "%s" "key:hunter2 with spaces"'

  test("runs secret-tool on Linux and security on macOS", async () => {
    const linux = ports({ PATH: `${standIn("secret-tool", asks)}:/usr/bin:/bin` })
    assert.equal(await readSecret("keychain:b2", "keys", linux), SECRET)
    const mac = 'test "$*" = "find-generic-password -s holdfast -a b2 -w" && echo "key:hunter2 with spaces"'
    const darwin = ports({ PATH: `${standIn("security", mac)}:/usr/bin:/bin` }, "darwin")
    assert.equal(await readSecret("keychain:b2", "keys", darwin), SECRET)
  })

  test("says how to store a missing entry", async () => {
    const linux = ports({ PATH: `${standIn("secret-tool", "exit 1")}:/usr/bin:/bin` })
    const command = /secret-tool store --label="holdfast b2" service holdfast account b2$/
    await refused("keychain:b2", "secret-missing", command, linux)
    const darwin = ports(
      { PATH: `${standIn("security", "echo hunter2 >&2; exit 44")}:/usr/bin:/bin` },
      "darwin",
    )
    await refused(
      "keychain:b2",
      "secret-missing",
      /security add-generic-password -s holdfast -a b2 -w$/,
      darwin,
    )
  })

  test("distinguishes a locked keychain, a missing entry, and a missing program", async () => {
    const closed = ports({
      PATH: `${standIn("secret-tool", "echo no D-Bus hunter2 >&2; exit 1")}:/usr/bin:/bin`,
    })
    await refused(
      "keychain:b2",
      "keychain-closed",
      /Check that it is unlocked.*use file: or command:/,
      closed,
    )
    await refused("keychain:b2", "no-keychain", /secret-tool was not found/, ports({ PATH: scratch }))
    await refused("keychain:b2", "no-keychain", /is not supported on Windows yet/, ports({}, "win32"))
  })
})

/** `agent import --keychain` with the real GNOME Keyring, in a session bus of its own. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { test } from "node:test"
import { sandbox } from "../../testing/run-cli.ts"

const KEY = "RVhBTVBMRS1LRVktT0YtMzItQllURVMtRk9SLVRFU1Q="

test("agent import --keychain keeps the key in the system's keychain, and every command reads it there", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("run"), { mode: 0o700 })
  mkdirSync(box.path("workspace"))
  const config = box.path("workspace", "session-sync-config.json")
  const fields = { provider: "local", repository: box.path("store"), encryption_key: KEY }
  writeFileSync(config, JSON.stringify(fields))
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: box.folder,
    HOLDFAST_HOME: box.path("home"),
    XDG_RUNTIME_DIR: box.path("run"),
    NODE: process.execPath,
    PROGRAM: resolve("dist/cli/main.js"),
  }
  const inSession = (script: string): { status: number | null; text: string } => {
    const session = `
      echo -n test | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
      trap "kill $!" EXIT
      # asked before it has its name, the bus would start a second, locked keyring
      owner="--dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.NameHasOwner"
      for _ in $(seq 300); do dbus-send --print-reply $owner string:org.freedesktop.secrets | grep -q true && break; sleep 0.1; done
      for _ in $(seq 100); do echo | secret-tool store --label ready is ready 2>/dev/null && break; sleep 0.1; done
      holdfast() { "$NODE" "$PROGRAM" "$@"; }`
    const { status, stdout, stderr } = spawnSync(
      "dbus-run-session",
      ["--", "bash", "-c", `${session}\n${script}`],
      { env: environment, cwd: box.folder, encoding: "utf8", timeout: 120_000 },
    )
    return { status, text: stdout + stderr }
  }
  const made = inSession("holdfast agent import --keychain --yes --workspace workspace")
  assert.equal(made.status, 0, made.text)
  assert.match(readFileSync(config, "utf8"), /"encryption_key": ?"keychain:[0-9a-f]{16}\.encryption-key"/)
  assert.doesNotMatch(made.text + readFileSync(config, "utf8"), new RegExp(KEY))
  // a device without keys opens the repository with it
  const again = inSession(
    "rm -r home/repositories home/last-repository.json && holdfast agent sync --workspace workspace && holdfast agent doctor --workspace workspace",
  )
  assert.equal(again.status, 0, again.text)
  assert.match(again.text, /all references can be read/)
})

test("agent import --keychain without a keychain changes nothing and says what to do", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("workspace"))
  const config = box.path("workspace", "session-sync-config.json")
  const text = JSON.stringify({ provider: "local", repository: box.path("store"), encryption_key: KEY })
  writeFileSync(config, text)
  const { code, err } = box.run("agent", "import", "--keychain", "--yes", "--workspace", "workspace")
  assert.equal(code, 1)
  assert.match(err, /Run it without --keychain/)
  assert.equal(readFileSync(config, "utf8"), text)
})

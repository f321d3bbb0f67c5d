/**
 * Reads the system's keychain through its own program: libsecret's `secret-tool` (GNOME Keyring,
 * KWallet, KeePassXC) on Linux, `security` on macOS. An entry has the service "holdfast" and a name
 * chosen by the user. The user stores it once; nothing is written here.
 */
import { EngineError } from "../base/errors.ts"
import { outputOf, type SecretPorts } from "./run-program.ts"

const SERVICE = "holdfast"

interface Keychain {
  readonly program: string
  readonly read: (name: string) => readonly string[]
  /** Returns the command that stores an entry. It asks for the secret itself. */
  readonly store: (name: string) => string
  readonly install: string
}

const LINUX: Keychain = {
  program: "secret-tool",
  read: (name) => ["lookup", "service", SERVICE, "account", name],
  store: (name) => `secret-tool store --label="${SERVICE} ${name}" service ${SERVICE} account ${name}`,
  install: "install it (Debian, Ubuntu: libsecret-tools; Fedora, Arch: libsecret)",
}
const MACOS: Keychain = {
  program: "security",
  read: (name) => ["find-generic-password", "-s", SERVICE, "-a", name, "-w"],
  store: (name) => `security add-generic-password -s ${SERVICE} -a ${name} -w`,
  install: "it comes with macOS",
}

export async function readKeychain(name: string, what: string, ports: SecretPorts): Promise<string> {
  const keychain = keychainOf(ports.platform, what)
  const { program } = keychain
  const ended = await outputOf({
    program,
    args: keychain.read(name),
    environment: ports.environment,
    stderr: "pipe",
  })
  if (ended.code === 0 && ended.output !== "") return ended.output
  if (ended.isMissing) {
    const message = `${what}: ${program} was not found. It reads the keychain: ${keychain.install}, or use file: or command:`
    throw new EngineError("invalid", "no-keychain", message)
  }
  // secret-tool prints nothing if there is no entry, `security` exits with 44.
  const isAbsent =
    ended.code === 44 || (program === LINUX.program && ended.code === 1 && !ended.hasComplained)
  if (isAbsent || ended.code === 0) {
    const message = `${what}: the keychain has no entry "${name}" for ${SERVICE}. Store it with this command, which asks for the secret: ${keychain.store(name)}`
    throw new EngineError("invalid", "secret-missing", message)
  }
  throw new EngineError(
    "denied",
    "keychain-closed",
    `${what}: the keychain cannot be read (${program} ${ended.how}). Check that it is unlocked and that this session has one.` +
      " Without a desktop, use file: or command:",
  )
}

function keychainOf(platform: NodeJS.Platform, what: string): Keychain {
  if (platform === "darwin") return MACOS
  if (platform !== "win32") return LINUX
  const message = `${what}: keychain: is not supported on Windows yet. Use command: with a program that prints the secret`
  throw new EngineError("invalid", "no-keychain", message)
}

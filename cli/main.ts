#!/usr/bin/env node
/**
 * The start of the program. An old Node prints one clear line instead of a syntax error: nothing is imported before
 * its version is known, and this file has only syntax that Node 14 can parse. `holdfast version` starts about as
 * fast as Node: it loads neither the argument parser nor the engine.
 */
export {}

const found = process.versions.node
const [major = 0, minor = 0] = found.split(".").map(Number)
const words = process.argv.slice(2)

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `holdfast needs Node 22.18 or newer; this is Node ${found}.\n` +
      `Install a newer one (https://nodejs.org/en/download), or use one from npm for this command:\n` +
      `  npx --yes node@24 "${process.argv[1]}" help\n`,
  )
  process.exitCode = 2
} else if (["version", "--version", "-V", "version --json"].includes(words.join(" "))) {
  void sayVersion()
} else {
  // One thread for file calls is as fast here (our own threads do the work), and ends for certain: with
  // several, glibc before 2.41 can lose the wake-up that ends them, and the program hangs at its exit.
  process.env["UV_THREADPOOL_SIZE"] ??= "1"
  void run(process.umask(0o077)) // only the owner may read what holdfast writes
}

async function sayVersion() {
  const { versionText } = await import("./output/version.ts")
  process.stdout.write(`${versionText(words.length > 1)}\n`)
}

async function run(umask: number) {
  const { start } = await import("./program/start.ts")
  await start(words, umask)
}

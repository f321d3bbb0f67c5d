/**
 * `npm run bench:peers`: installs rustic and borg into the bench cache from their own registries, and explains how
 * to get restic and kopia, which the harness finds on PATH or in --peer-bin. Installed programs are left alone.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { binFolder, defaultCache } from "../harness/places.ts"
import { peers } from "./all.ts"

const rusticVersion = "0.11.4"
const borgVersion = "1.4.5"

const byHand: Readonly<Record<string, string>> = {
  restic: "`go build ./cmd/restic` in a clone of github.com/restic/restic, or a release from restic.net",
  kopia: "`go build -tags nohtmlui .` in a clone of github.com/kopia/kopia, or a release from kopia.io",
}

function run(program: string, args: readonly string[]): boolean {
  console.log(`${program} ${args.join(" ")}`)
  const { status } = spawnSync(program, args, { stdio: "inherit" })
  return status === 0
}

function installRustic(cache: string): boolean {
  return run("cargo", [
    "install",
    "rustic-rs",
    "--version",
    rusticVersion,
    "--locked",
    "-j1",
    "--root",
    cache,
  ])
}

function installBorg(cache: string): boolean {
  const environment = join(cache, "borg-venv")
  const link = join(binFolder(cache), "borg")
  const installed =
    run("python3", ["-m", "venv", environment]) &&
    run(join(environment, "bin", "pip"), ["install", `borgbackup==${borgVersion}`])
  if (!installed) {
    console.error("borg needs a C compiler and the headers of libacl, liblz4, libzstd, libxxhash and openssl")
    return false
  }
  rmSync(link, { force: true })
  symlinkSync(join(environment, "bin", "borg"), link)
  return true
}

function main(): void {
  const cache = defaultCache()
  mkdirSync(binFolder(cache), { recursive: true })
  const installers: Readonly<Record<string, (cache: string) => boolean>> = {
    rustic: installRustic,
    borg: installBorg,
  }
  const search = { folders: [binFolder(cache)], project: join(import.meta.dirname, "..", "..") }
  for (const peer of peers) {
    const found = peer.locate(search)
    if (typeof found !== "string") console.log(`${peer.name}: ${found.file}`)
    else if (byHand[peer.name] !== undefined)
      console.log(`${peer.name}: install it yourself: ${byHand[peer.name]}`)
    else if (installers[peer.name]?.(cache) === false) process.exitCode = 1
  }
}

main()

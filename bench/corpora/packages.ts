/**
 * Published npm packages as data: fetched with `npm pack`, unpacked with modes and times that do not depend
 * on the machine. The registry's tarballs carry one constant date, so every file gets a date of its own.
 */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, utimesSync } from "node:fs"
import { join } from "node:path"
import type { BuildContext } from "./corpus.ts"

/** Seconds since 1970 of the first version's files; later ones are a month apart. */
const firstRelease = 1_700_000_000
const month = 30 * 86_400

/** Creates `folder` and unpacks `name@version` into it; `age` is the position of the version in its series. */
export function unpackPackage(spec: string, folder: string, context: BuildContext, age = 0): void {
  const tarball = fetchPackage(spec, context)
  mkdirSync(folder, { recursive: true })
  execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1", "--no-same-owner"])
  settle(folder, firstRelease + age * month)
}

function fetchPackage(spec: string, context: BuildContext): string {
  const kept = join(context.packages, `${spec.replaceAll(/[^a-z0-9.]+/gi, "-")}.tgz`)
  if (existsSync(kept)) return kept
  context.report(`fetching ${spec}`)
  const fresh = join(context.packages, `fetch-${process.pid}`)
  mkdirSync(fresh, { recursive: true })
  execFileSync("npm", ["pack", spec, "--silent", "--pack-destination", fresh], {
    stdio: ["ignore", "ignore", "inherit"],
  })
  const [only] = readdirSync(fresh)
  if (only === undefined) throw new Error(`npm pack ${spec} left no tarball`)
  renameSync(join(fresh, only), kept)
  return kept
}

/** Sets plain modes on everything under `folder`, and a date within a day of `base` that depends on its path. */
export function settle(folder: string, base: number, path = ""): void {
  const full = join(folder, path)
  const stat = lstatSync(full)
  if (stat.isSymbolicLink()) return
  if (stat.isDirectory()) {
    for (const name of readdirSync(full)) settle(folder, base, path === "" ? name : `${path}/${name}`)
  }
  chmodSync(full, stat.isDirectory() || (stat.mode & 0o100) !== 0 ? 0o755 : 0o644)
  const drawn = createHash("sha256").update(path).digest().readUInt32LE(0)
  const seconds = base + (drawn % 86_400) + (drawn % 999_983) / 1e6
  utimesSync(full, seconds, seconds)
}

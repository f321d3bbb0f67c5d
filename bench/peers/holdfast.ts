/** This project's own command line, as `npm ci` leaves it: the pinned Node and the built program. */
import { createHash } from "node:crypto"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bareEnvironment } from "./locate.ts"
import type { Peer, Place, RestoreOrder } from "./peer.ts"

function keyFile(place: Place): string {
  return join(place.state, "key")
}

function environment(place: Place): Record<string, string> {
  return {
    ...bareEnvironment(place.state),
    HOLDFAST_HOME: join(place.state, "home"),
    HOLDFAST_KEY_FILE: keyFile(place),
  }
}

function restoreArgs({ repository }: Place, { target }: RestoreOrder): string[] {
  return ["restore", "latest", "-r", repository, "--target", target]
}

export const holdfast: Peer = {
  name: "holdfast",
  restoresRoot: true,
  locate({ project }) {
    const program = join(project, "dist", "cli", "main.js")
    const node = join(project, "node_modules", ".bin", "node")
    if (!existsSync(program)) return "dist/cli/main.js is not built (npm run build)"
    return { file: existsSync(node) ? node : process.execPath, leading: [program] }
  },
  version: ({ file, leading }, state) => ({
    program: file,
    args: [...leading, "version"],
    env: bareEnvironment(state),
  }),
  prepare(place) {
    const key = createHash("sha256").update("holdfast bench").digest("base64")
    writeFileSync(keyFile(place), `${key}\n`, { mode: 0o600 })
  },
  init: ({ file, leading }, place) => [
    { program: file, args: [...leading, "init", "-r", place.repository], env: environment(place) },
  ],
  backup: ({ file, leading }, place) => ({
    program: file,
    args: [...leading, "backup", "-r", place.repository, place.source, "--json"],
    env: environment(place),
  }),
  restore: ({ file, leading }, place, order) => ({
    program: file,
    args: [...leading, ...restoreArgs(place, order)],
    env: environment(place),
  }),
  restoreUnflushed: ({ file, leading }, place, order) => ({
    program: file,
    args: [...leading, ...restoreArgs(place, order), "--sync", "none"],
    env: environment(place),
  }),
}

/** restic: compression "auto" is zstd at its default level, caches in scratch. */
import { join } from "node:path"
import { bareEnvironment, locateProgram } from "./locate.ts"
import type { Peer, Place } from "./peer.ts"

function environment(place: Place): Record<string, string> {
  return {
    ...bareEnvironment(place.state),
    RESTIC_REPOSITORY: place.repository,
    RESTIC_PASSWORD: "bench",
    RESTIC_CACHE_DIR: join(place.state, "cache"),
    RESTIC_COMPRESSION: "auto",
  }
}

export const restic: Peer = {
  name: "restic",
  restoresRoot: false,
  locate: (where) => locateProgram("restic", where),
  version: ({ file }, state) => ({ program: file, args: ["version"], env: bareEnvironment(state) }),
  init: ({ file }, place) => [{ program: file, args: ["init", "--quiet"], env: environment(place) }],
  backup: ({ file }, place) => ({
    program: file,
    args: ["backup", "--quiet", place.source],
    env: environment(place),
  }),
  restore: ({ file }, place, { target }) => ({
    program: file,
    args: ["restore", "--quiet", `latest:${place.source}`, "--target", target],
    env: environment(place),
  }),
}

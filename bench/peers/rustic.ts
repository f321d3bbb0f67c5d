/** rustic: restic's format, zstd level 3. */
import { join } from "node:path"
import { bareEnvironment, locateProgram } from "./locate.ts"
import type { Peer, Place } from "./peer.ts"

function environment(place: Place): Record<string, string> {
  return {
    ...bareEnvironment(place.state),
    RUSTIC_REPOSITORY: place.repository,
    RUSTIC_PASSWORD: "bench",
    RUSTIC_CACHE_DIR: join(place.state, "cache"),
    RUSTIC_NO_PROGRESS: "true",
    RUSTIC_LOG_LEVEL: "warn",
  }
}

export const rustic: Peer = {
  name: "rustic",
  restoresRoot: false,
  locate: (where) => locateProgram("rustic", where),
  version: ({ file }, state) => ({ program: file, args: ["--version"], env: bareEnvironment(state) }),
  init: ({ file }, place) => [
    { program: file, args: ["init", "--set-compression", "3"], env: environment(place) },
  ],
  backup: ({ file }, place) => ({ program: file, args: ["backup", place.source], env: environment(place) }),
  restore: ({ file }, place, { target }) => ({
    program: file,
    args: ["restore", `latest:${place.source}`, target],
    env: environment(place),
  }),
}

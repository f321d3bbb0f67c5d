/** kopia: its default encryption, compression policy "zstd" (its level nearest to 3), no look for updates. */
import { join } from "node:path"
import { bareEnvironment, locateProgram } from "./locate.ts"
import type { Peer, Place } from "./peer.ts"

function environment(place: Place): Record<string, string> {
  return {
    ...bareEnvironment(place.state),
    KOPIA_PASSWORD: "bench",
    KOPIA_CONFIG_PATH: join(place.state, "kopia.config"),
    KOPIA_CACHE_DIRECTORY: join(place.state, "cache"),
    KOPIA_LOG_DIR: join(place.state, "logs"),
    KOPIA_CHECK_FOR_UPDATES: "false",
    KOPIA_USE_KEYRING: "false",
  }
}

export const kopia: Peer = {
  name: "kopia",
  restoresRoot: false,
  locate: (where) => locateProgram("kopia", where),
  version: ({ file }, state) => ({ program: file, args: ["--version"], env: bareEnvironment(state) }),
  init: ({ file }, place) => [
    {
      program: file,
      args: ["repository", "create", "filesystem", "--path", place.repository],
      env: environment(place),
    },
    {
      program: file,
      args: ["policy", "set", "--global", "--compression=zstd"],
      env: environment(place),
    },
  ],
  backup: ({ file }, place) => ({
    program: file,
    args: ["snapshot", "create", "--no-progress", "--json", place.source],
    env: environment(place),
  }),
  restore: ({ file }, place, { target, printed }) => ({
    program: file,
    args: ["restore", "--no-progress", snapshotId(printed), target],
    env: environment(place),
  }),
}

/** The id in the output of `snapshot create --json`. */
function snapshotId(printed: string): string {
  const found = /"id":\s*"([0-9a-f]+)"/.exec(printed)
  if (found?.[1] === undefined) throw new Error("kopia printed no snapshot id")
  return found[1]
}

/** borg 1.x: repokey with BLAKE2b, zstd level 3; its archives are read from and to the working folder. */
import { bareEnvironment, locateProgram } from "./locate.ts"
import type { Peer, Place } from "./peer.ts"

function environment(place: Place): Record<string, string> {
  return {
    ...bareEnvironment(place.state),
    BORG_REPO: place.repository,
    BORG_PASSPHRASE: "bench",
    BORG_BASE_DIR: place.state,
  }
}

export const borg: Peer = {
  name: "borg",
  restoresRoot: false,
  locate: (where) => locateProgram("borg", where),
  version: ({ file }, state) => ({ program: file, args: ["--version"], env: bareEnvironment(state) }),
  init: ({ file }, place) => [
    { program: file, args: ["init", "--encryption=repokey-blake2"], env: environment(place) },
  ],
  backup: ({ file }, place, number) => ({
    program: file,
    args: ["create", "--compression=zstd,3", `::${archive(number)}`, "."],
    env: environment(place),
    cwd: place.source,
  }),
  restore: ({ file }, place, { target, number }) => ({
    program: file,
    args: ["extract", `::${archive(number)}`],
    env: environment(place),
    cwd: target,
  }),
}

function archive(number: number): string {
  return `run-${String(number).padStart(5, "0")}`
}

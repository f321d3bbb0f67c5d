/** Finds a program in the given folders, then on PATH. */
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import type { PeerSearch, Program } from "./peer.ts"

export function locateProgram(name: string, { folders }: PeerSearch): Program | string {
  const path = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean)
  for (const folder of [...folders, ...path]) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return { file, leading: [] }
    } catch {
      // not here: the next folder
    }
  }
  return `no program named ${name} in ${folders.join(", ")} or on PATH`
}

/** The environment of every peer, without the user's home, settings and credentials. */
export function bareEnvironment(state: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: state,
    LANG: "C.UTF-8",
    XDG_CACHE_HOME: join(state, "cache"),
    XDG_CONFIG_HOME: join(state, "config"),
    XDG_DATA_HOME: join(state, "data"),
  }
}

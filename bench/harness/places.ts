/** The harness's folders outside the project: data, programs, scratch. */
import { homedir } from "node:os"
import { join } from "node:path"

export function defaultCache(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "holdfast-bench")
}

export function binFolder(cache: string): string {
  return join(cache, "bin")
}

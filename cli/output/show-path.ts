/** A raw path for people: UTF-8 where it is, control and stray bytes as \xNN, the root as a dot. */
import { showPath } from "../../engine/index.ts"

export function shown(path: string): string {
  return path === "" ? "." : showPath(path)
}

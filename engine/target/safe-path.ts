/**
 * Checks the path of a listing's entry before it is used on disk. A listing is signed, but its signer may be
 * hostile or broken. A path that could leave the target, or mean something else on this system, is refused
 * here. spec/files.md.
 */
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"
import { isTemporaryName } from "../system/temporary-name.ts"

/**
 * Names without a leading dot, between single slashes. Nearly every path is such, and needs no further
 * checks.
 */
// eslint-disable-next-line no-control-regex
const PLAIN = /^[\x01-\x2d\x30-\xff][\x01-\x2e\x30-\xff]*(?:\/[\x01-\x2d\x30-\xff][\x01-\x2e\x30-\xff]*)*$/

/**
 * @param path "" is the target itself
 * @param portable also refuses what Windows forbids
 * @throws invalid "unsafe-path"
 */
export function checkPath(path: RawPath, portable: boolean): void {
  if (path === "" || (!portable && PLAIN.test(path))) return
  for (const name of path.split("/")) {
    const why = fault(name) ?? (portable ? portableFault(name) : undefined)
    if (why === undefined) continue
    throw new EngineError("invalid", "unsafe-path", `${showPath(path)}: refused: ${why}`)
  }
}

function fault(name: string): string | undefined {
  if (name === "") return "it contains an empty name"
  if (name === "." || name === "..") return `it contains "${name}"`
  // eslint-disable-next-line no-control-regex
  if (/[^\x01-\xff]/.test(name)) return "it contains a character that is not a byte"
  if (isTemporaryName(name)) return "this name is reserved for unfinished files of a restore"
  return undefined
}

const DEVICE_NAME =
  /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)([0-9]|\xb9|\xb2|\xb3|\xc2[\xb9\xb2\xb3])) *(\.|$)/i

function portableFault(name: string): string | undefined {
  // eslint-disable-next-line no-control-regex
  if (/[\x01-\x1f\\:*?"<>|]/.test(name)) return "it holds a character that Windows forbids"
  if (/[. ]$/.test(name)) return "Windows removes the dot or space at its end"
  if (DEVICE_NAME.test(name)) return "Windows reserves this name for a device"
  return undefined
}

/** FIFOs and device nodes, by a system call where there is one, else by the system's own tools. */
import { execFileSync } from "node:child_process"
import { fsPath } from "../base/paths.ts"
import { type DeviceNumber, joinDeviceNumber } from "../system/device-number.ts"
import type { Native } from "../system/native-calls.ts"
import { checkCode, systemError } from "../system/stat.ts"

const TYPE_BITS = { fifo: 0x1000, "character-device": 0x2000, "block-device": 0x6000 } as const
const TOOL_LETTERS = { fifo: "p", "character-device": "c", "block-device": "b" } as const

export interface Special extends DeviceNumber {
  readonly type: keyof typeof TYPE_BITS
}

/**
 * Throws an error with the system's code.
 * @param place absolute raw path of an ASCII name, perhaps below `/proc/self/fd`; nothing is there
 */
export function makeSpecial(place: string, special: Special, native: Native | undefined): void {
  const code = native?.makeNode(place, TYPE_BITS[special.type] | 0o600, joinDeviceNumber(special))
  if (native !== undefined && code !== "ENOSYS") return checkCode(code)
  // a child has another /proc/self
  const seen = place.replace(/^\/proc\/self\//, `/proc/${process.pid}/`)
  const path = fsPath(seen)
  if (typeof path !== "string") throw systemError("EILSEQ")
  const numbers = special.type === "fifo" ? [] : [String(special.major), String(special.minor)]
  try {
    execFileSync("mknod", ["-m", "600", path, TOOL_LETTERS[special.type], ...numbers], { stdio: "ignore" })
  } catch (cause) {
    throw Object.assign(new Error("mknod failed", { cause }), { code: "EPERM" })
  }
}

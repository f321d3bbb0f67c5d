/**
 * Encodes ACLs and capabilities as the kernel stores them in attributes, from text such as "u::rw-
 * u:7:r-- g::r-- m::rw- o::---". Tests then don't need setfacl and setcap.
 */
import type { Bytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import { ACCESS_ACL, DEFAULT_ACL } from "../system/in-folder.ts"
import { CAPABILITY } from "../target/permitted.ts"
import type { ExtendedAttribute } from "../system/stat.ts"

const TAGS: Readonly<Record<string, number>> = { u: 1, "u:": 2, g: 4, "g:": 8, m: 16, o: 32 }
const NOBODY_NAMED = 0xffffffff

function aclBytes(text: string): Bytes {
  const entries = text.split(" ").map((entry) => {
    const [who = "", id = "", rights = ""] = entry.split(":")
    const bits = rights.split("").reduce((sum, letter) => sum * 2 + (letter === "-" ? 0 : 1), 0)
    return { tag: TAGS[id === "" ? who : `${who}:`] ?? 0, bits, id: id === "" ? NOBODY_NAMED : Number(id) }
  })
  const bytes = new Uint8Array(4 + entries.length * 8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 2, true)
  entries.forEach(({ tag, bits, id }, i) => {
    view.setUint16(4 + i * 8, tag, true)
    view.setUint16(6 + i * 8, bits, true)
    view.setUint32(8 + i * 8, id, true)
  })
  return bytes
}

export function accessAcl(text: string): ExtendedAttribute {
  return { name: ACCESS_ACL, value: aclBytes(text) }
}

export function defaultAcl(text: string): ExtendedAttribute {
  return { name: DEFAULT_ACL, value: aclBytes(text) }
}

/** cap_net_bind_service, permitted and effective. */
export const NET_BIND: ExtendedAttribute = {
  name: CAPABILITY as RawPath,
  value: new Uint8Array(Buffer.from("0100000200040000000000000000000000000000", "hex")) as Bytes,
}

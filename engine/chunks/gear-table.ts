/**
 * The keyed gear table, spec/chunking.md: 256 values of 31 bits from the repository's chunker key.
 * It raises the bar against fingerprinting by cut points; sealed, padded packs carry the rest.
 */
import { hkdfSync } from "node:crypto"

export function gearTable(chunkerKey: Uint8Array): Uint32Array {
  const bytes = new DataView(hkdfSync("sha512", chunkerKey, new Uint8Array(0), "holdfast/1/gear", 256 * 4))
  return Uint32Array.from({ length: 256 }, (_, i) => bytes.getUint32(i * 4, true) & 0x7fffffff)
}

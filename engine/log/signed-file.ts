/**
 * `signed-entry` in the home: the name and bytes of the chain entry that this device signed last. The file
 * is written before the entry is sent. After a kill in between, the next run sends the same bytes, and
 * never signs another content for that sequence (rule W6). spec/home.md.
 */
import * as path from "node:path"
import type { Bytes } from "../base/bytes.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { entryName, parseName } from "../format/names.ts"
import type { RepositoryHome } from "../home/home.ts"
import { readPrivateFile, writePrivateFile } from "../home/private-files.ts"

export interface SignedEntry {
  readonly device: DeviceId
  readonly sequence: number
  readonly digest: Digest
  readonly bytes: Bytes
}

export interface KeptEntry extends Omit<SignedEntry, "bytes"> {
  /** Undefined if they are damaged or withheld: the entry can't be sent again. */
  readonly bytes: Bytes | undefined
}

/** Durable when it returns. */
export function writeSignedEntry(
  home: RepositoryHome,
  { device, sequence, digest, bytes }: SignedEntry,
): void {
  const text = Buffer.from(bytes).toString("base64")
  writePrivateFile(fileOf(home), `${entryName(device, sequence, digest)}\n${text}\n`)
}

/** Undefined if there is none, or if its name can't be read. */
export function readSignedEntry(home: RepositoryHome): KeptEntry | undefined {
  const [name = "", text = ""] = readPrivateFile(fileOf(home))?.split("\n") ?? []
  const parsed = parseName(name)
  if (parsed?.type !== "entry") return undefined
  const { device, sequence, digest } = parsed
  const bytes = new Uint8Array(Buffer.from(text, "base64"))
  return { device, sequence, digest, bytes: digestOf(bytes) === digest ? bytes : undefined }
}

/** The entry is never sent again, and no other is signed at its sequence. Durable when it returns. */
export function withholdSignedEntry(home: RepositoryHome): void {
  const kept = readSignedEntry(home)
  if (kept === undefined) return
  writePrivateFile(fileOf(home), `${entryName(kept.device, kept.sequence, kept.digest)}\n\n`)
}

function fileOf(home: RepositoryHome): string {
  return path.join(home.identityFolder, "signed-entry")
}

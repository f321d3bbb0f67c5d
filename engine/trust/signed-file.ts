/**
 * `signed-entry` in the home: the bytes of the chain entry that this device signed last. It is there
 * before the entry is sent, so that a run which was killed in between sends these very bytes, and
 * never signs a second content for one sequence (rule W6). spec/home.md.
 */
import * as fs from "node:fs"
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

/** Durable when it returns. */
export function writeSignedEntry(
  home: RepositoryHome,
  { device, sequence, digest, bytes }: SignedEntry,
): void {
  const text = Buffer.from(bytes).toString("base64")
  writePrivateFile(fileOf(home), `${entryName(device, sequence, digest)}\n${text}\n`)
}

/** Undefined when there is none, or when it is damaged: then nothing can be sent again. */
export function readSignedEntry(home: RepositoryHome): SignedEntry | undefined {
  const [name = "", text = ""] = readPrivateFile(fileOf(home))?.split("\n") ?? []
  const parsed = parseName(name)
  const bytes = new Uint8Array(Buffer.from(text, "base64"))
  if (parsed?.type !== "entry" || digestOf(bytes) !== parsed.digest) return undefined
  const { device, sequence, digest } = parsed
  return { device, sequence, digest, bytes }
}

/** What it holds is never sent again. */
export function removeSignedEntry(home: RepositoryHome): void {
  fs.rmSync(fileOf(home), { force: true })
}

function fileOf(home: RepositoryHome): string {
  return path.join(home.identityFolder, "signed-entry")
}

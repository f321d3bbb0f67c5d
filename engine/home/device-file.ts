/**
 * device.json: this device's identity in one repository. It has the device's two key pairs and the pin of
 * the repository they were enrolled in. It isn't a cache: without it the device enrols again with a secret
 * (rule L1). Never contains a keyslot's secret. Mode 0600, refused if others can read it (rule S1).
 */
import type { Bytes } from "../base/bytes.ts"
import type { DeviceId, Digest, RepositoryId } from "../base/ids.ts"
import type { RepositoryHome } from "./home.ts"
import { damaged, type JsonFields, parseJsonFile } from "./json-file.ts"
import { readPrivateFile, refuseShared, writePrivateFile } from "./private-files.ts"

const VERSION = 1
const KEY_BYTES = 32

export interface DeviceFile {
  readonly device: DeviceId
  /** Raw 32-byte keys: Ed25519 for signing, X25519 for receiving boxes. */
  readonly signing: { readonly secret: Bytes; readonly public: Bytes }
  readonly sealing: { readonly secret: Bytes; readonly public: Bytes }
  readonly repository: RepositoryId
  /** SHA-256 of the object `repository`. It is trusted only with this content. */
  readonly repositoryDigest: Digest
  readonly rootPublic: Bytes
}

/** Returns undefined if this home isn't a device of the repository yet. */
export function readDeviceFile(home: RepositoryHome): DeviceFile | undefined {
  const text = readPrivateFile(home.devicePath)
  if (text === undefined) return undefined
  refuseShared(home.devicePath)
  const fields = parseJsonFile(text, home.devicePath)
  if (fields.integer("version") !== VERSION)
    throw damaged(home.devicePath, `version ${fields.integer("version")}, expected ${VERSION}`)
  const device: DeviceFile = {
    device: fields.hex("device", 16) as DeviceId,
    signing: readPair(fields, "signing", home.devicePath),
    sealing: readPair(fields, "sealing", home.devicePath),
    repository: fields.hex("repository", 16) as RepositoryId,
    repositoryDigest: fields.hex("repositoryDigest", 32) as Digest,
    rootPublic: fields.base64("rootPublic", KEY_BYTES),
  }
  if (device.repository !== home.repository) {
    throw damaged(home.devicePath, `belongs to repository ${device.repository}, expected ${home.repository}`)
  }
  return device
}

/** Replaces the device's identity, for example when a cloned home enrols under a new id (rule W6). */
export function writeDeviceFile(home: RepositoryHome, device: DeviceFile): void {
  const content = {
    version: VERSION,
    device: device.device,
    signing: pairOf(device.signing),
    sealing: pairOf(device.sealing),
    repository: device.repository,
    repositoryDigest: device.repositoryDigest,
    rootPublic: base64(device.rootPublic),
  }
  writePrivateFile(home.devicePath, `${JSON.stringify(content, null, 2)}\n`)
}

function readPair(fields: JsonFields, field: string, file: string): DeviceFile["signing"] {
  const pair = fields.object(field)
  if (pair === undefined) throw damaged(file, `"${field}" is missing`)
  return { secret: pair.base64("secret", KEY_BYTES), public: pair.base64("public", KEY_BYTES) }
}

function pairOf(pair: DeviceFile["signing"]): { secret: string; public: string } {
  return { secret: base64(pair.secret), public: base64(pair.public) }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64")
}

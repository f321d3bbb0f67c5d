/**
 * One frame of a pack, from sealed bytes back to its chunks: opened, decompressed within its
 * authenticated length, and every chunk's id recomputed. Used by all who read: restores, listing
 * look-ups, checks. Nothing that fails is ever handed on. spec/pack.md.
 */
import { corrupt } from "../base/errors.ts"
import { release, type Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import type { Zstd } from "../chunks/zstd.ts"
import { sealerFromSalt, type ObjectSealer } from "../crypto/seal.ts"
import { sealingKeyOfEpoch } from "../crypto/sealed-object.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import { CODEC_STORED, CODEC_ZSTD, KIND_PACK } from "../format/sealed-header.ts"
import type { FrameLocation, PackLocation } from "../chunk-index/chunk-index.ts"

/** What opens a pack's frames; make it once a pack. */
export function packSealer(keys: RepositoryKeys, pack: PackLocation, object: ObjectName): ObjectSealer {
  return sealerFromSalt(sealingKeyOfEpoch(keys, pack.epoch, object), KIND_PACK, pack.salt, object)
}

export interface FrameTools {
  readonly zstd: Zstd
  /** The pack, for errors. */
  readonly object: ObjectName
  /** Memory for a raw block; absent: memory of its own, which is the caller's to keep. */
  readonly room?: (lengthBytes: number) => Bytes
}

/** The raw block. `sealed` is exactly the frame's bytes. */
export function openFrame(
  sealer: ObjectSealer,
  frame: Omit<FrameLocation, "offset" | "sealedLength">,
  sealed: Uint8Array,
  { zstd, object, room = newRoom }: FrameTools,
): Bytes {
  const { number, kind, codec, rawLength } = frame
  const bytes = sealer.open({ number, kind, codec, rawLength }, sealed)
  if (codec === CODEC_STORED) {
    if (bytes.length !== rawLength)
      throw corrupt(
        "frame-length",
        object,
        `frame ${number} has ${bytes.length} bytes, expected ${rawLength}`,
      )
    return bytes
  }
  if (codec !== CODEC_ZSTD)
    throw corrupt("frame-codec", object, `frame ${number} has the unknown codec ${codec}`)
  const raw = room(rawLength)
  try {
    zstd.decompress(raw, bytes)
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause)
    throw corrupt("frame-compression", object, `frame ${number}: ${found}`)
  }
  release(bytes)
  return raw
}

function newRoom(lengthBytes: number): Bytes {
  return new Uint8Array(lengthBytes)
}

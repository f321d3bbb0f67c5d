/** What several sources say of one pack (the log, the index, the pack itself), compared. Pure. */
import { equalBytes } from "../base/bytes.ts"
import type { DirectoryFrame, Locator, PackRecord } from "../format/pack.ts"
import { HEADER_BYTES } from "../format/sealed-header.ts"

/** Where frame 0, 1 … begin: they follow each other from the header on. */
export function frameOffsets(frames: readonly DirectoryFrame[]): number[] {
  let end = HEADER_BYTES
  return frames.map(({ sealedLength }) => {
    const start = end
    end += sealedLength
    return start
  })
}

export function sameRecord(a: PackRecord, b: PackRecord): boolean {
  const isSame = a.name === b.name && a.sizeBytes === b.sizeBytes && a.epoch === b.epoch
  return isSame && equalBytes(a.salt, b.salt) && sameLocator(a, b)
}

export function sameLocator(a: Locator, b: Locator): boolean {
  return (
    a.directoryOffset === b.directoryOffset &&
    a.directorySealedLength === b.directorySealedLength &&
    a.directoryRawLength === b.directoryRawLength &&
    a.directoryCodec === b.directoryCodec
  )
}

export function sameFrames(a: readonly DirectoryFrame[], b: readonly DirectoryFrame[]): boolean {
  return a.length === b.length && a.every((frame, i) => sameFrame(frame, b[i]))
}

function sameFrame(a: DirectoryFrame, b: DirectoryFrame | undefined): boolean {
  if (b === undefined || a.kind !== b.kind || a.codec !== b.codec) return false
  if (a.sealedLength !== b.sealedLength || a.rawLength !== b.rawLength || !equalBytes(a.ids, b.ids))
    return false
  return a.lengths.length === b.lengths.length && a.lengths.every((length, i) => length === b.lengths[i])
}

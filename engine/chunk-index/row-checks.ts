/**
 * States and checksums of the chunk index's rows. Restores, and segments that other devices read, depend on
 * these rows, so a row that changed is reported as damage. Shared by the index and the worker's look-up.
 */
import { rowSum } from "../base/row-sum.ts"
import { damagedRow } from "../base/sqlite.ts"

/** Values of the column `packs.state`. */
export const STATE_LIVE = 0
export const STATE_CONDEMNED = 1

export interface PackColumns {
  readonly name: Uint8Array
  readonly state: number
  readonly sizeBytes: number
  readonly epoch: number
  readonly salt: Uint8Array
  readonly directoryOffset: number
  readonly directorySealedLength: number
  readonly directoryRawLength: number
  readonly directoryCodec: number
  readonly firstFrame: number
  readonly frames: number
  readonly chunks: number
}

export interface FrameColumns {
  /** Name of its pack. With the frame's number, it binds the row to its place. */
  readonly name: Uint8Array
  readonly number: number
  readonly kind: number
  readonly codec: number
  readonly offset: number
  readonly sealedLength: number
  readonly rawLength: number
  readonly lengths: Uint8Array
  readonly ids: Uint8Array
}

export function packSum(row: PackColumns): number {
  const { name, state, sizeBytes, epoch, salt, firstFrame, frames, chunks } = row
  const { directoryOffset, directorySealedLength, directoryRawLength, directoryCodec } = row
  const directory = [directoryOffset, directorySealedLength, directoryRawLength, directoryCodec]
  return rowSum([name, state, sizeBytes, epoch, salt, ...directory, firstFrame, frames, chunks])
}

export function checkedPack<Row extends PackColumns & { readonly sum: number }>(row: Row): Row {
  if (packSum(row) !== row.sum) throw damagedRow("packs")
  return row
}

export function frameSum(row: FrameColumns): number {
  const { name, number, kind, codec, offset, sealedLength, rawLength, lengths, ids } = row
  return rowSum([name, number, kind, codec, offset, sealedLength, rawLength, lengths, ids])
}

export function checkFrame(row: FrameColumns & { readonly sum: number }): void {
  if (frameSum(row) !== row.sum) throw damagedRow("frames")
}

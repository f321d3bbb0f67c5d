/**
 * Reads sealed frames of a pack in a local folder, in the thread that opens them. Nothing is copied between
 * threads, and no pack waits in memory. A pack that can't be read here is asked of the store, which knows why.
 */
import { closeSync, openSync } from "node:fs"
import { release, type Bytes } from "../../base/bytes.ts"
import { openNative } from "../../system/native.ts"
import { readAt } from "../../target/new-file.ts"
import type { FrameLocation } from "../../chunk-index/chunk-index.ts"
import { errnoOf } from "../../base/errno.ts"
import { READ_WITHOUT_BLOCKING } from "../../store/folder/local-folder.ts"
import type { PlaceJob } from "./place-jobs.ts"

/** Gives memory of this length. It overwrites what it gave before. */
export type Room = (lengthBytes: number) => Bytes

/** Its memory grows to the largest length that was asked for. */
export function reusedRoom(): Room {
  let memory: Bytes = new Uint8Array(0)
  return (lengthBytes) => {
    if (memory.length < lengthBytes) {
      release(memory)
      memory = new Uint8Array(lengthBytes)
    }
    return memory.subarray(0, lengthBytes)
  }
}

/** The frames' bytes in `room`, in the order asked; undefined when the file can't be read or is too short. */
export function readFrames(
  packFile: string,
  frames: readonly FrameLocation[],
  room: Room,
): Bytes[] | undefined {
  const memory = room(frames.reduce((sum, { sealedLength }) => sum + sealedLength, 0))
  let descriptor: number | undefined
  try {
    descriptor = openSync(packFile, READ_WITHOUT_BLOCKING)
    const read: Bytes[] = []
    let at = 0
    for (const { offset, sealedLength } of frames) {
      const sealed = memory.subarray(at, (at += sealedLength))
      if (readAt(descriptor, offset, sealed) < sealedLength) return undefined
      read.push(sealed)
    }
    return read
  } catch (error) {
    if (errnoOf(error) === "") throw error // a bug
    return undefined
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Reads the pack of a job that waits for its thread into the system's cache. The disk is idle until then. */
export function readAhead({ packFile, frames }: Pick<PlaceJob, "packFile" | "frames">): void {
  const native = openNative()
  if (packFile === undefined || native === undefined) return
  let descriptor: number | undefined
  try {
    descriptor = openSync(packFile, READ_WITHOUT_BLOCKING)
    for (const { frame } of frames) native.readAhead(descriptor, frame.offset, frame.sealedLength)
  } catch (error) {
    if (errnoOf(error) === "") throw error // a bug; the thread reports what is wrong with the file
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

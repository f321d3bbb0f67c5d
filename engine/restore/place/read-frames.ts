/**
 * Sealed frames out of a pack that lies in a folder, for the thread that opens them: no copy between
 * threads, and no pack waits in memory. What can't be read so is left to the store, which knows why.
 */
import { closeSync, openSync } from "node:fs"
import { release, type Bytes } from "../../base/bytes.ts"
import { openNative } from "../../system/native.ts"
import { readAt } from "../../target/new-file.ts"
import type { FrameLocation } from "../../chunk-index/chunk-index.ts"
import { errnoOf } from "../../base/errno.ts"
import { READ_WITHOUT_BLOCKING } from "../../store/folder/local-folder.ts"
import type { PlaceJob } from "./place-jobs.ts"

/** Memory that is used again and again, of the largest size that was asked for; what it gave before is gone. */
export function reusedRoom(): (lengthBytes: number) => Bytes {
  let memory: Bytes = new Uint8Array(0)
  return (lengthBytes) => {
    if (memory.length < lengthBytes) {
      release(memory)
      memory = new Uint8Array(lengthBytes)
    }
    return memory.subarray(0, lengthBytes)
  }
}

/** The frames' bytes, in the order asked, in `room`; undefined when the file can't be read, or is too short. */
export function readFrames(
  packFile: string,
  frames: readonly FrameLocation[],
  room: (lengthBytes: number) => Bytes,
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

/** For a job that waits for its thread: its pack may not be in the system's cache, and the disk is idle until then. */
export function readAhead({ packFile, frames }: Pick<PlaceJob, "packFile" | "frames">): void {
  const native = openNative()
  if (packFile === undefined || native === undefined) return
  let descriptor: number | undefined
  try {
    descriptor = openSync(packFile, READ_WITHOUT_BLOCKING)
    for (const { frame } of frames) native.readAhead(descriptor, frame.offset, frame.sealedLength)
  } catch (error) {
    if (errnoOf(error) === "") throw error // a bug; what is wrong with the file the thread tells
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

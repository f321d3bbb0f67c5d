/**
 * Makes an `EngineError` of a file system's error, with the next step for a person. Only temporary failures
 * (a network mount that hangs, too many open files) are "unavailable", and so retried.
 */
import { errnoOf, errnoText } from "../../base/errno.ts"
import { EngineError, type ErrorKind } from "../../base/errors.ts"

interface Meaning {
  kind: ErrorKind
  code: string
  advice: string
}

const READ_ONLY: Meaning = {
  kind: "denied",
  code: "read-only-store",
  advice: "cannot write to this folder. Check its owner, its mode and how it is mounted",
}
const UNREADABLE: Meaning = {
  kind: "denied",
  code: "store-unreadable",
  advice: "cannot read this folder. Check its owner and mode",
}
const NO_SPACE: Meaning = {
  kind: "denied",
  code: "no-space",
  advice: "no space left on this disk. Free some space, then run the command again; what was written is kept",
}
const NOT_A_FOLDER: Meaning = {
  kind: "invalid",
  code: "not-a-folder",
  advice: "a file is in the way of a folder",
}
const UNAVAILABLE: Meaning = { kind: "unavailable", code: "store-io", advice: "the file system failed" }

const WRITE_MEANINGS: Readonly<Record<string, Meaning>> = {
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  EROFS: READ_ONLY,
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EFBIG: NO_SPACE,
  ENOTDIR: NOT_A_FOLDER,
  EISDIR: NOT_A_FOLDER,
}
const READ_MEANINGS: Readonly<Record<string, Meaning>> = {
  EACCES: UNREADABLE,
  EPERM: UNREADABLE,
  ENOTDIR: NOT_A_FOLDER,
  EISDIR: NOT_A_FOLDER,
}

/** Returns other errors unchanged: they are bugs. */
export function localError(error: unknown, root: string, action: "read" | "write"): unknown {
  const errno = errnoOf(error)
  if (errno === "" || error instanceof EngineError) return error
  const meanings = action === "write" ? WRITE_MEANINGS : READ_MEANINGS
  const { kind, code, advice } = meanings[errno] ?? UNAVAILABLE
  const why = meanings[errno] === NO_SPACE ? "" : ` (${errnoText(errno)})`
  return new EngineError(kind, code, `${root}: ${advice}${why}`, {
    detail: { errno },
    cause: error,
  })
}

/** A folder can't be created below /proc, for example. */
export function noFolder(root: string, cause: unknown): EngineError {
  return new EngineError("denied", "no-folder", `${root}: cannot create the folder`, { cause })
}

export function noStore(root: string): EngineError {
  return new EngineError("not-found", "no-store", `${root}: no such folder. Check that its disk is mounted`)
}

/** What the file system said while something was placed, as an `EngineError` for a person. */
import { EngineError, type ErrorKind } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"

const MEANINGS: Readonly<Record<string, readonly [ErrorKind, string, string]>> = {
  EACCES: ["denied", "no-right", "this user may not write here"],
  EPERM: ["denied", "no-right", "this user may not do that here"],
  EROFS: ["denied", "read-only", "the file system is read-only"],
  ENOSPC: ["denied", "no-space", "no space is left"],
  EDQUOT: ["denied", "no-space", "the quota is used up"],
  EFBIG: ["invalid", "too-large", "the file system can't hold a file of this size"],
  EEXIST: ["conflict", "exists", "something has this name already"],
  ENOTEMPTY: ["conflict", "in-the-way", "a folder that is not empty is in the way"],
  EISDIR: ["conflict", "in-the-way", "a folder is in the way"],
  ENOTDIR: ["conflict", "in-the-way", "something that is no folder is in the way"],
  ELOOP: ["conflict", "in-the-way", "a link is in the way, and links are never followed"],
  ENOENT: ["conflict", "vanished", "somebody took it away meanwhile"],
  ENAMETOOLONG: ["invalid", "name-too-long", "the name is too long for this file system"],
  EILSEQ: ["invalid", "bad-name", "this file system can't have such a name"],
  EINVAL: ["invalid", "not-possible", "this file system can't do that"],
  ENOTSUP: ["invalid", "not-possible", "this file system can't do that"],
  ENOSYS: ["invalid", "not-possible", "this file system can't do that"],
  EMLINK: ["invalid", "too-many-links", "it has as many links as the file system allows"],
  EXDEV: ["invalid", "other-device", "a link can't lead to another file system"],
}

/** @param code the system's, such as EACCES */
export function targetError(code: string, path: RawPath, cause?: unknown): EngineError {
  const [kind, name, meaning] = MEANINGS[code] ?? ["unavailable", "target-io", "the file system failed"]
  const shown = path === "" ? "the target folder" : showPath(path)
  return new EngineError(kind, name, `${shown}: ${meaning} (${code})`, { detail: { errno: code }, cause })
}

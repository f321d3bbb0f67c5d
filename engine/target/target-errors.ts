/** Makes an `EngineError` of the file system's error while an entry was placed. */
import { errnoText } from "../base/errno.ts"
import { EngineError, type ErrorKind } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { showPath } from "../base/paths.ts"

const MEANINGS: Readonly<Record<string, readonly [ErrorKind, string, string]>> = {
  EACCES: ["denied", "no-right", "permission denied"],
  EPERM: ["denied", "no-right", "operation not permitted"],
  EROFS: ["denied", "read-only", "the file system is read-only"],
  ENOSPC: ["denied", "no-space", "no space left on the disk"],
  EDQUOT: ["denied", "no-space", "the disk quota is used up"],
  EFBIG: ["invalid", "too-large", "the file is too large for this file system"],
  EEXIST: ["conflict", "exists", "the name is already taken"],
  ENOTEMPTY: ["conflict", "in-the-way", "a folder that is not empty is in the way"],
  EISDIR: ["conflict", "in-the-way", "a folder is in the way"],
  ENOTDIR: ["conflict", "in-the-way", "a file is in the way of a folder"],
  ELOOP: ["conflict", "in-the-way", "a symbolic link is in the way; links are never followed"],
  ENOENT: ["conflict", "vanished", "it was removed during the restore"],
  ENAMETOOLONG: ["invalid", "name-too-long", "the name is too long for this file system"],
  EILSEQ: ["invalid", "bad-name", "the file system does not allow this name"],
  EINVAL: ["invalid", "not-possible", "the file system does not support this"],
  ENOTSUP: ["invalid", "not-possible", "the file system does not support this"],
  ENOSYS: ["invalid", "not-possible", "the file system does not support this"],
  EMLINK: ["invalid", "too-many-links", "the file has too many hard links for the file system"],
  EXDEV: ["invalid", "other-device", "a hard link cannot cross file systems"],
}

/** @param code the system's code, such as EACCES */
export function targetError(code: string, path: RawPath, cause?: unknown): EngineError {
  const [kind, name, meaning] = MEANINGS[code] ?? ["unavailable", "target-io", errnoText(code)]
  const shown = path === "" ? "the target folder" : showPath(path)
  return new EngineError(kind, name, `${shown}: ${meaning}`, { detail: { errno: code }, cause })
}

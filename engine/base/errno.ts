/**
 * The code of a failed system call, and its words for a message. The engine and the command line
 * share one table.
 */

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EAGAIN: "reading it would wait for another program",
  EBUSY: "it is in use",
  EDQUOT: "the disk quota is used up",
  EEXIST: "it exists already",
  EFBIG: "the file is too large for this file system",
  EINTR: "the call was interrupted",
  EINVAL: "this file system does not support it",
  EIO: "input/output error",
  EISDIR: "is a folder",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "too many open files on this machine",
  ENODEV: "no such device",
  ENOENT: "no such file or folder",
  ENOMEM: "out of memory",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "not a folder",
  ENOTSUP: "not supported by this file system",
  ENXIO: "no such device",
  EOPNOTSUPP: "not supported by this file system",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ESTALE: "the network file system lost the file",
  ETIMEDOUT: "timed out",
}

/** Returns "permission denied" for "EACCES", or the code itself if the table has no words for it. */
export function errnoText(code: string | undefined): string {
  return WORDS[code ?? ""] ?? (code || "unknown error")
}

/** @returns the code of a failed call, such as "EACCES" or "SQLITE_BUSY"; "" for an error without one */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  return typeof code === "string" ? code : ""
}

/** @returns the code of a failed call, or "EUNKNOWN" for an error without one */
export function errorCode(error: unknown): string {
  return errnoOf(error) || "EUNKNOWN"
}

/** The flags that several verbs share, each described once. */
import type { Flag } from "./verb.ts"

/** Understood by every verb, before it or behind it. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "repo",
    short: "r",
    value: "LOCATION",
    text: "the repository: a folder or s3://bucket/prefix; otherwise HOLDFAST_REPOSITORY, otherwise the last one used",
  },
  { name: "json", text: "print one JSON object a line, for programs" },
  { name: "quiet", short: "q", text: "print only errors and what was asked for" },
  { name: "verbose", short: "v", text: "print more: every file, every left-out folder" },
  { name: "no-progress", text: "show no progress bar on a terminal" },
  {
    name: "password-file",
    value: "FILE",
    text: "read the passphrase from this file (a last newline is cut)",
  },
  { name: "password-command", value: "COMMAND", text: "run this command, its output is the passphrase" },
  { name: "key-file", value: "FILE", text: "read a 32-byte key, in base64, from this file" },
  { name: "endpoint", value: "URL", text: "the S3 service's address; otherwise AWS_ENDPOINT_URL_S3" },
  { name: "region", value: "NAME", text: "the S3 region; otherwise AWS_REGION" },
  {
    name: "credentials",
    value: "WHERE",
    text: "where S3's keys lie: file:PATH, command:COMMAND, keychain:NAME, env:NAME or profile:NAME; otherwise HOLDFAST_CREDENTIALS, otherwise where every AWS tool finds them",
  },
  {
    name: "addressing",
    value: "HOW",
    choices: ["path", "virtual"],
    text: "where the S3 service wants the bucket: host/bucket or bucket.host",
  },
  { name: "ca-file", value: "FILE", text: "trust the S3 service's certificate by this PEM file too" },
  { name: "limit-upload", value: "KIB", text: "send at most this many KiB a second" },
  { name: "limit-download", value: "KIB", text: "fetch at most this many KiB a second" },
  { name: "help", short: "h", text: "explain the verb" },
]

/** For every verb that only opens a repository; `init` and `key add` write such a file instead. */
export const RECOVERY_READ: Flag = {
  name: "recovery-words-file",
  value: "FILE",
  text: "open the repository with the 24 recovery words in this file",
}

export const RECOVERY_WRITE: readonly Flag[] = [
  {
    name: "recovery-words-file",
    value: "FILE",
    text: "write the 24 recovery words to this new file, readable by you alone",
  },
  {
    name: "recovery-sheet",
    value: "FILE",
    text: "the same, as a sheet to print: words, address, and the commands to type",
  },
]

/** Which snapshots a verb looks at. */
export const FILTER_FLAGS: readonly Flag[] = [
  { name: "series", value: "NAME", text: "only snapshots of this series" },
  { name: "host", value: "NAME", text: "only snapshots made on this host" },
  { name: "tag", value: "TAG", many: true, text: "only snapshots with this tag; again: with all of them" },
  { name: "path", value: "PATH", text: "only snapshots of this source path" },
]

export const DRY_RUN: Flag = { name: "dry-run", short: "n", text: "do everything except change something" }

/** The flags that several verbs share, each described once. */
import type { Flag } from "./verb.ts"

/** Accepted by every verb, before or after it. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "repo",
    short: "r",
    value: "LOCATION",
    text: "repository: a folder or s3://bucket/prefix (default: HOLDFAST_REPOSITORY, then the default that init or connect set)",
  },
  { name: "json", text: "print one JSON object per line, for programs" },
  { name: "quiet", short: "q", text: "print only errors and results" },
  { name: "verbose", short: "v", text: "print more, e.g. every file" },
  { name: "no-progress", text: "don't show progress" },
  {
    name: "password-file",
    value: "FILE",
    text: "read the passphrase from FILE (a newline at the end is ignored)",
  },
  { name: "password-command", value: "COMMAND", text: "run COMMAND and use its output as the passphrase" },
  { name: "key-file", value: "FILE", text: "read a 32-byte key, in base64, from FILE" },
  { name: "endpoint", value: "URL", text: "address of the S3 service (default: AWS_ENDPOINT_URL_S3)" },
  { name: "region", value: "NAME", text: "S3 region (default: AWS_REGION)" },
  {
    name: "credentials",
    value: "WHERE",
    text: "where to find the S3 credentials: file:PATH, command:COMMAND, keychain:NAME, env:NAME or profile:NAME (default: HOLDFAST_CREDENTIALS, then as AWS tools do)",
  },
  {
    name: "addressing",
    value: "HOW",
    choices: ["path", "virtual"],
    text: "put the bucket in the path (host/bucket) or in the host name (bucket.host)",
  },
  { name: "ca-file", value: "FILE", text: "also trust the certificates in this PEM file" },
  { name: "limit-upload", value: "KIB", text: "limit uploads to this many KiB per second" },
  { name: "limit-download", value: "KIB", text: "limit downloads to this many KiB per second" },
  { name: "help", short: "h", text: "show help for the verb" },
]

/** For every verb that opens a repository; `init` and `key add` write such a file instead. */
export const RECOVERY_READ: Flag = {
  name: "recovery-words-file",
  value: "FILE",
  text: "open the repository with the 24 recovery words in FILE",
}

export const RECOVERY_WRITE: readonly Flag[] = [
  {
    name: "recovery-words-file",
    value: "FILE",
    text: "write the 24 recovery words to this new file, readable only by you",
  },
  {
    name: "recovery-sheet",
    value: "FILE",
    text: "write a sheet to print: the words, the location and the commands for recovery",
  },
]

/** Select the snapshots of a verb. */
export const FILTER_FLAGS: readonly Flag[] = [
  { name: "series", value: "NAME", text: "only snapshots of this series" },
  { name: "host", value: "NAME", text: "only snapshots of this host" },
  { name: "tag", value: "TAG", many: true, text: "only snapshots with this tag; repeat to require several" },
  { name: "path", value: "PATH", text: "only snapshots of this source path" },
]

export const DRY_RUN: Flag = {
  name: "dry-run",
  short: "n",
  text: "show what would happen; change nothing",
}

/** Of an agent. */
export const WORKSPACE: Flag = {
  name: "workspace",
  value: "DIR",
  text: "the agent's workspace (default: the nearest folder upward with a session-sync-config.json, then the host's own)",
}

export const YES: Flag = { name: "yes", short: "y", text: "answer yes to every question" }

/** The verbs that write snapshots and bring them back. */
import { DRY_RUN, FILTER_FLAGS, RECOVERY_READ } from "./flags.ts"
import type { Flag, Verb } from "./verb.ts"

/** What is left out of a backup. Patterns are gitignore's, relative to the source's root. */
const EXCLUDE_FLAGS: readonly Flag[] = [
  {
    name: "exclude",
    short: "e",
    value: "PATTERN",
    many: true,
    text: "leave out what matches, as in .gitignore",
  },
  { name: "iexclude", value: "PATTERN", many: true, text: "the same, upper and lower case alike" },
  { name: "exclude-file", value: "FILE", many: true, text: "read patterns from this file" },
  { name: "exclude-caches", text: "leave out folders marked by a CACHEDIR.TAG file" },
  {
    name: "exclude-if-present",
    value: "NAME",
    many: true,
    text: "leave out folders that hold a file of this name",
  },
  { name: "exclude-larger-than", value: "SIZE", text: "leave out larger files, e.g. 500M or 2G" },
  { name: "one-file-system", short: "x", text: "do not cross into other file systems" },
  { name: "git-ignore", text: "obey the .gitignore files found on the way" },
  { name: "no-holdfast-ignore", text: "do not obey .holdfastignore files" },
]

const PRICED_AS: Flag = {
  name: "provider",
  value: "NAME",
  choices: ["aws", "backblaze", "wasabi", "r2"],
  text: "price it as this provider would (default: whose store it is)",
}

export const BACKUP_VERBS: readonly Verb[] = [
  {
    name: "backup",
    aliases: ["create"],
    summary: "save folders or files as a new snapshot",
    details: [
      "Reads what changed since the last snapshot of the same series, and stores only what the repository does not have yet. When nothing changed, no snapshot is written.",
      "Several paths are kept under their longest common folder; name=PATH gives one another name. A single file makes a snapshot of that file.",
      "Files that could not be read are listed, everything else is saved, and the exit code is 3.",
    ],
    arguments: [{ name: "path", many: true, completes: "files" }],
    flags: [
      ...EXCLUDE_FLAGS,
      {
        name: "files-from",
        value: "FILE",
        many: true,
        text: "read paths to save from this file, one a line; - is standard input",
      },
      { name: "stdin", text: "save what comes on standard input, as one file" },
      { name: "stdin-filename", value: "NAME", text: "what that file is called (default: stdin)" },
      { name: "stdin-from-command", text: "the arguments are a command; save what it prints" },
      { name: "series", value: "NAME", text: "the series this belongs to (default: the folder's name)" },
      {
        name: "tag",
        value: "TAG",
        many: true,
        text: "a word to find the snapshot by; several with commas, or again",
      },
      { name: "host", value: "NAME", text: "record another host name" },
      { name: "time", value: "TIME", text: "record another time, e.g. 2026-11-23T10:00:00Z" },
      { name: "trigger", value: "WORD", text: "record why it ran, e.g. schedule (default: manual)" },
      { name: "force", short: "f", text: "read every file again, also those that look unchanged" },
      { name: "force-snapshot", text: "write a snapshot even when nothing changed" },
      {
        name: "budget",
        value: "LIMIT",
        text: "refuse to store more than this, e.g. 500M, or to spend more, e.g. 2.50USD",
      },
      PRICED_AS,
      DRY_RUN,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast backup ~/notes", does: "saves the folder" },
      {
        line: "holdfast backup ~/notes --exclude '*.tmp' --tag daily",
        does: "without temporary files, with a tag",
      },
      {
        line: "pg_dump shop | holdfast backup --stdin --stdin-filename shop.sql",
        does: "saves a program's output",
      },
    ],
  },
  {
    name: "estimate",
    summary: "tell what a backup would store, ask for and cost",
    details: [
      "Reads what is new, as a backup would, and writes nothing. With the prices of the store's provider it also tells money: of this run, of the whole repository each month, and of bringing everything back over the Internet.",
    ],
    arguments: [{ name: "path", many: true, completes: "files" }],
    flags: [
      ...EXCLUDE_FLAGS,
      { name: "files-from", value: "FILE", many: true, text: "read paths from this file, one a line" },
      { name: "series", value: "NAME", text: "the series this belongs to (default: the folder's name)" },
      PRICED_AS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast estimate ~/notes", does: "what the next backup would add" },
      { line: "holdfast estimate ~/photos --provider backblaze", does: "and what that would cost there" },
    ],
  },
  {
    name: "restore",
    aliases: ["extract"],
    summary: "bring a snapshot, or a part of it, back to disk",
    details: [
      "SNAPSHOT is `latest`, `latest~1` (the one before), the first digits of an id, or a time; add :PATH for a part of it. Say where to with --target, or use --in-place for where it came from.",
      "In a new or empty folder everything appears at once, in the end; until then it lies there in .holdfast-restore-staging.",
      "Files that are already right are left alone, different ones are replaced, and extra ones stay unless you give --delete. Nothing outside the target is ever touched.",
      "A restore that was stopped can be run again; it goes on where it was.",
    ],
    arguments: [{ name: "snapshot", required: true }],
    flags: [
      {
        name: "target",
        short: "t",
        value: "FOLDER",
        text: "restore into this folder; it becomes equal to the snapshot",
      },
      { name: "in-place", text: "restore to where the snapshot was taken" },
      { name: "include", short: "i", value: "PATTERN", many: true, text: "restore only what matches" },
      { name: "exclude", short: "e", value: "PATTERN", many: true, text: "leave out what matches" },
      {
        name: "overwrite",
        value: "WHEN",
        choices: ["always", "if-changed", "if-newer", "never"],
        text: "when a different file is there already (default: always)",
      },
      { name: "delete", text: "remove files from the target that the snapshot does not have" },
      { name: "verify", text: "read every restored file again and compare" },
      {
        name: "sync",
        value: "HOW",
        choices: ["each", "end", "none"],
        text: "flush every file to disk, once at the end, or never (default: end)",
      },
      { name: "special", text: "also make device files and FIFOs" },
      { name: "setuid", text: "also restore setuid and setgid bits" },
      { name: "no-owners", text: "leave owners as they come, also when run as root" },
      ...FILTER_FLAGS,
      DRY_RUN,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast restore latest --target /tmp/notes", does: "the newest snapshot, into a folder" },
      {
        line: "holdfast restore latest~2:plans/may.md --target /tmp/old",
        does: "one file, as it was two snapshots ago",
      },
    ],
  },
  {
    name: "dump",
    aliases: ["cat", "show"],
    summary: "print one file of a snapshot, or a folder as a tar archive",
    details: ["The path follows a colon or is the second argument. Nothing but the content is printed."],
    arguments: [{ name: "snapshot", required: true }, { name: "path" }],
    flags: [
      {
        name: "archive",
        short: "a",
        value: "FORMAT",
        choices: ["tar"],
        text: "print a folder as an archive",
      },
      {
        name: "target",
        short: "t",
        value: "FILE",
        text: "write to this new file instead of standard output",
      },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast dump latest:notes/today.md", does: "prints one file" },
      { line: "holdfast dump latest:notes --archive tar | tar t", does: "a folder as a tar archive" },
    ],
  },
]

/** The verbs that write and restore snapshots. */
import { DRY_RUN, FILTER_FLAGS, RECOVERY_READ } from "./flags.ts"
import type { Flag, Verb } from "./verb.ts"

/** Beside --exclude, in backup, estimate and restore. */
const MORE_EXCLUDES: readonly Flag[] = [
  { name: "iexclude", value: "PATTERN", many: true, text: "same as --exclude, but ignore case" },
  { name: "exclude-file", value: "FILE", many: true, text: "read exclude patterns from FILE" },
]

/** Exclude flags of a backup. Patterns are gitignore's, relative to the source's root. */
const EXCLUDE_FLAGS: readonly Flag[] = [
  {
    name: "exclude",
    short: "e",
    value: "PATTERN",
    many: true,
    text: "skip matching files and folders (.gitignore patterns)",
  },
  ...MORE_EXCLUDES,
  { name: "exclude-caches", text: "skip folders marked with a CACHEDIR.TAG file" },
  {
    name: "exclude-if-present",
    value: "NAME",
    many: true,
    text: "skip folders that contain a file called NAME",
  },
  { name: "exclude-larger-than", value: "SIZE", text: "skip files larger than SIZE, e.g. 500M or 2G" },
  { name: "one-file-system", short: "x", text: "don't cross into other file systems" },
  { name: "git-ignore", text: "also skip what .gitignore files exclude" },
  { name: "no-holdfast-ignore", text: "ignore .holdfastignore files" },
]

const INCLUDE: Flag = {
  name: "include",
  short: "i",
  value: "PATTERN",
  many: true,
  text: "back up only matching files and folders (.gitignore patterns); --exclude is stronger",
}

const PRICED_AS: Flag = {
  name: "provider",
  value: "NAME",
  choices: ["aws", "backblaze", "wasabi", "r2"],
  text: "use the prices of this provider (default: detected from the endpoint)",
}

export const BACKUP_VERBS: readonly Verb[] = [
  {
    name: "backup",
    summary: "back up folders or files as a new snapshot",
    details: [
      "Reads what changed since the last snapshot of the series and stores only data that the repository doesn't have yet. If nothing changed, no snapshot is written.",
      "Several paths are stored below their longest common folder; name=PATH stores a path under another name. A single file makes a snapshot of that file.",
      "Files that can't be read are listed. Everything else is saved, and the exit code is 3.",
    ],
    arguments: [{ name: "path", many: true, completes: "files" }],
    flags: [
      INCLUDE,
      ...EXCLUDE_FLAGS,
      {
        name: "files-from",
        value: "FILE",
        many: true,
        text: "read the paths to back up from FILE, one per line; - is standard input",
      },
      { name: "stdin", text: "back up standard input as a single file" },
      {
        name: "stdin-filename",
        value: "NAME",
        text: "name of the file made from standard input (default: stdin)",
      },
      { name: "stdin-from-command", text: "run the arguments as a command and back up its output" },
      {
        name: "series",
        value: "NAME",
        text: "series that the snapshot belongs to (default: the name of the folder)",
      },
      {
        name: "tag",
        value: "TAG",
        many: true,
        text: "add a tag to the snapshot; repeat or separate with commas for several",
      },
      { name: "host", value: "NAME", text: "record this host name instead of the machine's" },
      { name: "time", value: "TIME", text: "record this time, e.g. 2026-11-23T10:00:00Z (default: now)" },
      {
        name: "trigger",
        value: "WORD",
        text: "record what started the backup, e.g. schedule (default: manual)",
      },
      {
        name: "sqlite",
        text: "copy live SQLite databases consistently before everything else",
      },
      { name: "force", short: "f", text: "re-read every file, even if it looks unchanged" },
      { name: "force-snapshot", text: "write a snapshot even if nothing changed" },
      {
        name: "budget",
        value: "LIMIT",
        text: "stop before storing or spending more than LIMIT, e.g. 500M or 2.50USD",
      },
      PRICED_AS,
      DRY_RUN,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast backup ~/notes", does: "back up a folder" },
      {
        line: "holdfast backup ~/notes --exclude '*.tmp' --tag daily",
        does: "skip temporary files and add a tag",
      },
      {
        line: "pg_dump shop | holdfast backup --stdin --stdin-filename shop.sql",
        does: "back up the output of a program",
      },
    ],
  },
  {
    name: "estimate",
    summary: "estimate size, requests and cost of a backup",
    details: [
      "Reads what is new, as a backup would, and writes nothing. If the prices of the store's provider are known, it also estimates the cost: of this run, of the whole repository per month, and of downloading everything for a restore.",
    ],
    arguments: [{ name: "path", many: true, completes: "files" }],
    flags: [
      INCLUDE,
      ...EXCLUDE_FLAGS,
      {
        name: "files-from",
        value: "FILE",
        many: true,
        text: "read the paths from FILE, one per line; - is standard input",
      },
      { name: "series", value: "NAME", text: "series to compare with (default: the name of the folder)" },
      PRICED_AS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast estimate ~/notes", does: "what the next backup would add" },
      { line: "holdfast estimate ~/photos --provider backblaze", does: "use the prices of Backblaze B2" },
    ],
  },
  {
    name: "restore",
    summary: "restore a snapshot, or part of it, to disk",
    details: [
      "SNAPSHOT is `latest`, `latest~1` (the one before), the first digits of an ID, or a time. Add :PATH to restore only a part of it. Choose a destination with --target, or use --in-place for the original location.",
      "In a new or empty folder, files are built in .holdfast-restore-staging and moved into place at the end.",
      "Files that are already up to date are left alone. Files that differ are replaced. Extra files stay unless you use --delete. Nothing outside the target is changed.",
      "If a restore was interrupted, run the same command again to resume it.",
    ],
    arguments: [{ name: "snapshot", required: true, completes: "snapshots" }],
    surplus: "use `holdfast restore SNAPSHOT --target FOLDER`; SNAPSHOT:PATH restores a part",
    flags: [
      {
        name: "target",
        short: "t",
        value: "FOLDER",
        text: "restore into this folder, which becomes equal to the snapshot",
      },
      { name: "in-place", text: "restore to the original location; only a snapshot of this host" },
      {
        name: "from-host",
        value: "NAME",
        text: "with --in-place: restore a snapshot that was taken on host NAME",
      },
      {
        name: "include",
        short: "i",
        value: "PATTERN",
        many: true,
        text: "restore only files and folders that match",
      },
      { name: "iinclude", value: "PATTERN", many: true, text: "same as --include, but ignore case" },
      { name: "include-file", value: "FILE", many: true, text: "read include patterns from FILE" },
      {
        name: "exclude",
        short: "e",
        value: "PATTERN",
        many: true,
        text: "skip files and folders that match",
      },
      ...MORE_EXCLUDES,
      {
        name: "overwrite",
        value: "WHEN",
        choices: ["always", "if-changed", "if-newer", "never"],
        text: "when to replace a file that differs (default: always)",
      },
      { name: "delete", text: "delete files from the target that are not in the snapshot" },
      { name: "verify", text: "read every restored file again and compare it" },
      {
        name: "sync",
        value: "HOW",
        choices: ["each", "end", "none"],
        text: "flush to disk after each file, once at the end, or never (default: end)",
      },
      { name: "special", text: "also restore device files and FIFOs" },
      { name: "no-owners", text: "don't restore owners, even as root; implies --no-setuid" },
      { name: "no-setuid", text: "don't restore setuid and setgid bits and capabilities" },
      {
        name: "system-attributes",
        text: "also restore trusted.* and security.* attributes, such as SELinux labels",
      },
      ...FILTER_FLAGS,
      DRY_RUN,
      RECOVERY_READ,
    ],
    examples: [
      {
        line: "holdfast restore latest --target /tmp/notes",
        does: "restore the newest snapshot into a folder",
      },
      {
        line: "holdfast restore latest~2:plans/may.md --target /tmp/old",
        does: "restore one file from two snapshots ago",
      },
    ],
  },
  {
    name: "dump",
    summary: "print a file of a snapshot, or a folder as an archive",
    details: ["Give the path after a colon or as the second argument. Only the content is printed."],
    arguments: [{ name: "snapshot", required: true, completes: "snapshots" }, { name: "path" }],
    flags: [
      {
        name: "archive",
        short: "a",
        value: "FORMAT",
        choices: ["tar", "zip"],
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
      { line: "holdfast dump latest:notes/today.md", does: "print one file" },
      { line: "holdfast dump latest:notes --archive tar | tar t", does: "list a folder through tar" },
      {
        line: "holdfast dump latest:notes --archive zip --target notes.zip",
        does: "write a folder to a zip file",
      },
    ],
  },
]

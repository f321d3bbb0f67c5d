/** The verbs that only read: snapshots, files and the changes between them. */
import { FILTER_FLAGS, RECOVERY_READ } from "./flags.ts"
import type { Verb } from "./verb.ts"

export const LOOK_VERBS: readonly Verb[] = [
  {
    name: "snapshots",
    summary: "list the snapshots, oldest first",
    details: ["The first column is the ID. Its first digits are enough wherever a snapshot is named."],
    arguments: [{ name: "snapshot", many: true, completes: "snapshots" }],
    flags: [
      { name: "latest", value: "N", text: "only the last N snapshots of each series or group" },
      {
        name: "group-by",
        short: "g",
        value: "FIELDS",
        text: "group by host, paths, tags or series; separate several with commas",
      },
      { name: "compact", short: "c", text: "leave out sizes and paths" },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast snapshots", does: "list all snapshots" },
      { line: "holdfast snapshots --series notes --json", does: "list one series as JSON" },
      { line: "holdfast snapshots --latest 1", does: "list the newest snapshot of each series" },
    ],
  },
  {
    name: "ls",
    summary: "list the files in a snapshot",
    details: ["Lists everything, or only what is below PATH. -l adds type, mode, owner, size and time."],
    arguments: [{ name: "snapshot", required: true, completes: "snapshots" }, { name: "path" }],
    flags: [
      { name: "long", short: "l", text: "show mode, owner, size and time" },
      { name: "no-recursive", text: "list only the folder itself, not its sub-folders" },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast ls latest", does: "list every path" },
      { line: "holdfast ls -l latest:notes", does: "list one folder with details" },
    ],
  },
  {
    name: "find",
    summary: "find files by name in all snapshots",
    details: ["Patterns work as in .gitignore: *.md matches names in any folder, notes/*.md only in notes."],
    arguments: [{ name: "pattern", required: true, many: true }],
    flags: [
      { name: "long", short: "l", text: "show mode, owner, size and time" },
      { name: "ignore-case", short: "i", text: "ignore upper and lower case in patterns" },
      { name: "newest", short: "N", value: "TIME", text: "only files modified at TIME or before" },
      { name: "oldest", short: "O", value: "TIME", text: "only files modified at TIME or after" },
      {
        name: "snapshot",
        short: "s",
        value: "SNAPSHOT",
        many: true,
        text: "search only this snapshot; repeat for several",
      },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast find 'budget*'", does: "find names that start with budget" },
      { line: "holdfast find --series notes 'plans/*.md'", does: "search one folder of one series" },
      {
        line: "holdfast find -l --oldest 2026-05-01 '*.md'",
        does: "find files changed since May, with details",
      },
    ],
  },
  {
    name: "log",
    summary: "show the versions of one file",
    details: [
      "Prints one line per version, newest first. Snapshots with the same version are folded into one line. PATH is relative to the snapshot, as `holdfast ls` prints it.",
    ],
    arguments: [{ name: "path", required: true }],
    flags: [...FILTER_FLAGS, RECOVERY_READ],
    examples: [
      { line: "holdfast log plans/may.md", does: "show when it changed" },
      { line: "holdfast log plans/may.md --series notes", does: "show the versions in one series" },
    ],
  },
  {
    name: "diff",
    summary: "compare two snapshots, or a snapshot with the disk",
    details: [
      "+ added, - removed, M content changed, U mode, time or owner changed, T type changed.",
      "Without a second snapshot, compares with the original folder on disk, or with the folder of --with.",
    ],
    arguments: [
      { name: "snapshot", required: true, completes: "snapshots" },
      { name: "other", completes: "snapshots" },
    ],
    flags: [
      { name: "with", value: "FOLDER", text: "compare with this folder" },
      { name: "metadata", text: "also list entries whose mode, time or owner changed" },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast diff latest~1 latest", does: "show what the last backup changed" },
      { line: "holdfast diff latest", does: "show what changed on disk since" },
    ],
  },
  {
    name: "stats",
    summary: "show how much is stored and what deduplication saves",
    details: ["Counts the objects in the folder or bucket of the repository."],
    arguments: [],
    flags: [RECOVERY_READ],
    examples: [
      { line: "holdfast stats", does: "print a short table" },
      { line: "holdfast stats --json", does: "print it as JSON" },
    ],
  },
]

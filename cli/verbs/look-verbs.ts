/** The verbs that only look: at snapshots, files and what changed between them. */
import { FILTER_FLAGS, RECOVERY_READ } from "./flags.ts"
import type { Verb } from "./verb.ts"

export const LOOK_VERBS: readonly Verb[] = [
  {
    name: "snapshots",
    aliases: ["list"],
    summary: "list the snapshots, oldest first",
    details: ["The first column is the id; its first digits are enough wherever a snapshot is named."],
    arguments: [],
    flags: [...FILTER_FLAGS, RECOVERY_READ],
    examples: [
      { line: "holdfast snapshots", does: "all of them" },
      { line: "holdfast snapshots --series notes --json", does: "of one series, as JSON lines" },
    ],
  },
  {
    name: "ls",
    summary: "list the files in a snapshot",
    details: ["Without a path, everything. With -l, also type, mode, owner, size and time."],
    arguments: [{ name: "snapshot", required: true }, { name: "path" }],
    flags: [
      { name: "long", short: "l", text: "with mode, owner, size and time" },
      { name: "no-recursive", text: "only the folder itself, not what is below" },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast ls latest", does: "every path" },
      { line: "holdfast ls -l latest:notes", does: "one folder, with details" },
    ],
  },
  {
    name: "find",
    summary: "find files by name in all snapshots",
    details: ["Patterns are gitignore's: *.md finds such names anywhere, notes/*.md only there."],
    arguments: [{ name: "pattern", required: true, many: true }],
    flags: [...FILTER_FLAGS, RECOVERY_READ],
    examples: [
      { line: "holdfast find 'budget*'", does: "names that start so, anywhere" },
      { line: "holdfast find --series notes 'plans/*.md'", does: "in one folder of one series" },
    ],
  },
  {
    name: "log",
    aliases: ["history"],
    summary: "show the versions of one file",
    details: [
      "One line for each version, newest first; snapshots that hold the same version are folded. The path is relative to the snapshot, as `holdfast ls` shows it.",
    ],
    arguments: [{ name: "path", required: true }],
    flags: [...FILTER_FLAGS, RECOVERY_READ],
    examples: [
      { line: "holdfast log plans/may.md", does: "when it changed" },
      { line: "holdfast log plans/may.md --series notes", does: "in one series" },
    ],
  },
  {
    name: "diff",
    summary: "show what differs between two snapshots, or one and the disk",
    details: [
      "+ is added, - is removed, M is changed content, U is changed mode, time or owner, T is another type. Without a second snapshot, compares with the folder that the snapshot was taken of, or with --with.",
    ],
    arguments: [{ name: "snapshot", required: true }, { name: "other" }],
    flags: [
      { name: "with", value: "FOLDER", text: "compare with this folder" },
      { name: "metadata", text: "also show entries of which only mode, time or owner changed" },
      ...FILTER_FLAGS,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast diff latest~1 latest", does: "what the last backup changed" },
      { line: "holdfast diff latest", does: "what changed on disk since" },
    ],
  },
  {
    name: "stats",
    summary: "show how much is stored, and how much deduplication saves",
    details: ["Counts what lies in the repository's folder or bucket."],
    arguments: [],
    flags: [RECOVERY_READ],
    examples: [
      { line: "holdfast stats", does: "a short table" },
      { line: "holdfast stats --json", does: "the same as one JSON line" },
    ],
  },
]

/** The verbs that maintain a repository, this device and this program. */
import { DRY_RUN, RECOVERY_READ } from "./flags.ts"
import type { Verb } from "./verb.ts"

export const CARE_VERBS: readonly Verb[] = [
  {
    name: "check",
    summary: "check the repository for errors",
    details: [
      "Verifies every signature and that all data which the snapshots refer to is there. With --read-data it also downloads and verifies the data itself.",
      "Damaged and missing objects are listed with the snapshots that need them. The exit code is then 13.",
    ],
    arguments: [],
    flags: [
      { name: "read-data", text: "also read and verify all stored data" },
      {
        name: "read-data-subset",
        value: "PART",
        text: "read and verify a part of the data: a share (5%), a size (500M), or group 1 of 5 (1/5)",
      },
      { name: "store-only", text: "verify the bytes of each object against its name; needs no key" },
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast check", does: "verify structure and references" },
      { line: "holdfast check --read-data-subset 5%", does: "also verify a twentieth of the data" },
      {
        line: "holdfast check --store-only -r /mnt/disk/mirror",
        does: "verify every stored byte without a key",
      },
    ],
  },
  {
    name: "copy",
    summary: "copy the repository to another store, as a mirror",
    details: [
      "A mirror is an exact copy to restore from if the first store is lost. Run the command again to update it: only new objects are sent, and an interrupted copy resumes. Each object is verified on the way.",
      "A mirror is read-only. To make it replace the repository, run `holdfast copy --promote MIRROR`. Don't write to the old repository after that.",
      "If the mirror needs other credentials, use --to-credentials or HOLDFAST_TO_CREDENTIALS, or set HOLDFAST_TO_ACCESS_KEY_ID and HOLDFAST_TO_SECRET_ACCESS_KEY.",
    ],
    arguments: [{ name: "location", completes: "files" }],
    flags: [
      { name: "to-endpoint", value: "URL", text: "S3 endpoint of the mirror (default: --endpoint)" },
      {
        name: "to-credentials",
        value: "WHERE",
        text: "where to find the mirror's S3 credentials (default: --credentials)",
      },
      { name: "to-region", value: "NAME", text: "S3 region of the mirror (default: --region)" },
      { name: "promote", text: "make this mirror a repository that devices can write to" },
      DRY_RUN,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast copy /mnt/disk/mirror", does: "mirror the repository to a disk" },
      {
        line: "holdfast copy s3:https://s3.example.com/bucket/mirror",
        does: "mirror it to another provider",
      },
      {
        line: "holdfast copy --promote /mnt/disk/mirror",
        does: "use the mirror as the repository from now on",
      },
    ],
  },
  {
    name: "cache",
    summary: "show or clear the caches of this device",
    details: [
      "The index, the file cache and the journal can be deleted at any time. The next run rebuilds them. The keys of this device are not part of the cache and are kept.",
    ],
    arguments: [],
    flags: [{ name: "clear", text: "delete the caches of all repositories" }],
    examples: [
      { line: "holdfast cache", does: "show where they are and how large" },
      { line: "holdfast cache --clear", does: "delete them" },
    ],
  },
  {
    name: "doctor",
    summary: "look for problems on this device and in the store",
    details: [
      "Checks folders, permissions, the clock, caches and the store, and suggests how to fix what it finds.",
      "`init` tests what an S3 store supports. --probe repeats this test, which writes and deletes a few small objects.",
    ],
    arguments: [],
    flags: [
      { name: "probe", text: "test what the store supports, using a few small objects" },
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast doctor", does: "check everything" },
      { line: "holdfast doctor --json", does: "print one JSON object per finding" },
    ],
  },
  {
    name: "completion",
    summary: "print a completion script for bash, zsh or fish",
    details: ["Load the script in the start-up file of your shell, as the examples show."],
    arguments: [{ name: "shell", required: true, completes: "shells" }],
    flags: [],
    examples: [
      {
        line: "source <(holdfast completion bash)",
        does: "add this line to ~/.bashrc; for zsh, use zsh and ~/.zshrc",
      },
      {
        line: "holdfast completion fish > ~/.config/fish/completions/holdfast.fish",
        does: "install it for fish",
      },
    ],
  },
  {
    name: "version",
    summary: "print the version of this program",
    details: ["Also prints the repository format that it writes and the version of Node."],
    arguments: [],
    flags: [],
    examples: [
      { line: "holdfast version", does: "print one line" },
      { line: "holdfast version --json", does: "print it as JSON" },
    ],
  },
  {
    name: "help",
    summary: "show help for holdfast or for one verb",
    details: ["`holdfast VERB --help` prints the same."],
    arguments: [{ name: "verb", many: true, completes: "verbs" }],
    flags: [],
    examples: [
      { line: "holdfast help", does: "list all verbs" },
      { line: "holdfast help restore", does: "explain one verb, with examples" },
    ],
  },
]

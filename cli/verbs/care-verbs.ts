/** The verbs that look after a repository, this device and this program. */
import { DRY_RUN, RECOVERY_READ } from "./flags.ts"
import type { Verb } from "./verb.ts"

export const CARE_VERBS: readonly Verb[] = [
  {
    name: "check",
    aliases: ["verify"],
    summary: "check that every snapshot can be restored",
    details: [
      "Verifies every signature and every reference: that each snapshot's files lead to stored data that is there. With --read-data it also fetches, opens and compares all of that data.",
      "Each damaged or missing object is named. The exit code is then 13.",
    ],
    arguments: [],
    flags: [
      { name: "read-data", text: "fetch and open everything that is stored" },
      { name: "read-data-subset", value: "PART", text: "the same for a random part, e.g. 5%" },
      { name: "store-only", text: "hold every object against the digest in its name; needs no key" },
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast check", does: "structure and references" },
      { line: "holdfast check --read-data-subset 5%", does: "and a twentieth of the data" },
      { line: "holdfast check --store-only -r /mnt/disk/mirror", does: "every stored byte, without a key" },
    ],
  },
  {
    name: "copy",
    aliases: ["mirror"],
    summary: "copy the repository to another store, as a mirror",
    details: [
      "A mirror is a verbatim copy to restore from when the first store is lost. Run it again whenever you like: it sends what is new, and goes on where it was stopped. Each object is verified on the way.",
      "No device writes to a mirror. When it has to take the place of the repository, `holdfast copy --promote MIRROR` makes it one; the old repository must not be written to after that.",
      "Another store's credentials are named by --to-credentials or HOLDFAST_TO_CREDENTIALS, or are in HOLDFAST_TO_ACCESS_KEY_ID and HOLDFAST_TO_SECRET_ACCESS_KEY, when they differ from the first one's.",
    ],
    arguments: [{ name: "location", completes: "files" }],
    flags: [
      { name: "to-endpoint", value: "URL", text: "the S3 endpoint of the mirror (default: --endpoint)" },
      {
        name: "to-credentials",
        value: "WHERE",
        text: "where the mirror's S3 keys lie (default: --credentials)",
      },
      { name: "to-region", value: "NAME", text: "the S3 region of the mirror (default: --region)" },
      { name: "promote", text: "let devices write to this mirror from now on" },
      DRY_RUN,
      RECOVERY_READ,
    ],
    examples: [
      { line: "holdfast copy /mnt/disk/mirror", does: "mirrors the repository to a disk" },
      { line: "holdfast copy s3:https://s3.example.com/bucket/mirror", does: "and to another provider" },
      { line: "holdfast copy --promote /mnt/disk/mirror", does: "makes the mirror the repository" },
    ],
  },
  {
    name: "cache",
    summary: "show or clear what this device keeps to be fast",
    details: [
      "Index, file cache and journal can be deleted at any moment: the next run rebuilds what it needs. This device's keys are not a cache and stay.",
    ],
    arguments: [],
    flags: [{ name: "clear", text: "delete the caches" }, RECOVERY_READ],
    examples: [
      { line: "holdfast cache", does: "where it is and how large" },
      { line: "holdfast cache --clear", does: "deletes it" },
    ],
  },
  {
    name: "doctor",
    summary: "look for problems on this device and in the repository's store",
    details: [
      "Checks folders, rights, clock, caches and the store, and says what to do about what it finds.",
      "What an S3 store really does was tried by `init`; --probe tries it again, which writes and removes a few small objects.",
    ],
    arguments: [],
    flags: [{ name: "probe", text: "try what the store does with a few small objects" }, RECOVERY_READ],
    examples: [
      { line: "holdfast doctor", does: "looks at everything" },
      { line: "holdfast doctor --json", does: "one JSON line a finding" },
    ],
  },
  {
    name: "completion",
    summary: "print a script that completes verbs and flags in your shell",
    details: ["Load it from your shell's start-up file, as the examples show."],
    arguments: [{ name: "shell", required: true }],
    flags: [],
    examples: [
      { line: "source <(holdfast completion bash)", does: "in ~/.bashrc; the same with zsh in ~/.zshrc" },
      { line: "holdfast completion fish > ~/.config/fish/completions/holdfast.fish", does: "for fish" },
    ],
  },
  {
    name: "version",
    summary: "show the version of this program",
    details: ["Also the repository format that it writes, and the Node that runs it."],
    arguments: [],
    flags: [],
    examples: [
      { line: "holdfast version", does: "one line" },
      { line: "holdfast version --json", does: "as JSON" },
    ],
  },
  {
    name: "help",
    summary: "explain holdfast, or one verb",
    details: ["`holdfast VERB --help` does the same."],
    arguments: [{ name: "verb", many: true, completes: "verbs" }],
    flags: [],
    examples: [
      { line: "holdfast help", does: "all verbs" },
      { line: "holdfast help restore", does: "one verb, with examples" },
    ],
  },
]

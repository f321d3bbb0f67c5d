/** The verbs that create a repository, join one, and manage its keys. */
import { DRY_RUN, RECOVERY_READ, RECOVERY_WRITE } from "./flags.ts"
import type { Flag, Verb } from "./verb.ts"

const NEW_SECRET: readonly Flag[] = [
  { name: "new-password-file", value: "FILE", text: "read the new passphrase from FILE" },
  {
    name: "new-password-command",
    value: "COMMAND",
    text: "run COMMAND and use its output as the new passphrase",
  },
]

const DEFAULT: Flag = { name: "default", text: "use this repository when -r is not given" }

export const SETUP_VERBS: readonly Verb[] = [
  {
    name: "init",
    summary: "create a repository",
    details: [
      "Creates a repository in a folder or in an S3 bucket. You are asked for a passphrase twice, unless you use --password-file, --password-command, --key-file or the HOLDFAST_ variables.",
      "A passphrase and a key file may be given at once as two flags; each of them opens the repository then. All other verbs take one secret.",
      "24 recovery words are shown once. They open the repository if everything else is lost. Write them on paper. Without a terminal, none are made unless you use --recovery-words-file or --recovery-sheet. `holdfast key add --recovery` makes new words at any time.",
      "This device then has keys of its own. Later commands don't ask for the passphrase. The repository becomes the default if this device has no default repository yet.",
    ],
    arguments: [{ name: "location", completes: "files" }],
    flags: [
      ...RECOVERY_WRITE,
      { name: "label", value: "TEXT", text: "name of this device in lists (default: the host name)" },
      DEFAULT,
    ],
    examples: [
      { line: "holdfast init /mnt/disk/backups", does: "create it in a folder; asks for a passphrase" },
      {
        line: "holdfast init /mnt/disk/backups --key-file ~/.keys/holdfast --recovery-sheet ~/sheet.txt",
        does: "use a key file and write a recovery sheet",
      },
    ],
  },
  {
    name: "connect",
    summary: "connect this device to an existing repository",
    details: [
      "Opens the repository with a passphrase, a key file or recovery words, and gives this device keys of its own. Later commands don't ask for the passphrase.",
      "The first backup with -r does the same. It does not change the default repository.",
      "The repository becomes the default if this device has no default repository yet. Use --default to make it the default in any case.",
      "If snapshots that this device has seen are missing from the store, every verb exits with code 14. An old copy may have been put back. If you know the reason, for example because you restored the store yourself, use --accept-head to continue with what is there.",
    ],
    arguments: [{ name: "location", completes: "files" }],
    flags: [
      RECOVERY_READ,
      { name: "read-only", text: "only check that the passphrase, key or words are right; write nothing" },
      {
        name: "accept-head",
        text: "accept the store as it is, although snapshots are missing; lists what is lost",
      },
      DEFAULT,
    ],
    examples: [
      { line: "holdfast connect /mnt/disk/backups", does: "asks for the passphrase" },
      {
        line: "holdfast connect s3://bucket/backups --recovery-words-file words.txt",
        does: "use the recovery words on a new machine",
      },
      {
        line: "holdfast connect /mnt/disk/backups --accept-head",
        does: "after you put back an older copy of the repository",
      },
    ],
  },
  {
    name: "status",
    summary: "show what this device backs up, and where",
    details: [
      "Shows the repository, this device, the series and sources that it backs up, the last snapshot of each, and what is wrong. Reads only local data and makes no requests.",
      "`holdfast doctor` also checks the store.",
    ],
    arguments: [],
    flags: [],
    examples: [
      { line: "holdfast status", does: "show the default repository" },
      { line: "holdfast status --json", does: "print one JSON object per line" },
    ],
  },
  {
    name: "key list",
    summary: "list the passphrases, keys and recovery words",
    details: [
      "Prints one line per passphrase, key or set of recovery words that opens the repository. The secret itself is not stored and can't be shown.",
    ],
    arguments: [],
    flags: [RECOVERY_READ],
    examples: [
      { line: "holdfast key list", does: "print a table" },
      { line: "holdfast key list --json", does: "print one JSON object per line" },
    ],
  },
  {
    name: "key add",
    summary: "add a passphrase, key or set of recovery words",
    details: [
      "Without a flag you are asked for the new passphrase twice. --recovery makes 24 new recovery words and shows them once. Without a terminal, use it with --recovery-words-file or --recovery-sheet.",
    ],
    arguments: [],
    flags: [
      ...NEW_SECRET,
      { name: "new-key-file", value: "FILE", text: "add the 32-byte key in FILE" },
      { name: "recovery", text: "add 24 new recovery words; older words stay valid" },
      ...RECOVERY_WRITE,
    ],
    examples: [
      { line: "holdfast key add --recovery", does: "make new recovery words and show them once" },
      { line: "holdfast key add --new-password-file second.txt", does: "add a second passphrase" },
    ],
  },
  {
    name: "key remove",
    summary: "remove a passphrase, key or set of recovery words",
    details: [
      "Takes an ID from `holdfast key list`; its first digits are enough. The last one that gives full access can't be removed.",
      "Someone who opened the repository before may have kept its keys. Removing a secret only stops new uses.",
    ],
    arguments: [{ name: "id", required: true }],
    flags: [RECOVERY_READ, DRY_RUN],
    examples: [
      { line: "holdfast key remove 3fa9", does: "remove the one whose ID starts with 3fa9" },
      { line: "holdfast key remove 3fa9 --dry-run", does: "show which one it would be" },
    ],
  },
  {
    name: "key passwd",
    summary: "change the passphrase",
    details: [
      "Asks for the current passphrase (or reads it with --password-file or --password-command), then twice for the new one. Recovery words and key files stay valid.",
    ],
    arguments: [],
    flags: [...NEW_SECRET],
    examples: [
      { line: "holdfast key passwd", does: "asks for both passphrases" },
      {
        line: "holdfast key passwd --password-file old.txt --new-password-file new.txt",
        does: "read both from files",
      },
    ],
  },
  {
    name: "device list",
    summary: "list the devices that may write to the repository",
    details: ["A device is one holdfast home folder. Its keys never leave it."],
    arguments: [],
    flags: [RECOVERY_READ],
    examples: [
      { line: "holdfast device list", does: "print a table" },
      { line: "holdfast device list --json", does: "print one JSON object per line" },
    ],
  },
]

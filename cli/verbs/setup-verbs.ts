/** The verbs that make a repository, join one, and say who may open it. */
import { DRY_RUN, RECOVERY_READ, RECOVERY_WRITE } from "./flags.ts"
import type { Flag, Verb } from "./verb.ts"

const NEW_SECRET: readonly Flag[] = [
  { name: "new-password-file", value: "FILE", text: "read the new passphrase from this file" },
  {
    name: "new-password-command",
    value: "COMMAND",
    text: "run this command, its output is the new passphrase",
  },
]

export const SETUP_VERBS: readonly Verb[] = [
  {
    name: "init",
    aliases: ["repo-create"],
    summary: "make a new repository and the keys that open it",
    details: [
      "Choose where backups are kept. You are asked for a passphrase twice, or give one by --password-file, --password-command, --key-file or their HOLDFAST_ variables.",
      "You are shown 24 recovery words once. They open the repository when everything else is lost: write them on paper. Without a terminal they are shown only in the file that you name; `holdfast key add --recovery` makes new ones at any time.",
      "This device then keeps keys of its own, so that later backups ask for nothing.",
    ],
    arguments: [{ name: "location", completes: "files" }],
    flags: [
      ...RECOVERY_WRITE,
      { name: "label", value: "TEXT", text: "what this device is called in lists; otherwise its host name" },
    ],
    examples: [
      { line: "holdfast init /mnt/disk/backups", does: "a repository in a folder, with a passphrase" },
      {
        line: "holdfast init /mnt/disk/backups --key-file ~/.keys/holdfast --recovery-sheet ~/sheet.txt",
        does: "with a key file, and a sheet to print",
      },
    ],
  },
  {
    name: "connect",
    summary: "join a repository that exists, with its passphrase, key or words",
    details: [
      "Opens the repository, gives this device keys of its own in it, and remembers its location, so that later commands need neither -r nor a passphrase.",
      "Other verbs do the same on their first write; connect is for doing it now.",
      "When a store holds less than this device has seen in it, every verb ends with 14: somebody may have put an old copy back to hide something. Only if you know why, because you did it yourself or the disk has lost files, --accept-head makes this device believe what is there.",
    ],
    arguments: [{ name: "location", completes: "files" }],
    flags: [
      RECOVERY_READ,
      { name: "read-only", text: "only check that the secret opens it; write nothing there" },
      {
        name: "accept-head",
        text: "believe the store as it is now, although this device has seen more in it; tells what is given up",
      },
    ],
    examples: [
      { line: "holdfast connect /mnt/disk/backups", does: "asks for the passphrase" },
      {
        line: "holdfast connect s3://bucket/backups --recovery-words-file words.txt",
        does: "on a new machine, with the recovery words",
      },
      {
        line: "holdfast connect /mnt/disk/backups --accept-head",
        does: "after you have put an older copy of the repository back",
      },
    ],
  },
  {
    name: "key list",
    summary: "show the passphrases, keys and words that open the repository",
    details: ["Each line is one keyslot. The secret itself is stored nowhere and can't be shown."],
    arguments: [],
    flags: [RECOVERY_READ],
    examples: [
      { line: "holdfast key list", does: "a table of keyslots" },
      { line: "holdfast key list --json", does: "one JSON line a keyslot" },
    ],
  },
  {
    name: "key add",
    summary: "let one more passphrase, key or set of words open the repository",
    details: [
      "Without a flag you are asked for the new passphrase twice. --recovery makes 24 new recovery words; on a terminal they are shown once, elsewhere a file must be named.",
    ],
    arguments: [],
    flags: [
      ...NEW_SECRET,
      { name: "new-key-file", value: "FILE", text: "add the 32-byte key in this file" },
      { name: "recovery", text: "make 24 new recovery words; older words stay good" },
      ...RECOVERY_WRITE,
    ],
    examples: [
      { line: "holdfast key add --recovery", does: "new recovery words, shown once" },
      { line: "holdfast key add --new-password-file second.txt", does: "a second passphrase" },
    ],
  },
  {
    name: "key remove",
    summary: "stop a passphrase, key or set of words from opening it",
    details: [
      "Takes an id of `holdfast key list`; its first digits are enough. The last full one can't be removed.",
      "Who opened the repository before may have kept its keys: removing a secret stops new uses, it takes nothing back.",
    ],
    arguments: [{ name: "id", required: true }],
    flags: [RECOVERY_READ, DRY_RUN],
    examples: [
      { line: "holdfast key remove 3fa9", does: "removes the keyslot whose id starts so" },
      { line: "holdfast key remove 3fa9 --dry-run", does: "shows which one it would be" },
    ],
  },
  {
    name: "key passwd",
    summary: "change the passphrase",
    details: [
      "Asks for the old passphrase (or reads it by --password-file and the like), then for the new one twice. Recovery words and key files stay as they are.",
    ],
    arguments: [],
    flags: [...NEW_SECRET],
    examples: [
      { line: "holdfast key passwd", does: "asks for both" },
      {
        line: "holdfast key passwd --password-file old.txt --new-password-file new.txt",
        does: "without questions",
      },
    ],
  },
  {
    name: "device list",
    summary: "show the devices that may write to the repository",
    details: ["A device is one home folder (HOLDFAST_HOME), with keys that never leave it."],
    arguments: [],
    flags: [RECOVERY_READ],
    examples: [
      { line: "holdfast device list", does: "a table of devices" },
      { line: "holdfast device list --json", does: "one JSON line a device" },
    ],
  },
]

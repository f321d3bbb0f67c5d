/**
 * Verbs of restic, borg and kopia. Each one either means a verb of ours (`use`) or gets a one-line answer with the
 * command to type (`say`). Data only; find-habit.ts looks it up.
 */
export interface VerbHabit {
  /** One word, or two: "snapshot create". */
  readonly words: readonly string[]
  /** The verb that runs instead. */
  readonly use?: string
  /** What to type; the typed words and a colon are printed before it. */
  readonly say?: string
}

const NOT_YET =
  "freeing space is not available yet; the repository only grows. `holdfast stats` prints its size"
const NO_LOCKS = "a repository has no locks; run your command again"
const NO_MOUNT =
  "snapshots can't be mounted; use `holdfast ls SNAPSHOT`, `holdfast find PATTERN` or `holdfast restore SNAPSHOT --target FOLDER`"
const NO_REWRITE =
  "snapshots can't be changed; leave files out of the next one with `holdfast backup FOLDER --exclude PATTERN`"
const NO_REPAIR =
  "nothing has to be repaired by hand; `holdfast check --read-data` lists damage and `holdfast cache --clear` rebuilds the caches"
const NO_POLICY = "settings are flags of each backup; `holdfast help backup` lists them"
const NO_SERVER = "there is no server; use a folder or s3://bucket/prefix with `holdfast init LOCATION`"
const NO_INNARDS = "objects can't be listed one by one; use `holdfast stats` or `holdfast check`"
const NO_TAG = "a snapshot's tags can't be changed; set them with `holdfast backup FOLDER --tag TAG`"

export const VERB_HABITS: readonly VerbHabit[] = [
  // The same thing under another name.
  { words: ["create", "snapshot create", "snap create"], use: "backup" },
  { words: ["snapshot estimate", "snap estimate"], use: "estimate" },
  { words: ["extract", "snapshot restore", "snap restore"], use: "restore" },
  { words: ["cat", "show"], use: "dump" },
  { words: ["list", "list snapshots", "snapshot list", "snap list", "snapshot ls"], use: "snapshots" },
  { words: ["repo-list", "rlist", "repo list"], use: "snapshots" },
  { words: ["history"], use: "log" },
  { words: ["info", "repo-info", "rinfo", "repo info", "repository status", "repo status"], use: "status" },
  { words: ["verify", "snapshot verify", "snap verify"], use: "check" },
  { words: ["mirror", "repository sync-to", "repo sync-to"], use: "copy" },
  { words: ["repo-create", "rcreate"], use: "init" },
  { words: ["list keys", "key ls"], use: "key list" },
  { words: ["key new"], use: "key add" },
  { words: ["key rm", "key delete"], use: "key remove" },
  {
    words: [
      "key change-passphrase",
      "change-passphrase",
      "repository change-password",
      "repo change-password",
    ],
    use: "key passwd",
  },
  { words: ["repository validate-provider", "repo validate-provider"], use: "doctor" },
  { words: ["cache info"], use: "cache" },
  { words: ["generate"], use: "completion" },

  // Other words are needed.
  {
    words: ["repository create", "repo create"],
    say: "use `holdfast init LOCATION`, with a folder or s3://bucket/prefix",
  },
  {
    words: ["repository connect", "repo connect"],
    say: "use `holdfast connect LOCATION`, with a folder or s3://bucket/prefix",
  },
  { words: ["repository", "repo"], say: "use `holdfast init LOCATION` or `holdfast connect LOCATION`" },
  {
    words: ["repository disconnect", "repo disconnect"],
    say: "not needed; choose another repository with -r LOCATION or `holdfast connect LOCATION`",
  },
  {
    words: ["snapshot", "snap"],
    say: "use `holdfast backup FOLDER` to make a snapshot, `holdfast snapshots` to list them",
  },
  { words: ["snapshot diff"], use: "diff" },
  { words: ["export-tar"], say: "use `holdfast dump SNAPSHOT --archive tar`" },
  {
    words: ["import-tar"],
    say: "unpack the archive and run `holdfast backup FOLDER`",
  },
  { words: ["key export"], say: "use `holdfast key add --recovery` for words to print" },
  { words: ["key import"], say: "use `holdfast connect LOCATION --recovery-words-file FILE`" },
  { words: ["cache clear", "cache prune"], say: "use `holdfast cache --clear`" },
  { words: ["cache set", "cache sync"], say: "not needed; `holdfast cache` shows the caches" },
  {
    words: ["list blobs", "list packs", "list index", "list locks", "content", "blob", "index", "manifest"],
    say: NO_INNARDS,
  },
  { words: ["space", "repo-space", "analyze"], say: "use `holdfast stats`" },
  { words: ["transfer"], say: "use `holdfast copy LOCATION`" },
  {
    words: ["self-update", "update"],
    say: "install the new version with npm; `holdfast version` prints yours",
  },
  { words: ["options", "features"], say: "`holdfast help` lists all flags" },

  // holdfast has nothing like it.
  {
    words: [
      "forget",
      "prune",
      "compact",
      "delete",
      "expire",
      "snapshot delete",
      "snapshot expire",
      "undelete",
    ],
    say: NOT_YET,
  },
  { words: ["repo-delete", "rdelete", "repo-compress", "maintenance", "trim"], say: NOT_YET },
  { words: ["unlock", "break-lock", "with-lock"], say: NO_LOCKS },
  { words: ["mount", "umount", "webdav"], say: NO_MOUNT },
  {
    words: ["rewrite", "recreate", "rename", "snapshot migrate", "snapshot fix", "snapshot pin"],
    say: NO_REWRITE,
  },
  {
    words: ["repair", "recover", "rebuild-index", "snapshot copy-history", "snapshot move-history", "debug"],
    say: NO_REPAIR,
  },
  {
    words: ["migrate", "upgrade", "repository upgrade", "repo upgrade"],
    say: "not needed; this program reads and writes one format",
  },
  { words: ["tag"], say: NO_TAG },
  { words: ["policy", "config"], say: NO_POLICY },
  { words: ["serve", "server", "acl", "acls", "user", "users"], say: NO_SERVER },
  { words: ["benchmark"], say: "use `holdfast estimate FOLDER` to see what a backup would store" },
  { words: ["logs", "notification", "session"], say: "not available; use --json or --verbose" },
]

/**
 * Flags of restic, borg and kopia that a verb does not have under that name. Each is another name (`use`), requests
 * the usual behaviour (`drop`), or gets a one-line answer (`say`). Data only.
 */
export interface FlagHabit {
  /** With dashes. Its value is never printed. */
  readonly flags: readonly string[]
  /** Default: every verb. */
  readonly verbs?: readonly string[]
  /** The flag takes a value. */
  readonly value?: true
  /** Our flag; "--overwrite=never" gives it a fixed value. */
  readonly use?: string
  readonly drop?: true
  /** What to type; the flag and a colon are printed before it. */
  readonly say?: string
}

const IN_BACKUP = ["backup", "estimate"]
const FILTERED = ["snapshots", "ls", "find", "log", "diff", "dump", "restore", "backup"]
const SECRET =
  "a passphrase in an argument can be read by other users; use --password-file FILE, --password-command COMMAND or HOLDFAST_PASSWORD"
const LEAVE_OUT = "not needed; leave it out"
const ALWAYS_ON = "compression is automatic; leave it out"
const NO_SSH = "use a folder, e.g. a mounted one, or s3://bucket/prefix as the repository"
const ALL_METADATA = "a backup always saves it; leave it out"
const PATTERNS =
  "use --exclude PATTERN or --exclude-file FILE; a pattern that starts with ! includes files again"
const JSON_INSTEAD = "use --json for output that programs read"

const GLOBAL: readonly FlagHabit[] = [
  { flags: ["--password", "-p"], value: true, say: SECRET },
  { flags: ["--cacert"], value: true, use: "--ca-file" },
  { flags: ["--repository-file"], value: true, say: 'use -r "$(cat FILE)" or HOLDFAST_REPOSITORY' },
  { flags: ["--no-lock", "--bypass-lock", "--progress"], drop: true },
  {
    flags: ["--retry-lock", "--lock-wait"],
    value: true,
    say: "a repository has no locks to wait for; leave it out",
  },
  {
    flags: ["--cache-dir", "--cache-directory"],
    value: true,
    say: "set HOLDFAST_HOME or XDG_CACHE_HOME instead",
  },
  {
    flags: ["--no-cache", "--cleanup-cache"],
    say: "leave it out; `holdfast cache --clear` deletes the caches",
  },
  { flags: ["--compression", "-C"], value: true, say: ALWAYS_ON },
  { flags: ["--insecure-tls"], say: "use --ca-file FILE to trust the server's certificate" },
  {
    flags: ["--insecure-no-password"],
    say: "every repository has a passphrase or a key; use --key-file FILE or --password-file FILE",
  },
  {
    flags: ["--option", "-o"],
    value: true,
    say: "use --endpoint, --region, --addressing or --credentials",
  },
  {
    flags: ["--key-hint", "--pack-size", "--stuck-request-timeout", "--http-user-agent", "--umask"],
    value: true,
    say: LEAVE_OUT,
  },
  { flags: ["--no-extra-verify", "--persist-credentials", "--no-persist-credentials"], say: LEAVE_OUT },
  { flags: ["--tls-client-cert"], value: true, say: "client certificates are not supported" },
  { flags: ["--rsh", "--remote-path"], value: true, say: NO_SSH },
  { flags: ["--info"], use: "--verbose" },
  { flags: ["--critical", "--error", "--warning"], use: "--quiet" },
  { flags: ["--debug"], say: "use --verbose; HOLDFAST_DEBUG=1 adds stack traces to errors" },
  {
    flags: ["--log-level", "--log-file"],
    value: true,
    say: "use --verbose or --quiet, and redirect the output",
  },
  { flags: ["--log-json", "--json-lines"], use: "--json" },
  { flags: ["--show-rc", "--show-version"], say: "leave it out; `holdfast version` prints the version" },
  { flags: ["--upload-ratelimit"], value: true, use: "--limit-upload" },
  { flags: ["--config-file"], value: true, say: "set HOLDFAST_HOME instead" },
]

const BACKUP: readonly FlagHabit[] = [
  { flags: ["--exclude-from"], verbs: [...IN_BACKUP, "restore"], value: true, use: "--exclude-file" },
  { flags: ["--files-from-verbatim"], verbs: IN_BACKUP, value: true, use: "--files-from" },
  {
    flags: ["--files-from-raw"],
    verbs: IN_BACKUP,
    value: true,
    say: "use --files-from FILE, one path per line",
  },
  { flags: ["--paths-from-stdin"], verbs: IN_BACKUP, use: "--files-from=-" },
  {
    flags: ["--paths-from-command"],
    verbs: IN_BACKUP,
    say: "pipe the command's output into --files-from -",
  },
  {
    flags: ["--iexclude-file"],
    verbs: [...IN_BACKUP, "restore"],
    value: true,
    say: "use --iexclude PATTERN",
  },
  { flags: ["--pattern", "--patterns-from"], verbs: [...IN_BACKUP, "restore"], value: true, say: PATTERNS },
  { flags: ["--exclude-nodump"], verbs: IN_BACKUP, say: "use --exclude PATTERN" },
  { flags: ["--keep-exclude-tags", "--keep-tag-files"], verbs: IN_BACKUP, drop: true },
  { flags: ["--exclude-cloud-files", "--use-fs-snapshot"], verbs: IN_BACKUP, say: "not available on Linux" },
  {
    flags: ["--parent"],
    verbs: IN_BACKUP,
    value: true,
    say: "the newest snapshot of the series is the parent; use --series NAME to choose another series",
  },
  { flags: ["--group-by", "-g"], verbs: IN_BACKUP, value: true, say: "use --series NAME" },
  { flags: ["--no-scan", "--skip-if-unchanged"], verbs: IN_BACKUP, drop: true },
  { flags: ["--stats", "-s"], verbs: ["backup", "restore", "init"], drop: true },
  {
    flags: ["--read-concurrency", "--parallel", "--checkpoint-interval", "-c", "--chunker-params"],
    verbs: [...IN_BACKUP, "restore"],
    value: true,
    say: LEAVE_OUT,
  },
  {
    flags: ["--ignore-inode", "--ignore-ctime"],
    verbs: IN_BACKUP,
    say: "leave it out; --force re-reads every file",
  },
  { flags: ["--files-cache"], verbs: IN_BACKUP, value: true, say: "use --force to re-read every file" },
  { flags: ["--force-hash"], verbs: IN_BACKUP, value: true, say: "use --force to re-read every file" },
  { flags: ["--with-atime", "--atime"], verbs: IN_BACKUP, say: "access times are not saved; leave it out" },
  { flags: ["--noatime", "--nobirthtime", "--noflags"], verbs: [...IN_BACKUP, "restore"], drop: true },
  { flags: ["--noctime", "--noacls", "--noxattrs"], verbs: IN_BACKUP, say: ALL_METADATA },
  { flags: ["--numeric-ids", "--numeric-owner"], verbs: IN_BACKUP, say: "names and numbers are both saved" },
  { flags: ["--sparse"], verbs: [...IN_BACKUP, "restore"], say: "holes in files are kept; leave it out" },
  { flags: ["--read-special"], verbs: IN_BACKUP, say: "pipe the device or FIFO into --stdin" },
  { flags: ["--list"], verbs: ["backup", "restore"], use: "--verbose" },
  { flags: ["--filter"], verbs: ["backup"], value: true, say: "use --verbose or --json" },
  { flags: ["--comment", "--description"], verbs: ["backup"], value: true, say: "use --tag TAG" },
  { flags: ["--timestamp", "--start-time"], verbs: ["backup"], value: true, use: "--time" },
  { flags: ["--content-from-command"], verbs: ["backup"], use: "--stdin-from-command" },
  { flags: ["--stdin-name"], verbs: ["backup"], value: true, use: "--stdin-filename" },
  { flags: ["--stdin-file"], verbs: ["backup"], value: true, say: "use --stdin with --stdin-filename NAME" },
  {
    flags: ["--stdin-user", "--stdin-group", "--stdin-mode"],
    verbs: ["backup"],
    value: true,
    say: LEAVE_OUT,
  },
  { flags: ["--override-hostname"], verbs: ["backup"], value: true, use: "--host" },
  { flags: ["--override-source"], verbs: ["backup"], value: true, say: "use --series NAME" },
  { flags: ["--upload-limit-mb"], verbs: ["backup"], value: true, say: "use --budget LIMIT" },
  { flags: ["--pin"], verbs: ["backup"], value: true, say: "use --tag TAG" },
  { flags: ["--all"], verbs: ["backup"], say: "name the folders: `holdfast backup FOLDER`" },
]

const RESTORE: readonly FlagHabit[] = [
  { flags: ["--iinclude-file"], verbs: ["restore"], value: true, say: "use --iinclude PATTERN" },
  {
    flags: ["--exclude-xattr", "--include-xattr"],
    verbs: ["restore"],
    value: true,
    say: "all extended attributes are restored; leave it out",
  },
  {
    flags: ["--strip-components"],
    verbs: ["restore"],
    value: true,
    say: "use SNAPSHOT:PATH to restore only a folder's content",
  },
  { flags: ["--stdout"], verbs: ["restore"], say: "use `holdfast dump SNAPSHOT:PATH`" },
  { flags: ["--continue"], verbs: ["restore"], drop: true },
  { flags: ["--skip-existing", "--no-overwrite-files"], verbs: ["restore"], use: "--overwrite=never" },
  { flags: ["--overwrite-files"], verbs: ["restore"], use: "--overwrite=always" },
  { flags: ["--skip-owners"], verbs: ["restore"], use: "--no-owners" },
  {
    flags: ["--numeric-ids", "--numeric-owner"],
    verbs: ["restore"],
    say: "use --no-owners, or leave it out",
  },
  { flags: ["--delete-extra"], verbs: ["restore"], use: "--delete" },
  { flags: ["--write-sparse-files"], verbs: ["restore"], say: "holes in files are kept; leave it out" },
  {
    flags: ["--skip-permissions", "--skip-times", "--noacls", "--noxattrs"],
    verbs: ["restore"],
    say: "permissions, times and attributes are always restored; leave it out",
  },
  { flags: ["--mode"], verbs: ["restore"], value: true, say: "use `holdfast dump SNAPSHOT --archive tar`" },
  { flags: ["--snapshot-time"], verbs: ["restore"], value: true, say: "use the time as SNAPSHOT" },
]

const LOOK: readonly FlagHabit[] = [
  { flags: ["-H"], verbs: FILTERED, value: true, use: "--host" },
  { flags: ["--tags"], verbs: FILTERED, value: true, use: "--tag" },
  { flags: ["--short"], verbs: ["snapshots"], use: "--compact" },
  { flags: ["--last"], verbs: ["snapshots"], value: true, say: "use --latest N" },
  { flags: ["--max-results"], verbs: ["snapshots"], value: true, use: "--latest" },
  { flags: ["-n"], verbs: ["snapshots"], value: true, use: "--latest" },
  {
    flags: ["--first"],
    verbs: ["snapshots"],
    value: true,
    say: "snapshots are listed oldest first; use head",
  },
  { flags: ["--all", "-a", "--show-identical"], verbs: ["snapshots"], drop: true },
  {
    flags: ["--prefix", "--glob-archives", "--match-archives", "-P"],
    verbs: FILTERED,
    value: true,
    say: "use --series NAME or --tag TAG",
  },
  { flags: ["--short", "--recursive", "-R"], verbs: ["ls"], drop: true },
  { flags: ["--human-readable", "--reverse"], verbs: ["snapshots", "ls", "find"], say: JSON_INSTEAD },
  { flags: ["--ncdu"], verbs: ["ls"], say: JSON_INSTEAD },
  {
    flags: ["--sort", "--sort-by", "--format"],
    verbs: ["snapshots", "ls", "diff"],
    value: true,
    say: JSON_INSTEAD,
  },
  { flags: ["--blob", "--tree", "--pack", "--show-pack-id"], verbs: ["find"], say: "use `holdfast check`" },
  { flags: ["--content-only"], verbs: ["diff"], drop: true },
  { flags: ["--numeric-ids", "--same-chunker-params"], verbs: ["diff"], say: LEAVE_OUT },
  {
    flags: ["--mode"],
    verbs: ["stats"],
    value: true,
    say: "`holdfast stats` prints all sizes; leave it out",
  },
]

const CARE: readonly FlagHabit[] = [
  { flags: ["--verify-data", "--full"], verbs: ["check"], use: "--read-data" },
  {
    flags: ["--verify-files-percent"],
    verbs: ["check"],
    value: true,
    say: "use `holdfast check --read-data-subset N%`",
  },
  { flags: ["--repository-only"], verbs: ["check"], use: "--store-only" },
  { flags: ["--with-cache", "--archives-only"], verbs: ["check"], say: LEAVE_OUT },
  { flags: ["--repair"], verbs: ["check"], say: "check only reports damage; it changes nothing" },
  {
    flags: ["--max-duration"],
    verbs: ["check"],
    value: true,
    say: "use --read-data-subset 1/5, then 2/5, …",
  },
  {
    flags: ["--encryption", "-e"],
    verbs: ["init"],
    value: true,
    say: "every repository is encrypted; leave it out: `holdfast init LOCATION`",
  },
  {
    flags: ["--repository-version", "--storage-quota"],
    verbs: ["init"],
    value: true,
    say: "leave it out: `holdfast init LOCATION`",
  },
  {
    flags: ["--append-only", "--make-parent-dirs", "--copy-chunker-params"],
    verbs: ["init"],
    say: "leave it out: `holdfast init LOCATION`",
  },
  {
    flags: ["--from-repo", "--from-password-file", "--from-password-command"],
    verbs: ["init", "copy"],
    value: true,
    say: "use `holdfast copy -r FROM TO`",
  },
  { flags: ["--user", "--host"], verbs: ["key add"], value: true, say: LEAVE_OUT },
  {
    flags: ["--new-insecure-no-password"],
    verbs: ["key add", "key passwd"],
    say: "every key needs a secret",
  },
  { flags: ["--cleanup", "--no-size"], verbs: ["cache"], say: "use `holdfast cache --clear`" },
  { flags: ["--max-age"], verbs: ["cache"], value: true, say: "use `holdfast cache --clear`" },
]

export const FLAG_HABITS: readonly FlagHabit[] = [...BACKUP, ...RESTORE, ...LOOK, ...CARE, ...GLOBAL]

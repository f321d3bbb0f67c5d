/**
 * The look for secrets before a backup: files that changed since they were last looked at. `warn` names them, `block`
 * leaves them out, `off` does nothing. Findings are remembered in the record of runs; a secret's text never is.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { monotonicMs } from "../../../engine/base/ports.ts"
import { sourceFiles, showPath, type RawPath, type SourceFile } from "../../../engine/index.ts"
import type { Warning } from "../results.ts"
import type { Setup } from "../setup.ts"
import { withRecord } from "./record.ts"
import { sourceOf } from "./source.ts"

export interface SecretScan {
  /** Paths in the snapshot of files that are left out. */
  readonly blocked: ReadonlySet<RawPath>
  readonly warnings: readonly Warning[]
}

/** What a file seems to contain: kinds and lines. */
interface Finding {
  readonly line: number
  readonly kind: string
}

const NOTHING: SecretScan = { blocked: new Set(), warnings: [] }
/** The host's other work goes on meanwhile. */
const TURN_MS = 20
const SHOWN = 5

/** @param repositoryFolder left out of the walk, if it is in a root */
export async function scanForSecrets(
  setup: Setup,
  repositoryFolder: string | undefined,
): Promise<SecretScan> {
  const { secretsScan } = setup.settings
  if (secretsScan === "off") return NOTHING
  const found = await findSecrets(setup, repositoryFolder)
  if (found.size === 0) return NOTHING
  const names = [...found].flatMap(([path, findings]) =>
    findings.slice(0, 1).map(({ line, kind }) => `${showPath(path)}, line ${line} (${kind})`),
  )
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ""
  const list = names.slice(0, SHOWN).join("; ") + more
  if (secretsScan === "warn") {
    const message = `files seem to contain secrets, and were backed up: ${list}`
    const hint = `remove the secrets and rotate them, or leave such files out: "secrets_scan": "block"`
    return { blocked: new Set(), warnings: [{ code: "secrets-found", message, hint }] }
  }
  const message = `files seem to contain secrets, and were left out: ${list}`
  const hint = `remove the secrets and rotate them, or allow it: "secrets_scan": "warn"`
  return { blocked: new Set(found.keys()), warnings: [{ code: "secrets-blocked", message, hint }] }
}

async function findSecrets(
  setup: Setup,
  repositoryFolder: string | undefined,
): Promise<Map<RawPath, readonly Finding[]>> {
  const { secretsInText } = await import("../config/scan-secrets.ts")
  const known = withRecord(setup, (record) => record.scanned())
  const scanned = new Map<string, { readonly mark: string; readonly found: string }>()
  const fresh = new Set<string>()
  let turnMs = monotonicMs()
  const { sqlite } = setup.capture
  for (const file of sourceFiles({ ...sourceOf(setup), home: setup.home, repositoryFolder, sqlite })) {
    const mark = `${file.size} ${file.mtimeNs} ${file.ctimeNs}`
    const before = known.get(file.path)
    if (before?.mark === mark) {
      scanned.set(file.path, before)
      continue
    }
    const text = smallText(file)
    scanned.set(file.path, { mark, found: JSON.stringify(text === undefined ? [] : secretsInText(text)) })
    fresh.add(file.path)
    if (monotonicMs() - turnMs < TURN_MS) continue
    await setImmediate()
    turnMs = monotonicMs()
  }
  if (fresh.size > 0 || scanned.size !== known.size)
    withRecord(setup, (record) => record.setScanned(scanned, fresh))
  const found = [...scanned].map(([path, each]): [RawPath, Finding[]] => [
    path as RawPath,
    JSON.parse(each.found) as Finding[],
  ])
  return new Map(found.filter(([, findings]) => findings.length > 0))
}

const BYTES_MAX = 1024 * 1024
const DATABASE = /\.(?:sqlite3?|db3?|vscdb)(?:-(?:wal|shm|journal))?$/i

/**
 * A process that closes a file loses all its locks on it. This one may be the host's, with the database open, and
 * without its locks the next program that opens the database takes its memory away.
 */
function isDatabase(place: string): boolean {
  if (DATABASE.test(place)) return true
  return ["-wal", "-shm"].some((end) => existsSync(Buffer.from(place + end, "latin1")))
}

/** Undefined for what is no text of a moderate size. */
function smallText(file: SourceFile): string | undefined {
  const place = file.size > BYTES_MAX ? undefined : file.place()
  if (place === undefined || isDatabase(place)) return undefined
  let handle: number | undefined
  try {
    handle = openSync(
      Buffer.from(place, "latin1"),
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    )
    const stat = fstatSync(handle)
    if (!stat.isFile() || stat.size > BYTES_MAX) return undefined
    const bytes = readFileSync(handle)
    return bytes.includes(0) ? undefined : bytes.toString("utf8")
  } catch {
    return undefined
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

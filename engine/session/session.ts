/**
 * What changes while a repository is open: the newest accepted trust and its keys, this device, the
 * pins, the last listing, and what is reported at the end of the run. Everything else about an open
 * repository stays as it was opened (repository.ts). Every field is read-only to everyone: the
 * functions below are the only ones that change it. spec/ordering.md, spec/log.md.
 */
import { type EngineError, isEngineError } from "../base/errors.ts"
import type { DeviceId, Digest } from "../base/ids.ts"
import type { RepositoryKeys } from "../crypto/derive.ts"
import type { KeyPair } from "../crypto/keypair.ts"
import type { OpenedTrust } from "../crypto/trust-state.ts"
import type { TrustState } from "../format/trust-entry.ts"
import type { RepositoryHome } from "../home/home.ts"
import { type Pins, readPins, updatePins } from "../home/pins.ts"
import type { LogNames } from "../log/log-names.ts"

/** The newest trust entry that this device has accepted. */
export interface Trust {
  readonly number: number
  readonly digest: Digest
  readonly state: TrustState
  /** The names that people gave to devices and slots, by their ids. */
  readonly labels: ReadonlyMap<string, string>
}

/** This device's identity, from its home. */
export interface Device {
  readonly id: DeviceId
  readonly signing: KeyPair
  readonly sealing: KeyPair
}

/** One LIST of the log. */
export interface Listed {
  readonly names: LogNames
  /** When it was made, by the repository's clock, in nanoseconds since 1970. */
  readonly atNs: bigint
}

/** A look may replace any field: read it when it is used, never keep it. */
export interface Session {
  readonly keys: RepositoryKeys
  readonly trust: Trust
  /** A newer state that does not seal its keys to this member: it was revoked, or lost between two changes. */
  readonly excludedBy: TrustState | undefined
  /** Undefined when a secret alone opened the repository, for reading. */
  readonly device: Device | undefined
  /** The device's sealing pair, or the keyslot's: opens what the trust state seals to it. */
  readonly member: KeyPair
  readonly pins: Pins
  /** The last listing of the log, for a look that follows at once. */
  readonly listed: Listed | undefined
  /** This run enrolled this device. */
  readonly enrolled: boolean
  /** Printed at the end of the run. */
  readonly warnings: readonly string[]
  /** Damage that a reading verb skipped: its answer may be incomplete. */
  readonly unread: readonly EngineError[]
  /** Alarms of verbs that went on in spite of them (rule R1): the run must not end with success. */
  readonly alarms: readonly EngineError[]
}

type Mutable = {
  -readonly [Field in keyof Session]: Session[Field] extends readonly (infer Item)[] ? Item[] : Session[Field]
}

interface WithSession {
  readonly session: Session
}

interface WithHome extends WithSession {
  readonly home: RepositoryHome
}

/** The start of a session, from what opening has found out. */
export interface SessionStart extends Pick<
  Session,
  "device" | "member" | "listed" | "enrolled" | "warnings"
> {
  readonly opened: OpenedTrust
  readonly home: RepositoryHome
}

export function startSession({ opened, home, warnings, ...start }: SessionStart): Session {
  const session: Mutable = {
    ...start,
    keys: opened.keys,
    trust: trustOf(opened),
    excludedBy: undefined,
    pins: readPins(home),
    warnings: [...warnings],
    unread: [],
    alarms: [],
  }
  return session
}

function trustOf({ state, digest, private: { labels } }: OpenedTrust): Trust {
  return { number: state.number, digest, state, labels }
}

/** From here on the repository works with this state and its keys. */
export function acceptTrust(repository: WithSession, opened: OpenedTrust): void {
  const session = mutable(repository)
  session.trust = trustOf(opened)
  session.excludedBy = undefined
  session.keys = opened.keys
}

/** Likewise for a state that this device has written, which is pinned at once. */
export function acceptOwnTrust(repository: WithHome, opened: OpenedTrust): void {
  acceptTrust(repository, opened)
  const { state, digest } = opened
  movePins(repository, (pins) => ({ ...pins, trust: { number: state.number, digest } }))
}

/** A newer state excludes this member. The old keys still open what is old. */
export function acceptExclusion(repository: WithSession, state: TrustState): void {
  mutable(repository).excludedBy = state
}

/** The identity of its home from now on. `opened` is the state that enrolled it. */
export function becomeDevice(repository: WithHome, device: Device, opened: OpenedTrust): void {
  const session = mutable(repository)
  session.device = device
  session.member = device.sealing
  acceptOwnTrust(repository, opened)
}

/** Durable in the home when it returns; in this run alone if `isKept` is false. */
export function movePins(repository: WithHome, change: (pins: Pins) => Pins, isKept = true): void {
  const session = mutable(repository)
  session.pins = isKept ? updatePins(repository.home, change) : change(session.pins)
}

/** Another run of this device may have moved them. */
export function rereadPins(repository: WithHome): void {
  mutable(repository).pins = readPins(repository.home)
}

/** The look that follows takes this listing. */
export function rememberList(repository: WithSession, listed: Listed): void {
  mutable(repository).listed = listed
}

/** Each listing is taken once. */
export function takeList(repository: WithSession): Listed | undefined {
  const session = mutable(repository)
  const { listed } = session
  session.listed = undefined
  return listed
}

/** The same warning is printed once. */
export function warnOnce(repository: WithSession, warning: string): void {
  if (!repository.session.warnings.includes(warning)) warn(repository, warning)
}

export function warn(repository: WithSession, warning: string): void {
  mutable(repository).warnings.push(warning)
}

/** For an alarm that a verb goes on in spite of. */
export function noteAlarm(repository: WithSession, alarm: EngineError): void {
  addNew(mutable(repository).alarms, alarm)
}

/** For damage that a reading verb skips; the command line then ends with exit code 13. Alarms are noted elsewhere. */
export function noteUnread(repository: WithSession, problems: readonly EngineError[]): void {
  for (const problem of problems) {
    if (problem.kind === "untrusted") continue
    addNew(mutable(repository).unread, problem)
    warnOnce(repository, problem.message)
  }
}

/** The result of `run`; or, if it meets damage, which is noted, `otherwise`. */
export async function readOr<T, U>(
  repository: WithSession,
  otherwise: U,
  run: () => Promise<T>,
): Promise<T | U> {
  try {
    return await run()
  } catch (error) {
    if (!isEngineError(error) || error.kind !== "corrupt") throw error
    noteUnread(repository, [error])
    return otherwise
  }
}

function addNew(errors: EngineError[], error: EngineError): void {
  if (errors.every(({ message }) => message !== error.message)) errors.push(error)
}

/** The one place where a session is not read-only. */
function mutable({ session }: WithSession): Mutable {
  return session as Mutable
}

/**
 * Opens the repository of a command: chooses the location, the home and the secret. An enrolled device needs no
 * secret; another one asks for it when it is needed.
 */
import {
  EngineError,
  openHome,
  openRepository,
  openStore,
  parseAddress,
  parseEndpoint,
  knownPlaces,
  locationName,
  rememberedRepository,
  shellWord,
  type Home,
  type OpenRequest,
  type OpenStoreOptions,
  type Repository,
  type Secret,
  type Store,
} from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { EXIT, isEngineError, UsageError } from "../output/exit-codes.ts"
import { askPassphrase, givenSecrets, withTypedTries } from "../secrets/secrets.ts"

export function homeOf(call: Call): Home {
  return openHome({ environment: call.environment })
}

/** `-r`, then HOLDFAST_REPOSITORY, then the default; undefined without any. */
export function locationOf(call: Call, home: Home): string | undefined {
  const named = call.options.text("repo") ?? call.environment["HOLDFAST_REPOSITORY"]
  return named || rememberedRepository(home)?.location
}

/** As the home knows it; undefined means the default. Opens nothing. */
export function knownLocationOf(call: Call): string | undefined {
  const { options, environment } = call
  const named = options.text("repo") || environment["HOLDFAST_REPOSITORY"]
  if (named) refuseS3Flags(call, named)
  return named ? locationName(named, { endpoint: options.text("endpoint") }, environment) : undefined
}

export async function storeAt(call: Call, location: string): Promise<Store> {
  const { options, environment, verb } = call
  if (verb.name !== "copy" || options.flag("promote")) refuseS3Flags(call, location)
  const how: OpenStoreOptions = {
    endpoint: options.text("endpoint"),
    region: options.text("region"),
    credentialsFrom: options.text("credentials") ?? (environment["HOLDFAST_CREDENTIALS"] || undefined),
    addressing: addressingOf(call),
    caFile: options.text("ca-file"),
    uploadKib: wholeNumber(call, "limit-upload"),
    downloadKib: wholeNumber(call, "limit-download"),
  }
  const store = await openStore(location, how, environment)
  call.stores.push(store)
  return store
}

/** One of the flag's choices. */
export function addressingOf({ options }: Call): OpenStoreOptions["addressing"] {
  return options.text("addressing") as OpenStoreOptions["addressing"]
}

export function wholeNumber(call: Call, flag: string): number | undefined {
  const text = call.options.text(flag)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`--${flag} needs a whole number, not "${text}"`)
  return number
}

export interface OpenHow {
  /** The first write of a device enrols it. */
  readonly write: boolean
  /** Changes nothing, neither in the store nor in this device's home. */
  readonly dryRun?: boolean | undefined
  /** If it is not given by -r. */
  readonly location?: string | undefined
  /** Default: `openRepository`. */
  readonly open?: ((request: OpenRequest) => Promise<Repository>) | undefined
}

/** Opens the repository, runs, prints the warnings, and closes it. */
export async function withRepository<T>(
  call: Call,
  how: OpenHow,
  run: (repository: Repository) => Promise<T>,
): Promise<T> {
  const home = homeOf(call)
  const location = how.location ?? locationOf(call, home)
  if (location === undefined) throw new EngineError("not-found", "no-repository", noLocation(call, home))
  const store = await storeAt(call, location)
  const open = how.open ?? openRepository
  const repository = await openWithSecrets(call, {
    home,
    store,
    write: how.write,
    dryRun: how.dryRun === true,
    location,
    open,
  })
  try {
    const result = await run(repository)
    // A reading verb continues after a rollback, but the rollback is a failure.
    if (repository.session.alarms[0] !== undefined) throw repository.session.alarms[0]
    if (HAVE_SUMMARY.has(call.verb.name) && rememberedRepository(home)?.location !== repository.location)
      call.output.say(`repository: ${repository.location}`)
    if (!how.write && result === EXIT.done && repository.session.unread.length > 0)
      throw incomplete(repository)
    return result
  } catch (error) {
    const isLacking =
      isEngineError(error) && error.kind === "not-found" && repository.session.unread.length > 0
    throw isLacking ? incomplete(repository, error.message) : error
  } finally {
    if (repository.session.enrolled) {
      call.output.warn("this device now has its own keys. Later commands don't ask for the passphrase")
    }
    for (const warning of repository.session.warnings) call.output.warn(warning)
    repository.close()
  }
}

/** The requested data may be in the unreadable part. */
function incomplete({ session: { unread } }: Repository, found?: string): EngineError {
  const objects = unread.length === 1 ? "1 object" : `${unread.length} objects`
  const message = `the answer may be incomplete: ${objects} of the repository could not be read (see the warnings)`
  return new EngineError("corrupt", "incomplete", found === undefined ? message : `${found}; ${message}`)
}

/** Verbs whose summary names the repository if it is not the default. */
const HAVE_SUMMARY = new Set([
  "backup",
  "estimate",
  "restore",
  "snapshots",
  "copy",
  "check",
  "stats",
  "key add",
  "key remove",
  "key passwd",
])

interface Opening {
  readonly open: NonNullable<OpenHow["open"]>
  readonly home: Home
  readonly store: Store
  readonly write: boolean
  readonly dryRun: boolean
  readonly location: string
}

/** A secret is read only if the home's device can't open the repository. */
async function openWithSecrets(call: Call, opening: Opening): Promise<Repository> {
  const { home, store, write, dryRun, location, open } = opening
  let given: Secret | undefined
  const secret = async (): Promise<Secret | undefined> => {
    given ??= givenSecrets(call)[0]
    return given ?? (await askPassphrase(`passphrase for ${location}`))
  }
  return await withTypedTries(
    () => open({ store, home, write, dryRun, secret }),
    () => given === undefined,
  )
}

/** For a new user who runs `backup` before `init`. A device with keys is not told to create a repository. */
function noLocation(call: Call, home: Home): string {
  const { locations, deviceCount } = knownPlaces(home)
  if (locations.length > 0) {
    const known = locations.map((location) => `  holdfast connect ${shellWord(location)} --default`)
    return ["no default repository is set. Use -r LOCATION, or set the default:", ...known].join("\n")
  }
  if (deviceCount > 0) {
    const what = deviceCount === 1 ? "a repository" : `${deviceCount} repositories`
    return `this device has keys for ${what}, but the location is not known any more. Use -r LOCATION, or set it again:\n  holdfast connect LOCATION`
  }
  const wanted =
    call.args.length > 0 && call.verb.name === "backup" ? call.args.map(shellWord).join(" ") : "FOLDER"
  return [
    "this device knows no repository. Create one, then back something up:",
    "  holdfast init /path/to/repository",
    `  holdfast backup ${wanted}`,
  ].join("\n")
}

const S3_FLAGS = ["endpoint", "region", "credentials", "addressing", "ca-file"]
/** `copy` has them with "to-" for the mirror; without it they serve both places. */
const MIRROR_FLAGS = ["endpoint", "region", "credentials"]

/**
 * Refuses flags for S3 that can have no effect: at a folder, and `--endpoint` beside a location that has its own. The
 * user expects another place than the one that would be used.
 *
 * @param mirror the place that `copy` sends to
 */
export function refuseS3Flags({ options }: Call, location: string, mirror?: string): void {
  for (const flag of S3_FLAGS) {
    const value = options.text(flag)
    const own = mirror !== undefined && MIRROR_FLAGS.includes(flag) ? options.text(`to-${flag}`) : undefined
    if (value !== undefined) {
      const places = mirror === undefined || own !== undefined ? [location] : [location, mirror]
      const reasons = places.map((place) => whyUnused(place, flag, value))
      if (!reasons.includes(undefined)) throw new UsageError(`--${flag} ${reasons.join("; it ")}`)
    }
    if (own === undefined || mirror === undefined) continue
    const reason = whyUnused(mirror, flag, own)
    if (reason !== undefined) throw new UsageError(`--to-${flag} ${reason}`)
  }
}

/** Undefined if it has an effect there, or names what the location names. */
function whyUnused(place: string, flag: string, value: string): string | undefined {
  const address = parseAddress(place)
  if (address.kind === "local") return `is for S3, and ${place} is a folder`
  if (flag !== "endpoint" || address.endpoint === undefined || address.endpoint === parseEndpoint(value))
    return undefined
  return `has no effect: ${place} has its own endpoint`
}

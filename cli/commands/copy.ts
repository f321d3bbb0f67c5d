/** `holdfast copy`: copies the repository to a mirror in another store, or promotes a mirror. */
import {
  copy as copyTo,
  openStore,
  promote,
  requestsOf,
  type CopyResult,
  type Store,
} from "../../engine/index.ts"
import { askedFields } from "./asked.ts"
import type { Call, Command } from "../verbs/call.ts"
import {
  addressingOf,
  homeOf,
  locationOf,
  refuseS3Flags,
  storeAt,
  wholeNumber,
  withRepository,
} from "./connection.ts"
import { EXIT, UsageError, type ExitCode } from "../output/exit-codes.ts"
import { showBytes, showCount, showDuration } from "../output/format.ts"
import { requestsFields } from "../output/json-shapes.ts"
import { reportObjectError } from "../output/output.ts"

export const copy: Command = async (call) => {
  if (call.options.flag("promote")) return await promoteMirror(call)
  const place = call.args[0]
  if (place === undefined)
    throw new UsageError(
      "copy needs a location, e.g. holdfast copy s3://bucket/mirror or holdfast copy /mnt/disk/mirror",
    )
  refuseHalfCredentials(call)
  const repositoryLocation = locationOf(call, homeOf(call))
  if (repositoryLocation !== undefined) refuseS3Flags(call, repositoryLocation, place)
  const dryRun = call.options.flag("dry-run")
  return await withRepository(call, { write: false, dryRun }, async (repository) => {
    const to = await destination(call, place)
    const progress = call.output.progress(dryRun ? "copy (dry run)" : "copy")
    const result = await copyTo(repository, { to, dryRun }, ({ bytesDone, bytesTotal, current }) => {
      progress.update({ bytes: bytesDone, bytesTotal, current })
    })
    progress.wipe()
    report(call, result, { to, dryRun })
    return result.errors.length === 0 ? EXIT.done : EXIT.damaged
  })
}

/** Refuses variables that would be ignored: the mirror would silently get the repository's credentials. */
function refuseHalfCredentials({ options, environment }: Call): void {
  if (options.text("to-credentials") !== undefined) return
  const [id, secret, token] = ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"].map(
    (name) => `HOLDFAST_TO_${name}`,
  ) as [string, string, string]
  const [first] = [id, secret, token].filter((name) => environment[name])
  if (first === undefined) return
  if (environment["HOLDFAST_TO_CREDENTIALS"])
    throw new UsageError(
      `HOLDFAST_TO_CREDENTIALS and ${first} are both set: give one, or use --to-credentials`,
    )
  const missing = [id, secret].find((name) => !environment[name])
  if (missing !== undefined) throw new UsageError(`${first} is set, and ${missing} is not: set both`)
}

/** Uses its own credentials if given, otherwise the repository's. */
async function destination(call: Call, place: string): Promise<Store> {
  const { options, environment } = call
  const accessKeyId = environment["HOLDFAST_TO_ACCESS_KEY_ID"]
  const secretAccessKey = environment["HOLDFAST_TO_SECRET_ACCESS_KEY"]
  const sessionToken = environment["HOLDFAST_TO_SESSION_TOKEN"]
  const own =
    accessKeyId && secretAccessKey
      ? { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
      : undefined
  const named = options.text("to-credentials") ?? environment["HOLDFAST_TO_CREDENTIALS"]
  const shared = options.text("credentials") ?? environment["HOLDFAST_CREDENTIALS"]
  const store = await openStore(
    place,
    {
      endpoint: options.text("to-endpoint") ?? options.text("endpoint"),
      region: options.text("to-region") ?? options.text("region"),
      addressing: addressingOf(call),
      caFile: options.text("ca-file"),
      credentials: named ? undefined : own,
      credentialsFrom: named || shared || undefined,
      uploadKib: wholeNumber(call, "limit-upload"),
      downloadKib: wholeNumber(call, "limit-download"),
    },
    environment,
  )
  call.stores.push(store)
  return store
}

interface Told {
  readonly to: Store
  readonly dryRun: boolean
}

function report(call: Call, result: CopyResult, { to, dryRun }: Told): void {
  const { output } = call
  const { copied, present, errors, durationMs } = result
  for (const error of errors) reportObjectError(output, "copy", error)
  output.object({
    message_type: "summary",
    repository: to.location,
    ...(dryRun ? { dry_run: true } : {}),
    objects_copied: copied.objects,
    bytes_copied: copied.bytes,
    objects_present: present.objects,
    bytes_present: present.bytes,
    num_errors: errors.length,
    seconds_elapsed: durationMs / 1000,
    // The sum of both stores, and the mirror's part.
    requests: askedFields(call),
    requests_to: requestsFields(requestsOf(to)),
  })
  const done = `${showCount(copied.objects, "object")}, ${showBytes(copied.bytes)}`
  const there = `${showCount(present.objects, "object")} already there`
  output.say(
    dryRun
      ? `dry run: ${done} would be copied to ${to.location}; ${there}`
      : `copied ${done} to ${to.location} in ${showDuration(durationMs)}; ${there}`,
  )
  if (errors.length > 0) output.say(`${showCount(errors.length, "object")} could not be copied`)
}

async function promoteMirror(call: Call): Promise<ExitCode> {
  const location = call.args[0] ?? locationOf(call, homeOf(call))
  if (location === undefined)
    throw new UsageError("copy --promote needs a mirror, e.g. holdfast copy --promote /mnt/disk/mirror")
  const store = await storeAt(call, location)
  const dryRun = call.options.flag("dry-run")
  await promote(store, { dryRun })
  call.output.object({
    message_type: "promoted",
    repository: store.location,
    ...(dryRun ? { dry_run: true } : {}),
    requests: askedFields(call),
  })
  if (dryRun) {
    call.output.say(`dry run: ${store.location} is a mirror and would be promoted`)
    return EXIT.done
  }
  call.output.say(`${store.location} is no longer a mirror; devices may write to it`)
  call.output.say("do not write to the original repository any more")
  return EXIT.done
}

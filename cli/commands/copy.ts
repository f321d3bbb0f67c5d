/** `holdfast copy`: a mirror of the repository in another store, and making a mirror the repository. */
import { copy as copyTo, openStore, promote, type CopyResult, type Store } from "../../engine/index.ts"
import type { Call, Command } from "../call.ts"
import { homeOf, locationOf, storeAt, withRepository } from "../connection.ts"
import { EXIT, UsageError, type ExitCode } from "../exit-codes.ts"
import { showBytes, showCount, showDuration } from "../format.ts"

export const copy: Command = async (call) => {
  if (call.options.flag("promote")) return await promoteMirror(call)
  const place = call.args[0]
  if (place === undefined)
    throw new UsageError(
      "where to? for example: holdfast copy s3://bucket/mirror, or holdfast copy /mnt/disk/mirror",
    )
  const dryRun = call.options.flag("dry-run")
  return await withRepository(call, { write: false }, async (repository) => {
    const to = await destination(call, place, dryRun)
    const progress = call.output.progress(dryRun ? "copy (dry run)" : "copy")
    const result = await copyTo(repository, { to, dryRun }, ({ bytesDone, bytesTotal, current }) => {
      progress.update({ bytes: bytesDone, bytesTotal, current })
    })
    progress.wipe()
    report(call, result, { to, dryRun, requests: repository.requests() })
    return result.errors.length === 0 ? EXIT.done : EXIT.damaged
  })
}

/** Its credentials are its own when they are set; the AWS chain serves both stores else. */
async function destination(call: Call, place: string, dryRun: boolean): Promise<Store> {
  const { options, environment } = call
  const accessKeyId = environment["HOLDFAST_TO_ACCESS_KEY_ID"]
  const secretAccessKey = environment["HOLDFAST_TO_SECRET_ACCESS_KEY"]
  const sessionToken = environment["HOLDFAST_TO_SESSION_TOKEN"]
  const own =
    accessKeyId && secretAccessKey
      ? { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
      : undefined
  return await openStore(
    place,
    {
      create: !dryRun,
      endpoint: options.text("to-endpoint") ?? options.text("endpoint"),
      region: options.text("to-region") ?? options.text("region"),
      caFile: options.text("ca-file"),
      credentials: own,
    },
    environment,
  )
}

interface Told {
  readonly to: Store
  readonly dryRun: boolean
  readonly requests: object
}

function report({ output }: Call, result: CopyResult, { to, dryRun, requests }: Told): void {
  const { copied, present, errors, durationMs } = result
  for (const { object, message } of errors) {
    output.object({
      message_type: "error",
      during: "copy",
      object,
      item: object,
      message,
      error: { message },
    })
    output.line(message.includes(object) ? message : `${object}: ${message}`)
  }
  output.object({
    message_type: "summary",
    repository: to.location,
    ...(dryRun ? { dry_run: true } : {}),
    objects_copied: copied.objects,
    bytes_copied: copied.bytes,
    objects_present: present.objects,
    bytes_present: present.bytes,
    num_errors: errors.length,
    total_duration: durationMs / 1000,
    requests,
  })
  const done = `${showCount(copied.objects, "object")}, ${showBytes(copied.bytes)}`
  const there = `${showCount(present.objects, "object")} were there already`
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
    throw new UsageError("which mirror? for example: holdfast copy --promote /mnt/disk/mirror")
  const store = await storeAt(call, location)
  await promote(store)
  call.output.object({ message_type: "promoted", repository: store.location })
  call.output.say(`${store.location} is no mirror any more: devices may write to it`)
  call.output.say("do not write to the repository that it was copied from again")
  return EXIT.done
}
